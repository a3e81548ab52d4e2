"""`/v2/actions`."""

from typing import Annotated

from fastapi import Depends

from trunkline.platform.http.context import Caller, Parts, Transaction, keyed_router, needs
from trunkline.platform.http.pagination import WidePage
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Answer, Ok, ok
from trunkline.resources.actions import wire
from trunkline.resources.actions.attachments import Attachments
from trunkline.resources.actions.repository import ActionRepository
from trunkline.resources.actions.schemas import (
    ActionAdded,
    ActionId,
    ActionPage,
    Nothing,
    SingleAction,
)
from trunkline.resources.actions.secrets import ActionSecrets
from trunkline.resources.actions.service import Actions
from trunkline.resources.actions.trial import ActionInitialize, try_out
from trunkline.resources.actions.writes import ActionAttach, ActionCreate, ActionDetach, ActionUpdate
from trunkline.resources.agent_versions.repository import AgentVersionRepository
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.phone_books.repository import PhoneBookRepository

router = keyed_router("/v2/actions", "Actions", Scope.ACTIONS)


def _actions(session: Transaction, caller: Caller, parts: Parts) -> Actions:
    return Actions(
        ActionRepository(session, caller.workspace_id),
        PhoneBookRepository(session, caller.workspace_id),
        ActionSecrets(parts.secrets, caller.workspace_id),
    )


Service = Annotated[Actions, Depends(_actions)]


def attachments_of(session: Transaction, caller: Caller, actions: Service) -> Attachments:
    """What the caller's agents have."""
    return Attachments(
        actions,
        ActionRepository(session, caller.workspace_id),
        AgentRepository(session, caller.workspace_id),
        AgentVersionRepository(session, caller.workspace_id),
    )


Attached = Annotated[Attachments, Depends(attachments_of)]


@router.post("")
async def create_action(body: ActionCreate, actions: Service) -> ActionAdded:
    """Make an action: one member of the body, which names its type."""
    return wire.added(await actions.create(body))


@router.get("")
async def list_actions(page: WidePage, actions: Service) -> Ok[ActionPage]:
    """The workspace's actions, newest first."""
    found, total = await actions.page(page.limit, page.offset)
    items = [wire.shown_in_list(action) for action in found]
    return ok(ActionPage(pagination=page.of(total), actions=items))


@router.post("/initialize")
async def initialize_action(body: ActionInitialize, caller: Caller, parts: Parts) -> Ok[Answer]:
    """Try a custom action out, with these variables in place of a call's."""
    secrets = ActionSecrets(parts.secrets, caller.workspace_id)
    told = await try_out(parts.database, parts.outbound, secrets, caller.workspace_id, body)
    return ok(Answer(answer=told))


@router.post("/attach", dependencies=[needs(Scope.ASSISTANTS)])
async def attach_action(body: ActionAttach, attachments: Attached) -> Ok[Nothing]:
    """Have agents run an action, one agent with several actions or several with one."""
    await attachments.attach(body)
    return ok(Nothing())


@router.post("/detach", dependencies=[needs(Scope.ASSISTANTS)])
async def detach_action(body: ActionDetach, attachments: Attached) -> Ok[Nothing]:
    """Take actions from an agent."""
    await attachments.detach(body)
    return ok(Nothing())


@router.get("/{action_id}", response_model_exclude_unset=True)
async def get_action(action_id: str, actions: Service, include_assistants: bool = False) -> Ok[SingleAction]:
    """One action, and with `include_assistants` the agents that run it."""
    action = await actions.get(action_id)
    attached = await actions.attachments(action) if include_assistants else None
    return ok(SingleAction(actions=[wire.shown(action, attached)]))


@router.put("/{action_id}")
async def update_action(action_id: str, body: ActionUpdate, actions: Service) -> Ok[ActionId]:
    """Change what is sent, keep the rest; the type stays."""
    action = await actions.update(action_id, body)
    return ok(ActionId(action_id=str(action.id)))


@router.delete("/{action_id}")
async def delete_action(action_id: str, actions: Service) -> Ok[Answer]:
    """Take an action away, from its agents too."""
    await actions.delete(action_id)
    return ok(Answer(answer="The action was deleted."))
