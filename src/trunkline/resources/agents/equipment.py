"""All that an agent brings into a talk besides its own row, read in one go when the talk begins."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.actions import server_tool
from trunkline.resources.actions.models import AgentAction
from trunkline.resources.actions.planning import planned
from trunkline.resources.actions.work import Means, PlannedAction
from trunkline.resources.agents.models import Agent
from trunkline.resources.knowledge import answering
from trunkline.resources.knowledge.repository import KnowledgeRepository
from trunkline.resources.memory.recall import recall
from trunkline.resources.tool_servers.repository import ToolConfigRepository
from trunkline.resources.tool_servers.server import ToolServer
from trunkline.resources.tool_servers.service import servers_of
from trunkline.resources.workspaces.secrets import Opener


@dataclass(frozen=True)
class Equipment:
    """What one agent has in one talk; empty where nothing may touch the world."""

    actions: tuple[PlannedAction, ...] = ()
    """In their order, of all phases; the search of its knowledge last."""
    tool_servers: tuple[ToolServer, ...] = ()
    """The workspace's; their tools are every agent's, and join `actions` once they are known (`with_servers`)."""
    memory: str = ""
    """What is known of the other party; "" for nobody known, or nothing."""


async def with_servers(equipment: Equipment, means: Means) -> Equipment:
    """With the tools of its servers among the actions, as far as they can be told soon; no transaction is open."""
    if not equipment.tool_servers:
        return equipment
    found = await means.catalogue.tools(means.outbound, equipment.tool_servers)
    return replace(equipment, actions=(*equipment.actions, *server_tool.planned(found)), tool_servers=())


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
    config = await ToolConfigRepository(session, agent.workspace_id).get()
    bases = await KnowledgeRepository(session, agent.workspace_id).bases_of(agent.id)
    return Equipment(
        actions=(*await planned(session, box, agent, attached), *answering.planned(bases)),
        tool_servers=tuple(servers_of(config, box)) if config else (),
        memory=await recall(session, agent.workspace_id, agent.id, other_party),
    )
