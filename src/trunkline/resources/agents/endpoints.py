"""`/v2/assistants`."""

from typing import Annotated

from fastapi import Depends

from trunkline.platform.http.context import Caller, Parts, Transaction, keyed_router
from trunkline.platform.http.pagination import SINGLE, WidePage
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Answer, Ok, StatusOnly, done, ok
from trunkline.resources.actions.endpoints import Attached
from trunkline.resources.actions.repository import ActionRepository
from trunkline.resources.agent_versions.repository import AgentVersionRepository
from trunkline.resources.agent_versions.writing import VersionWriter
from trunkline.resources.agents import wire
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.agents.schemas import (
    AgentCreate,
    AgentPage,
    AgentUpdate,
    AgentWritten,
    AttachNumbers,
    SingleAgent,
)
from trunkline.resources.agents.service import Agents
from trunkline.resources.numbers.repository import NumberRepository
from trunkline.resources.workspaces.limits import check_agents

router = keyed_router("/v2/assistants", "Agents", Scope.ASSISTANTS)


def _agents(session: Transaction, caller: Caller, parts: Parts, attached: Attached) -> Agents:
    return Agents(
        AgentRepository(session, caller.workspace_id),
        NumberRepository(session, caller.workspace_id),
        VersionWriter(
            AgentVersionRepository(session, caller.workspace_id),
            ActionRepository(session, caller.workspace_id),
        ),
        attached,
        parts.language_models,
    )


Service = Annotated[Agents, Depends(_agents)]


def _require_actions(caller: Caller, body: AgentUpdate) -> None:
    if body.actions is not None:
        caller.require(Scope.ACTIONS, write=True)


@router.post("")
async def create_assistant(
    body: AgentCreate, agents: Service, caller: Caller, session: Transaction
) -> AgentWritten:
    """Make an agent; actions may be sent along, by id or written out."""
    caller.require(Scope(body.type), write=True)
    _require_actions(caller, body)
    await check_agents(session, caller.workspace_id)
    return wire.written(await agents.create(body))


@router.get("")
async def list_assistants(page: WidePage, agents: Service) -> Ok[AgentPage]:
    """The workspace's agents, newest first."""
    found, total = await agents.page(page.limit, page.offset)
    actions = await agents.action_ids(found)
    items = [wire.shown_in_list(agent, actions[agent.id]) for agent in found]
    return ok(AgentPage(pagination=page.of(total), assistants=items))


@router.get("/{model_id}")
async def get_assistant(model_id: str, agents: Service, include_actions: bool = False) -> Ok[SingleAgent]:
    """One agent with its numbers, and with its actions where `include_actions` asks for them."""
    agent = await agents.get(model_id)
    actions = await agents.actions(agent) if include_actions else []
    shown = wire.shown(agent, await agents.numbers(agent), actions)
    return ok(SingleAgent(pagination=SINGLE, assistants=[shown]))


@router.put("/{model_id}")
async def update_assistant(
    model_id: str, agents: Service, caller: Caller, body: AgentUpdate | None = None
) -> AgentWritten:
    """Change what is sent, keep the rest; `actions` replaces all actions, `[]` takes them away."""
    body = body or AgentUpdate()
    if body.type is not None:
        caller.require(Scope(body.type), write=True)
    _require_actions(caller, body)
    return wire.written(await agents.update(model_id, body))


@router.delete("/{model_id}")
async def delete_assistant(model_id: str, agents: Service) -> Ok[Answer]:
    """Take an agent away and free its numbers; its calls stay."""
    await agents.delete(model_id)
    return ok(Answer(answer="The agent was deleted."))


@router.put("/{model_id}/phone_numbers")
async def attach_phone_numbers(model_id: str, body: AttachNumbers, agents: Service) -> StatusOnly:
    """Add numbers to an agent, all or none."""
    await agents.attach_numbers(model_id, body)
    return done()


@router.delete("/{model_id}/phone_numbers/{phone_number_slug}")
async def detach_phone_number(model_id: str, phone_number_slug: str, agents: Service) -> StatusOnly:
    """Take a number from an agent."""
    await agents.detach_number(model_id, phone_number_slug)
    return done()
