"""When a delivery is tried again, on times that are given."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random

import pytest

from trunkline.errors import OutboundFailed, OutboundRefused
from trunkline.platform.outbound.client import Answer
from trunkline.resources.webhooks.backoff import GIVE_UP_AFTER, Attempt, next_try, retry_after

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Middle(Random):
    """No jitter."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def answered(status: int, retry_after: str | None = None) -> Attempt:
    headers = {} if retry_after is None else {"retry-after": retry_after}
    return Attempt(Answer(status, headers, b"", 1, 1))


def test_pauses_grow_to_six_hours_and_end_after_a_day() -> None:
    at = NOW
    pauses: list[float] = []
    while again := next_try(answered(503), len(pauses) + 1, at, NOW + GIVE_UP_AFTER, Middle()):
        pauses.append((again - at).total_seconds())
        at = again
    assert pauses == [5, 20, 80, 320, 1280, 5120, 20480, 21600, 21600]
    assert at <= NOW + timedelta(days=1)


def test_pauses_differ_by_a_tenth_at_most() -> None:
    ends = [next_try(answered(500), 1, NOW, NOW + GIVE_UP_AFTER, Random(seed)) for seed in range(50)]
    pauses = [(end - NOW).total_seconds() for end in ends if end]
    assert len(pauses) == 50 and 4.5 <= min(pauses) < 4.8 and 5.2 < max(pauses) <= 5.5


@pytest.mark.parametrize(
    ("attempt", "again"),
    [
        *((answered(status), True) for status in (408, 425, 429, 500, 503, 599)),
        *((answered(status), False) for status in (301, 307, 400, 401, 404, 410, 422)),
        (Attempt(None, OutboundFailed("no answer")), True),
        (Attempt(None, OutboundRefused("a private address")), False),
    ],
    ids=lambda value: (
        str(value.answer.status if value.answer else value.fault)
        if isinstance(value, Attempt)
        else str(value)
    ),
)
def test_what_may_pass_is_tried_again_and_nothing_else(attempt: Attempt, again: bool) -> None:
    assert (next_try(attempt, 1, NOW, NOW + GIVE_UP_AFTER, Middle()) is not None) is again


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0),
        ("Sunday, 01-Mar-26 12:01:00 GMT", 60),
        ("-5", 0),
        ("soon", 0),
        ("", 0),
    ],
    ids=["seconds", "date", "past", "old form", "negative", "word", "empty"],
)
def test_an_answer_asks_for_a_pause_in_seconds_or_as_a_date(header: str, seconds: float) -> None:
    assert retry_after(answered(503, header).answer, NOW) == seconds


@pytest.mark.parametrize(("header", "pause"), [("2", 5), ("60", 60), ("86400", 3600)], ids=str)
def test_a_longer_pause_is_kept_up_to_an_hour(header: str, pause: float) -> None:
    again = next_try(answered(429, header), 1, NOW, NOW + GIVE_UP_AFTER, Middle())
    assert again == NOW + timedelta(seconds=pause)
