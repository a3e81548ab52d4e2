"""When a key ends, as the command line takes it."""

from datetime import UTC, datetime, timedelta

import pytest

from trunkline.errors import BadInput
from trunkline.roles.keys import expiry


@pytest.mark.parametrize(
    ("text", "span"),
    [("12h", timedelta(hours=12)), ("30d", timedelta(days=30)), ("8w", timedelta(weeks=8))],
)
def test_spans_from_now(text: str, span: timedelta) -> None:
    assert abs(expiry(text) - datetime.now(UTC) - span) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2027-01-31", datetime(2027, 1, 31, tzinfo=UTC)),
        ("2027-01-31T12:00:00+02:00", datetime(2027, 1, 31, 10, tzinfo=UTC)),
    ],
)
def test_times(text: str, at: datetime) -> None:
    assert expiry(text) == at


@pytest.mark.parametrize("text", ["tomorrow", "0d", "5m", "d", "-1d"])
def test_no_times(text: str) -> None:
    with pytest.raises(BadInput, match=f"--expires: {text}"):
        expiry(text)
