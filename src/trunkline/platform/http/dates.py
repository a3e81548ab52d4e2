"""Dates in a query: epoch milliseconds, YYYY-MM-DD or ISO 8601; UTC where no zone is given.

    async def list_them(period: InPeriod) -> …                               # start_date, end_date
    async def list_them(from_date: Since = None, to_date: Until = None) -> …  # under other names

Both ends belong to the range: a day without a time is meant whole. What is no date is malformed input.
"""

import re
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends
from pydantic import BeforeValidator, WithJsonSchema
from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

_DIGITS = re.compile(r"[0-9]{1,15}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_REST_OF_DAY = timedelta(days=1, microseconds=-1)


def read_date(text: str) -> datetime:
    """The moment that a text names.

    Raises:
        ValueError: it names none.
    """
    try:
        if _DIGITS.fullmatch(text):
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        # A plus that was not URL-encoded arrives as a blank.
        read = datetime.fromisoformat(re.sub(r" (?=\d\d:?\d\d$)", "+", text))
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(
            f"'{text}' is no date; send epoch milliseconds, YYYY-MM-DD or 2026-04-22T16:49:29Z"
        ) from None


def _first(value: Any) -> Any:
    return read_date(value) if isinstance(value, str) else value


def _last(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    read = read_date(value)
    return read + _REST_OF_DAY if _DAY.fullmatch(value) and read.year < MAXYEAR else read


_WRITTEN = WithJsonSchema(
    {
        "type": "string",
        "description": "Epoch milliseconds, YYYY-MM-DD or ISO 8601; UTC where no zone is given.",
        "examples": ["2026-04-22", "2026-04-22T16:49:29Z"],
    }
)
Since = Annotated[datetime | None, BeforeValidator(_first), _WRITTEN]
"""The first moment that is asked for."""
Until = Annotated[datetime | None, BeforeValidator(_last), _WRITTEN]
"""The last one."""


@dataclass(frozen=True)
class Period:
    """Both ends belong to it; None leaves one open."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, column: InstrumentedAttribute[datetime]) -> list[ColumnElement[bool]]:
        """The conditions on a column."""
        first = [] if self.since is None else [column >= self.since]
        last = [] if self.until is None else [column <= self.until]
        return [*first, *last]


def _period(start_date: Since = None, end_date: Until = None) -> Period:
    return Period(start_date, end_date)


InPeriod = Annotated[Period, Depends(_period)]
