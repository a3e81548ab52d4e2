"""Hours of the week, on days when the clock changes too."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from trunkline.resources.weekly_hours import Weekday, WeeklyHours, is_open, stored

READ: TypeAdapter[Any] = TypeAdapter(WeeklyHours)


def day(weekday: str, begin: str, end: str) -> dict[str, Any]:
    return {"weekday": weekday, "interval": [{"from": begin, "to": end}]}


OFFICE = [day("monday", "09:00", "17:00"), day("sunday", "02:00", "03:00")]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "zone", "opened"),
    [
        ("2026-01-05T07:59", "Europe/Berlin", False),
        ("2026-01-05T08:00", "Europe/Berlin", True),  # Monday, winter: an hour ahead
        ("2026-01-05T15:59", "Europe/Berlin", True),
        ("2026-01-05T16:00", "Europe/Berlin", False),  # the end is not in it any more
        ("2026-07-06T07:00", "Europe/Berlin", True),  # summer: two hours ahead
        ("2026-07-06T15:00", "Europe/Berlin", False),
        ("2026-01-05T08:00", "America/New_York", False),
        ("2026-01-05T14:00", "America/New_York", True),
        ("2026-01-06T10:00", "Europe/Berlin", False),  # Tuesday
        ("2026-01-04T23:30", "Asia/Tokyo", False),  # Monday there already, half past eight
        ("2026-01-05T00:00", "Asia/Tokyo", True),
        # Sunday, 29 March: the clock jumps from two to three.
        ("2026-03-29T00:59", "Europe/Berlin", False),
        ("2026-03-29T01:00", "Europe/Berlin", False),
        # Sunday, 25 October: the hour from two to three comes twice.
        ("2026-10-25T00:30", "Europe/Berlin", True),
        ("2026-10-25T01:30", "Europe/Berlin", True),
        ("2026-10-25T02:00", "Europe/Berlin", False),
    ],
)
def test_open_by_the_clock_on_the_wall(moment: str, zone: str, opened: bool) -> None:
    assert is_open(stored(READ.validate_python(OFFICE)), utc(moment), zone) is opened


@given(
    st.integers(0, 366 * 24 * 60),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
)
def test_the_whole_week_is_always_open_and_a_day_only_on_that_day(minute: int, zone: str) -> None:
    moment = utc("2026-01-01T00:00") + timedelta(minutes=minute)
    days = [day(each, "00:00", "24:00") for each in Weekday]
    assert is_open(days, moment, zone)
    assert sum(is_open([one], moment, zone) for one in days) == 1


def test_a_day_is_open_as_long_as_it_lasts() -> None:
    minutes = [utc("2026-03-28T22:00") + timedelta(minutes=n) for n in range(60 * 30)]
    sunday = [day("sunday", "00:00", "24:00")]
    assert sum(is_open(sunday, minute, "Europe/Berlin") for minute in minutes) == 23 * 60


@pytest.mark.parametrize(
    "hours",
    [
        [day("someday", "09:00", "17:00")],
        [day("monday", "9:00", "17:00")],
        [day("monday", "09:00", "09:00")],
        [day("monday", "22:00", "06:00")],
        [day("monday", "24:00", "24:00")],
        [day("monday", "09:00", "25:00")],
        [day("monday", "09:00", "12:00"), day("monday", "13:00", "17:00")],
        [{"weekday": "monday", "interval": []}],
        [{"weekday": "monday"}],
        [
            {
                "weekday": "monday",
                "interval": [{"from": "09:00", "to": "10:00"}, {"from": "11:00", "to": "12:00"}],
            }
        ],
        {"monday": ["09:00", "17:00"]},
    ],
)
def test_anything_else_is_refused(hours: Any) -> None:
    with pytest.raises(ValidationError):
        READ.validate_python(hours)
