"""Actions at work: what is known when one runs, and what comes of it. Each type has a module that does it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage.database import Database
from trunkline.resources.ids import as_uuid
from trunkline.resources.tool_servers.catalogue import Catalogue
from trunkline.resources.vendors import Purpose
from trunkline.resources.webhooks.record import Delivery
from trunkline.resources.workspaces.secrets import Opener
from trunkline.voice.conversation.profile import Medium, Tool
from trunkline.voice.language.embeddings import Embeddings

PHONE_BOOK_ENTRIES = "phone_book_entries"
"""In the settings of a planned transfer that chooses from a phone book: its entries."""


@dataclass(frozen=True)
class PlannedAction:
    """An action as an agent has it when a talk begins."""

    id: UUID
    type: str
    """The upper-case key of the contract."""
    name: str
    description: str
    settings: Mapping[str, Any] = field(repr=False)
    """The type's body with its secrets opened."""
    phase: str = "during"
    """`before`, `during` or `after` the talk."""
    trigger_condition: str = ""
    mapping: tuple[Mapping[str, Any], ...] = ()
    """Where values for its inputs come from, in the form of the wire."""


@dataclass(frozen=True)
class Occasion:
    """The talk in which an action runs."""

    workspace_id: UUID
    agent_id: UUID
    talk_id: str
    """Of the call or the chat."""
    medium: Medium
    variables: Mapping[str, Any]
    """Those of the system and of the talk, and what actions before gave."""
    run_id: str
    """Names this one run, the same when it is repeated: an idempotency key for the outside."""
    timezone: str = "UTC"

    def purpose_of(self, action: PlannedAction) -> Purpose:
        """For the log of a request of this run."""
        call = as_uuid(self.talk_id) if self.medium is Medium.CALL else None
        return Purpose(agent_id=self.agent_id, call_id=call, action_id=action.id)


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    value: Any
    """JSON: what the model reads, and `return_value` on the record."""
    ok: bool = True
    error: str = ""
    """What went wrong, for the record."""
    timed_out: bool = False
    variables: Mapping[str, Any] = field(default_factory=dict)
    """They become variables of the talk."""
    sent: tuple[Delivery, ...] = ()
    """Requests that went out, to be logged."""
    wrote: str = ""
    """What the other party wrote meanwhile, by a message; it belongs into the transcript. "" for nothing."""
    failure: str = ""
    """Said to the other party in place of the action's own word for a failure; "" for that."""


@dataclass(frozen=True)
class Means:
    """What actions work with."""

    database: Database
    secrets: Opener
    outbound: Outbound
    given_up: Callable[[Delivery], None] = lambda delivery: None
    """Told of a request whose answer nobody waits for any more, before the run is cancelled."""
    transfer: "Callable[[PlannedAction, Mapping[str, Any], Occasion], Awaitable[Outcome]] | None" = None
    """Hands the caller over; None where there is no line."""
    embeddings: Embeddings | None = None
    """For searches of knowledge; None where there are none."""
    catalogue: Catalogue = field(default_factory=Catalogue)
    """What tool servers offer."""


class Work(Protocol):
    """What a module has that does actions of some type."""

    def tool_of(self, action: PlannedAction) -> Tool:
        """The action as the model is offered it; whoever offers it makes the name safe and unique."""
        ...

    async def run(
        self, means: Means, action: PlannedAction, arguments: Mapping[str, Any], occasion: Occasion
    ) -> Outcome:
        """Do it. `arguments` are the model's, those alone that its tool declares; never raises but for our faults."""
        ...
