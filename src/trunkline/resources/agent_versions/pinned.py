"""The agent that a talk was begun with, however it was written since."""

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.actions.models import AgentAction
from trunkline.resources.agent_versions.repository import AgentVersionRepository
from trunkline.resources.agent_versions.snapshots import actions_in, put_back
from trunkline.resources.agents.models import Agent


async def pinned(
    session: AsyncSession, agent: Agent, version: str | None
) -> tuple[Agent, list[AgentAction] | None]:
    """An agent as this version has it, and the actions that it had then; None: those of today.

    It is the agent of today where no version is named, or none of that number is kept. Nothing is written back: the
    agent leaves the session.
    """
    if version in (None, str(agent.version)):
        return agent, None
    found = await AgentVersionRepository(session, agent.workspace_id).get(agent.id, version)
    if found is None:
        return agent, None
    session.expunge(agent)
    put_back(found.content, agent)
    return agent, actions_in(found.content, agent)
