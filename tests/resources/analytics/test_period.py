"""What is asked for when dates are left out, and what is too much."""

from datetime import UTC, date, datetime, timedelta

import pytest

from trunkline.errors import BadInput
from trunkline.resources.analytics.period import Period, period_of

NOON = datetime(2026, 4, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_the_last_seven_days_unless_asked_otherwise() -> None:
    assert period_of(None, None, NOON) == Period(NOON - 7 * DAY, NOON)
    assert period_of(None, NOON - DAY, NOON) == Period(NOON - 8 * DAY, NOON - DAY)
    assert period_of(NOON - 30 * DAY, None, NOON) == Period(NOON - 30 * DAY, NOON)


def test_the_time_before_is_as_long() -> None:
    assert Period(NOON, NOON + 3 * DAY).before == NOON - 3 * DAY


def test_days_that_are_touched() -> None:
    period = Period(NOON, NOON + DAY)
    assert period.days == [date(2026, 4, 22), date(2026, 4, 23)]
    assert Period(NOON, NOON).days == [date(2026, 4, 22)]


def test_at_most_120_days() -> None:
    period_of(NOON - 120 * DAY, None, NOON + timedelta(seconds=1))
    with pytest.raises(BadInput, match="120 days"):
        period_of(NOON - 121 * DAY, NOON, NOON)


def test_the_wrong_way_round() -> None:
    with pytest.raises(BadInput, match="from_date must lie before to_date"):
        period_of(NOON, NOON - DAY, NOON)


@pytest.mark.parametrize(("first", "last"), [(None, 1), (1, 5)])
def test_before_all_time(first: int | None, last: int) -> None:
    begin = datetime.min.replace(tzinfo=UTC)
    with pytest.raises(BadInput, match="later time"):
        period_of(None if first is None else begin + first * DAY, begin + last * DAY, NOON)
