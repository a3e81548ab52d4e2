"""What every write of an agent ends with: its next version."""

from trunkline.resources.actions.repository import ActionRepository
from trunkline.resources.agent_versions.models import AgentVersion
from trunkline.resources.agent_versions.repository import AgentVersionRepository
from trunkline.resources.agent_versions.snapshots import content_of
from trunkline.resources.agents.models import Agent


class VersionWriter:
    """Makes versions of one workspace's agents, within one transaction."""

    def __init__(self, versions: AgentVersionRepository, actions: ActionRepository) -> None:
        self._versions = versions
        self._actions = actions

    async def write(self, agent: Agent, restored_from: int | None = None) -> AgentVersion:
        """Store what the agent is now, its actions with it. Its row is locked or new."""
        attached = [each for _, each in await self._actions.of_agent(agent.id)]
        return await self._versions.add(agent, content_of(agent, attached), restored_from)
