"""Which calls a list shall show, read from a query."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query

from trunkline.errors import BadInput
from trunkline.platform.http.dates import read_date

LONGEST_DURATION = 2**31 - 1


@dataclass(frozen=True, slots=True)
class CallFilter:
    """What a call must be like; None asks nothing. Hashable, so that totals can be remembered by it."""

    agent: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""
    after: datetime | None = None
    """Exclusive; for counting what came since a moment."""
    status: str | None = None
    shortest: int | None = None
    """Seconds."""
    longest: int | None = None
    number: str | None = None
    batch: str | None = None


def moment(field: str, text: str) -> datetime:
    """Epoch milliseconds, YYYY-MM-DD or ISO 8601, in UTC where no zone is given.

    Raises:
        BadInput: it is none of them.
    """
    try:
        return read_date(text)
    except ValueError as error:
        raise BadInput(f"{field}: {error}") from None


def number(text: str) -> str:
    """A number as it is kept: a plus that was not URL-encoded arrives as a blank, and some leave it out."""
    text = text.strip()
    return f"+{text}" if text.isdigit() else text


Seconds = Annotated[int | None, Query(ge=0, le=LONGEST_DURATION)]


def _filter(
    model_id: str | None = None,
    from_date: str | None = None,
    to_date: str | None = None,
    call_status: str | None = None,
    duration_min: Seconds = None,
    duration_max: Seconds = None,
    lead_phone_number: str | None = None,
    batch_call_id: str | None = None,
) -> CallFilter:
    return CallFilter(
        agent=model_id,
        since=moment("from_date", from_date) if from_date else None,
        until=moment("to_date", to_date) if to_date else None,
        status=call_status,
        shortest=duration_min or None,
        longest=duration_max,
        number=number(lead_phone_number) if lead_phone_number else None,
        batch=batch_call_id,
    )


Filter = Annotated[CallFilter, Depends(_filter)]
