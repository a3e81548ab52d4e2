"""An agent's actions as they stand when a talk begins: read once, so that no write changes them while it runs."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.actions.models import Action, AgentAction
from trunkline.resources.actions.repository import ActionRepository
from trunkline.resources.actions.secrets import reveal
from trunkline.resources.actions.work import PHONE_BOOK_ENTRIES, PlannedAction
from trunkline.resources.agents.models import Agent
from trunkline.resources.phone_books.repository import PhoneBookRepository
from trunkline.resources.workspaces.secrets import Opener


async def planned(
    session: AsyncSession, box: Opener, agent: Agent, attached: Sequence[AgentAction] | None = None
) -> tuple[PlannedAction, ...]:
    """The agent's actions in their order; with `attached`, those that it had so. Workspace's or system's session.

    An action that was deleted is left out. Raises SetupError when a secret was sealed with another key.
    """
    pairs = await _pairs(session, agent, attached)
    books = await _entries(session, agent.workspace_id, [action for action, _ in pairs])
    return tuple(_planned(action, how, books, _opened(box, action)) for action, how in pairs)


async def masked(
    session: AsyncSession, agent: Agent, attached: Sequence[AgentAction] | None = None
) -> tuple[PlannedAction, ...]:
    """The agent's actions as they may be told of, secrets masked; none of them can run. `attached` as in `planned`."""
    pairs = await _pairs(session, agent, attached)
    books = await _entries(session, agent.workspace_id, [action for action, _ in pairs])
    return tuple(_planned(action, how, books, action.settings) for action, how in pairs)


async def _pairs(
    session: AsyncSession, agent: Agent, attached: Sequence[AgentAction] | None
) -> Sequence[tuple[Action, AgentAction]]:
    actions = ActionRepository(session, agent.workspace_id)
    if attached is None:
        return await actions.of_agent(agent.id)
    there = await actions.those(each.action_id for each in attached)
    return [(there[each.action_id], each) for each in attached if each.action_id in there]


def _opened(box: Opener, action: Action) -> dict[str, Any]:
    return reveal(box, action.workspace_id, action.id, action.settings, action.secrets_encrypted)


async def _entries(
    session: AsyncSession, workspace_id: UUID, actions: Sequence[Action]
) -> dict[UUID, list[dict[str, str]]]:
    """Phone book → its entries, in the form of the wire; for transfers that choose from one."""
    wanted = {action.phone_book_id for action in actions if action.phone_book_id is not None}
    found = await PhoneBookRepository(session, workspace_id).all_entries(wanted)
    return {
        book: [
            {"phone_number": each.phone_number, "transfer_condition": each.transfer_condition}
            for each in found.get(book, ())
        ]
        for book in wanted
    }


def _planned(
    action: Action,
    how: AgentAction,
    books: Mapping[UUID, list[dict[str, str]]],
    settings: Mapping[str, Any],
) -> PlannedAction:
    if action.phone_book_id is not None:
        settings = {**settings, PHONE_BOOK_ENTRIES: books[action.phone_book_id]}
    return PlannedAction(
        id=action.id,
        type=action.type,
        name=action.name,
        description=action.description,
        settings=settings,
        phase=phase(action.type, settings, how.attachment_type),
        trigger_condition=how.trigger_condition or "",
        mapping=tuple(how.input_variables_mapping),
    )


def phase(kind: str, settings: Mapping[str, Any], attached: str) -> str:
    """When it runs; `attached`: as the agent has it. Text messages are of after the call, as whoever attaches one without a word on it means."""
    if settings.get("run_action_before_call_start"):
        return "before"
    return "after" if kind == "SEND_SMS" else attached
