"""Dates as programs write them, and periods with both ends."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter

from trunkline.platform.http.dates import Since, Until, read_date

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-10T12:00:00Z",
        "2026-03-10T12:00:00",
        "2026-03-10 12:00",
        "2026-03-10T14:00:00+02:00",
        "2026-03-10T14:00:00 02:00",
        "1773144000000",
    ],
)
def test_one_moment_in_many_spellings(text: str) -> None:
    assert read_date(text) == NOON


@pytest.mark.parametrize("text", ["soon", "2026-13-01", "9" * 15, "0001-01-01T00:00:00+14:00", ""])
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(ValueError, match="is no date; send"):
        read_date(text)


def test_a_day_is_meant_whole() -> None:
    since, until = TypeAdapter(Since), TypeAdapter(Until)
    assert since.validate_python("2026-03-10") == datetime(2026, 3, 10, tzinfo=UTC)
    assert until.validate_python("2026-03-10") == datetime(2026, 3, 10, 23, 59, 59, 999999, UTC)
    assert until.validate_python("2026-03-10T12:00:00Z") == NOON
    assert until.validate_python("9999-12-31") == datetime(9999, 12, 31, tzinfo=UTC)
    assert until.validate_python(None) is None
