"""The rules of actions."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from pydantic import BaseModel, ValidationError

from trunkline.errors import BadInput, NotFound
from trunkline.platform.http.errors import describe
from trunkline.resources.actions.bodies import (
    Booking,
    CustomEval,
    Extractor,
    ExtractorUpdate,
    IncallSms,
    IncallWhatsapp,
    LiveTransfer,
    SendSms,
)
from trunkline.resources.actions.custom_body import CustomAction
from trunkline.resources.actions.models import Action, AgentAction
from trunkline.resources.actions.repository import ActionRepository
from trunkline.resources.actions.secrets import ActionSecrets, keep_masked
from trunkline.resources.actions.writes import ActionCreate, ActionType, ActionUpdate
from trunkline.resources.phone_books.repository import PhoneBookRepository

_WHOLE: Mapping[ActionType, type[BaseModel]] = {
    "REAL_TIME_BOOKING": Booking,
    "LIVE_TRANSFER": LiveTransfer,
    "SEND_SMS": SendSms,
    "INCALL_SMS": IncallSms,
    "INCALL_WHATSAPP": IncallWhatsapp,
    "CUSTOM_ACTION": CustomAction,
    "CUSTOM_EVAL": CustomEval,
}
"""What a stored body is read as; extractors are stored in a form of their own."""


class Actions:
    """The actions of one workspace, within one transaction."""

    def __init__(
        self, actions: ActionRepository, phone_books: PhoneBookRepository, secrets: ActionSecrets
    ) -> None:
        self._actions = actions
        self._phone_books = phone_books
        self._secrets = secrets

    async def create(self, body: ActionCreate, *, inline: bool = False) -> Action:
        """A new action; `inline` when it is part of an agent's body.

        Raises:
            BadInput: there is no such phone book, or a secret is masked.
        """
        action = Action(id=uuid4(), type=body.kind, name="", settings={}, inline=inline)
        settings = settings_of(body.body)
        await self._store(action, keep_masked(settings, {}), body.name)
        await self._actions.add(action)
        return action

    async def update(self, action_id: str, body: ActionUpdate) -> Action:
        """Change what is sent, keep the rest.

        Raises:
            NotFound: no such action.
            BadInput: the action is of another type, or the outcome would be incomplete.
        """
        action = await self.get(action_id, lock=True)
        if body.kind != action.type:
            raise BadInput(f"{body.kind}: the action is of type {action.type}; send its body under that key.")
        former = self.settings(action)
        await self._store(action, keep_masked(_changed(body.kind, former, body.body), former), body.name)
        return action

    async def get(self, action_id: str, *, lock: bool = False) -> Action:
        """One action. Raises NotFound."""
        action = await self._actions.get(action_id, lock=lock)
        if action is None:
            raise NotFound(f"There is no action {action_id}.")
        return action

    async def page(self, limit: int, offset: int) -> tuple[Sequence[Action], int]:
        """Actions, newest first, and how many there are."""
        return await self._actions.page(limit, offset)

    async def attachments(self, action: Action) -> Sequence[AgentAction]:
        """Where an action is attached."""
        return await self._actions.attachments_of(action)

    async def delete(self, action_id: str) -> None:
        """Take an action away, from its agents too. Raises NotFound."""
        await self._actions.delete(await self.get(action_id, lock=True))

    def settings(self, action: Action) -> dict[str, Any]:
        """The body of an action with its secrets. Raises SetupError when they were sealed with another key."""
        return self._secrets.reveal(action.id, action.settings, action.secrets_encrypted)

    async def _store(self, action: Action, settings: dict[str, Any], name: str | None) -> None:
        action.phone_book_id = await self._phone_book(settings.get("phone_book_id"))
        action.name, action.description = named(action.type, settings, name or action.name)
        action.settings, action.secrets_encrypted = self._secrets.hide(action.id, settings)

    async def _phone_book(self, id_: str | None) -> UUID | None:
        if id_ is None:
            return None
        book = await self._phone_books.get(id_)
        if book is None:
            raise BadInput(
                f"LIVE_TRANSFER.phone_book_id: there is no phone book {id_}; see GET /v2/phonebooks."
            )
        return book.id


def settings_of(body: BaseModel) -> dict[str, Any]:
    """The body of a new action as it is stored, its secrets still open."""
    if isinstance(body, Extractor):
        return _extractor(body)
    return _kept(body)


def _kept(body: BaseModel) -> dict[str, Any]:
    return body.model_dump(mode="json", exclude_none=True, by_alias=True)


def _changed(kind: ActionType, former: Mapping[str, Any], body: BaseModel) -> dict[str, Any]:
    """The stored body with what was sent, as a whole of its type. Raises BadInput."""
    if isinstance(body, ExtractorUpdate):
        return _changed_extractor(former, body)
    sent = body.model_dump(mode="json", exclude_unset=True, exclude_none=True, by_alias=True)
    kept = dict(former)
    if kind == "LIVE_TRANSFER":
        kept.pop("phone", None)
        kept.pop("phone_book_id", None)
    for calendar in ("CALCOM", "GHL"):
        if kind == "REAL_TIME_BOOKING" and calendar in sent:
            sent[calendar] = {**kept.get(calendar, {}), **sent[calendar]}
    try:
        return _kept(_WHOLE[kind].model_validate({**kept, **sent}))
    except ValidationError as error:
        errors = [{**each, "loc": ("body", kind, *each["loc"])} for each in error.errors()]
        raise BadInput(describe(errors)) from None


def _extractor(body: Extractor) -> dict[str, Any]:
    """An extractor in the form that reads have: its condition is its description."""
    ((type_, question),) = body.questions.items()
    return {
        "type": type_,
        "identifier": question.identifier,
        "condition": question.description or "",
        "choices": getattr(question, "choices", None) or [],
        "examples": getattr(question, "examples", None) or [],
    }


def _changed_extractor(former: Mapping[str, Any], body: ExtractorUpdate) -> dict[str, Any]:
    flat = body.model_dump(exclude_unset=True, include={"identifier", "description", "choices", "examples"})
    changed = {**former, **(_extractor(body) if body.questions else {})}
    if "description" in flat:
        changed["condition"] = flat.pop("description")
    return {**changed, **flat}


def named(kind: str, settings: Mapping[str, Any], name: str) -> tuple[str, str]:
    """What an action of this type is called, and what tells a model when to use it; `name`: "" for none given."""
    match kind:
        case "CUSTOM_ACTION":
            return settings["name"], settings.get("description", "")
        case "INFORMATION_EXTRACTOR":
            return f"info_extractor_{settings['identifier']}", ""
        case "CUSTOM_EVAL":
            question = settings["question"]
            return question.get("identifier") or name or kind.lower(), question["text"]
    return name or kind.lower(), settings.get("instructions", "")
