"""Hours of the week in which something may be done, in somebody's own time zone (contract, section 7.2)."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from trunkline.platform.http.wire import WireInput

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_MIDNIGHT = "24:00"
"""The end of a day."""


class Weekday(StrEnum):
    """In the order of `datetime.weekday()`."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


def _begin(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise ValueError("must be a time of day such as 09:00")
    return text


def _end(text: str) -> str:
    return text if text == _MIDNIGHT else _begin(text)


class Interval(WireInput):
    """Part of a day: from a time, up to another that is not in it any more."""

    begin: Annotated[str, AfterValidator(_begin), Field(alias="from")]
    end: Annotated[str, AfterValidator(_end), Field(alias="to")]

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.begin >= self.end:
            raise ValueError(
                f"`to` must be later than `from`; for a night use two days, up to {_MIDNIGHT} and from 00:00"
            )
        return self


class DayHours(WireInput):
    """The hours of one weekday."""

    weekday: Weekday
    interval: Annotated[list[Interval], Field(min_length=1, max_length=1)]


def _each_day_once(days: list[DayHours]) -> list[DayHours]:
    if len({day.weekday for day in days}) < len(days):
        raise ValueError("each weekday may be there once")
    return days


WeeklyHours = Annotated[list[DayHours], AfterValidator(_each_day_once)]


def stored(hours: Sequence[DayHours]) -> list[dict[str, Any]]:
    """The hours as JSON, in the form of the wire."""
    return [day.model_dump(mode="json", by_alias=True) for day in hours]


def is_open(hours: Sequence[Mapping[str, Any]], moment: datetime, timezone: str) -> bool:
    """Whether stored hours hold `moment`, by the clock on the wall of `timezone`.

    So an hour that the clock skips in spring is never open, and one that it repeats in autumn is open twice.
    """
    local = moment.astimezone(ZoneInfo(timezone))
    today = list(Weekday)[local.weekday()]
    time = local.strftime("%H:%M")
    return any(
        part["from"] <= time < part["to"]
        for day in hours
        if day["weekday"] == today
        for part in day["interval"]
    )
