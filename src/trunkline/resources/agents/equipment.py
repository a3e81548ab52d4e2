"""All that an agent brings into a talk besides its own row, read in one go when the talk begins."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.actions.models import AgentAction
from trunkline.resources.actions.planning import planned
from trunkline.resources.actions.work import PlannedAction
from trunkline.resources.agents.models import Agent
from trunkline.resources.knowledge import answering
from trunkline.resources.knowledge.repository import KnowledgeRepository
from trunkline.resources.memory.recall import recall
from trunkline.resources.tool_servers.server import ToolServer
from trunkline.resources.workspaces.secrets import Opener


@dataclass(frozen=True)
class Equipment:
    """What one agent has in one talk; empty where nothing may touch the world."""

    actions: tuple[PlannedAction, ...] = ()
    """In their order, of all phases; the search of its knowledge last."""
    tool_servers: tuple[ToolServer, ...] = ()
    memory: str = ""
    """What is known of the other party; "" for nobody known, or nothing."""


async def equipment_of(
    session: AsyncSession,
    box: Opener,
    agent: Agent,
    other_party: str,
    attached: Sequence[AgentAction] | None = None,
) -> Equipment:
    """What `agent` has in a talk with `other_party` (E.164, or "" for nobody known).

    `attached`: the actions of the version that talks; None: those of today. Workspace's or system's session.
    Raises SetupError when a secret was sealed with another key.
    """
    bases = await KnowledgeRepository(session, agent.workspace_id).bases_of(agent.id)
    return Equipment(
        actions=(*await planned(session, box, agent, attached), *answering.planned(bases)),
        memory=await recall(session, agent.workspace_id, agent.id, other_party),
    )
