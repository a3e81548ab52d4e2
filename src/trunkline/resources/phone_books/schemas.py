"""Phone books on the wire."""

from typing import Annotated

from pydantic import AfterValidator, Field

from trunkline.platform.http.wire import Wire, WireInput, example
from trunkline.resources.calls import phone


def _destination(text: str) -> str:
    """A number in E.164 or a SIP URI. Raises ValueError."""
    return phone.target(phone.plain(text))


class BookCreate(WireInput):
    """A new phone book."""

    model_config = example(name="Sales")

    name: Annotated[str, Field(min_length=1, max_length=1000)]


class EntryWrite(WireInput):
    """An entry; both members are always needed."""

    model_config = example(phone_number="+14155552671", transfer_condition="Wants to buy.")

    phone_number: Annotated[str, AfterValidator(_destination)]
    """E.164, or a SIP URI (ours)."""
    transfer_condition: Annotated[str, Field(min_length=1)]
    """In plain words: when the agent is to choose this entry."""


class Key(Wire):
    """The id of what was made."""

    key: str


class BookOut(Wire):
    """A phone book in the list."""

    phone_book_id: str
    workspace_id: str
    name: str
    entry_count: int
    agents: list[str]
    """Ids of the agents whose transfers use it."""


class EntryOut(Wire):
    """An entry."""

    id: str
    phone_number: str
    transfer_condition: str
