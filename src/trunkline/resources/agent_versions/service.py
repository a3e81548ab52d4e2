"""The rules of versions: every write of an agent makes one; a restored one becomes the newest."""

from collections.abc import Sequence

from trunkline.errors import BadInput, NotFound
from trunkline.resources.actions.repository import ActionRepository
from trunkline.resources.agent_versions.models import AgentVersion
from trunkline.resources.agent_versions.repository import AgentVersionRepository
from trunkline.resources.agent_versions.snapshots import Difference, actions_in, differences, put_back
from trunkline.resources.agent_versions.writing import VersionWriter
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.repository import AgentRepository


class AgentVersions:
    """The versions of one workspace's agents, within one transaction."""

    def __init__(
        self, versions: AgentVersionRepository, agents: AgentRepository, actions: ActionRepository
    ) -> None:
        self._versions = versions
        self._agents = agents
        self._actions = actions
        self._writer = VersionWriter(versions, actions)

    async def page(self, agent_id: str, limit: int, offset: int) -> tuple[Agent, Sequence[AgentVersion]]:
        """An agent and its versions, newest first; the newest's number is their total. Raises NotFound."""
        agent = await self._agent(agent_id)
        return agent, await self._versions.page(agent.id, limit, offset)

    async def get(self, agent_id: str, n: str) -> tuple[Agent, AgentVersion]:
        """An agent and one version of it. Raises NotFound."""
        agent = await self._agent(agent_id)
        return agent, await self._version(agent, n)

    async def diff(
        self, agent_id: str, n: str, against: str | None
    ) -> tuple[int, AgentVersion, list[Difference]]:
        """The number of the version compared with (the one before, unless `against` names another), the version,
        and what changed between them.

        Raises:
            NotFound: no such agent or version.
            BadInput: `against` is no version of it.
        """
        agent, version = await self.get(agent_id, n)
        if against is None:
            former = await self._versions.get(agent.id, version.n - 1)
            return version.n - 1, version, differences(former.content if former else {}, version.content)
        other = await self._versions.get(agent.id, against)
        if other is None:
            raise BadInput(f"against: the agent has no version {against}.")
        return other.n, version, differences(other.content, version.content)

    async def restore(self, agent_id: str, n: str) -> tuple[Agent, AgentVersion]:
        """Make an agent what it was; that is a write as any other and makes a version, which comes with the agent.

        Raises:
            NotFound: no such agent or version.
            BadInput: the agent is of another type by now, or an action that it had was deleted.
        """
        agent = await self._agent(agent_id, lock=True)
        version = await self._version(agent, n)
        if version.content["type"] != agent.type:
            raise BadInput(
                f"Version {n} was of type {version.content['type']}, the agent is {agent.type} now; change its type "
                "with PUT /v2/assistants/{model_id} first, which moves its numbers."
            )
        put_back(version.content, agent)
        await self._put_back_actions(agent, version)
        return agent, await self._writer.write(agent, restored_from=version.n)

    async def _put_back_actions(self, agent: Agent, version: AgentVersion) -> None:
        had = actions_in(version.content, agent)
        if had is None:
            return
        ids = [each.action_id for each in had]
        await self._actions.revive(ids)
        gone = set(ids) - await self._actions.living(ids)
        if gone:
            raise BadInput(
                f"The agent of version {version.n} has actions that were deleted since: "
                f"{', '.join(sorted(map(str, gone)))}; make them anew and attach them."
            )
        former = [action.id for action, _ in await self._actions.of_agent(agent.id)]
        await self._actions.detach(agent.id, former)
        for each in had:
            await self._actions.attach(each)
        await self._actions.delete_unused(set(former) - set(ids))

    async def _agent(self, agent_id: str, *, lock: bool = False) -> Agent:
        agent = await self._agents.get(agent_id, lock=lock)
        if agent is None:
            raise NotFound(f"There is no agent {agent_id}.")
        return agent

    async def _version(self, agent: Agent, n: str) -> AgentVersion:
        version = await self._versions.get(agent.id, n)
        if version is None:
            raise NotFound(f"The agent has no version {n}.")
        return version
