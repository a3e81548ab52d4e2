"""The days that figures are asked for, and the days before them that they are compared with."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from trunkline.errors import BadInput

USUAL = timedelta(days=7)
LONGEST = 120
"""Days."""


@dataclass(frozen=True, slots=True)
class Period:
    """From the first moment to the last, both included; in UTC, and so are its days."""

    first: datetime
    last: datetime

    @property
    def before(self) -> datetime:
        """Where the period of the same length begins that ends where this one begins."""
        return self.first - (self.last - self.first)

    @property
    def days(self) -> list[date]:
        """Every day that the period touches."""
        start = self.first.date()
        return [start + timedelta(days=n) for n in range((self.last.date() - start).days + 1)]


def period_of(first: datetime | None, last: datetime | None, now: datetime) -> Period:
    """The period between two moments; without the last one it ends now, without the first it is seven days long.

    Raises:
        BadInput: it ends before it begins, or is longer than 120 days.
    """
    last = last or now
    try:
        first = first or last - USUAL
        if last < first:
            raise BadInput("from_date must lie before to_date; swap them.")
        # Whole days: now, a moment later than the caller's, and a last day meant whole are not too much.
        if (last - first).days > LONGEST:
            raise BadInput(
                f"from_date and to_date may be {LONGEST} days apart at most; ask for a shorter time."
            )
        period = Period(first, last)
        period.before  # noqa: B018 - must exist as well
    except OverflowError:
        raise BadInput(
            "from_date and to_date must be dates that calls can have; ask for a later time."
        ) from None
    return period
