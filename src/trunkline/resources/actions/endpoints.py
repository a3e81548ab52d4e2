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
    )


Attached = Annotated[Attachments, Depends(attachments_of)]


@router.post("")
async def create_action(body: ActionCreate, actions: Service) -> ActionAdded:
    return wire.added(await actions.create(body))


@router.get("")
async def list_actions(page: WidePage, actions: Service) -> Ok[ActionPage]:
    found, total = await actions.page(page.limit, page.offset)
    items = [wire.shown_in_list(action) for action in found]
    return ok(ActionPage(pagination=page.of(total), actions=items))


@router.post("/initialize")
async def initialize_action(body: ActionInitialize, caller: Caller, parts: Parts) -> Ok[Answer]:
    secrets = ActionSecrets(parts.secrets, caller.workspace_id)
    told = await try_out(parts.database, parts.outbound, secrets, caller.workspace_id, body)
    return ok(Answer(answer=told))


@router.post("/attach", dependencies=[needs(Scope.ASSISTANTS)])
async def attach_action(body: ActionAttach, attachments: Attached) -> Ok[Nothing]:
    await attachments.attach(body)
    return ok(Nothing())


@router.post("/detach", dependencies=[needs(Scope.ASSISTANTS)])
async def detach_action(body: ActionDetach, attachments: Attached) -> Ok[Nothing]:
    await attachments.detach(body)
    return ok(Nothing())


@router.get("/{action_id}", response_model_exclude_unset=True)
async def get_action(action_id: str, actions: Service, include_assistants: bool = False) -> Ok[SingleAction]:
    action = await actions.get(action_id)
    attached = await actions.attachments(action) if include_assistants else None
    return ok(SingleAction(actions=[wire.shown(action, attached)]))


@router.put("/{action_id}")
async def update_action(action_id: str, body: ActionUpdate, actions: Service) -> Ok[ActionId]:
    action = await actions.update(action_id, body)
    return ok(ActionId(action_id=str(action.id)))


@router.delete("/{action_id}")
async def delete_action(action_id: str, actions: Service) -> Ok[Answer]:
    await actions.delete(action_id)
    return ok(Answer(answer="The action was deleted."))
