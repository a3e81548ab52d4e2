"""What an attempt to deliver means, and when the next one is due."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from random import Random

from trunkline.errors import OutboundRefused
from trunkline.platform.outbound.client import Answer

GIVE_UP_AFTER = timedelta(days=1)
"""Counted from when the delivery was made, or asked for again."""
FIRST_PAUSE_S = 5.0
FACTOR = 4.0
LONGEST_PAUSE_S = 6 * 3600.0
JITTER = 0.1
"""A pause is so much shorter or longer, by chance."""
LONGEST_RETRY_AFTER_S = 3600.0
"""Who asks for a longer pause is asked again after this one."""

_PASSING = frozenset({408, 425, 429})


class DeliveryState(StrEnum):
    """pending → delivered | dead; dead or delivered → pending when somebody asks for it again."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    """Given up: refused for good, or for a whole day."""


@dataclass(frozen=True)
class Attempt:
    """How one attempt ended."""

    answer: Answer | None
    fault: Exception | None = None
    """Why no answer came."""

    @property
    def delivered(self) -> bool:
        """An answer of 2xx."""
        return self.answer is not None and 200 <= self.answer.status < 300

    @property
    def told(self) -> str:
        """What went wrong, for people; "" of a delivered one."""
        if self.answer is None:
            return str(self.fault)
        return "" if self.delivered else f"The address answered {self.answer.status}."

    @property
    def may_pass(self) -> bool:
        """The same bytes may be taken later: a fault of the network, 408, 425, 429, 5xx. All else is final."""
        if self.answer is None:
            return not isinstance(self.fault, OutboundRefused)
        return self.answer.status in _PASSING or self.answer.status >= 500


def next_try(
    attempt: Attempt, number: int, now: datetime, give_up_at: datetime, dice: Random
) -> datetime | None:
    """When to send again after attempt `number` (from 1) failed; None: not any more."""
    if not attempt.may_pass:
        return None
    pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * FACTOR ** (number - 1)) * dice.uniform(
        1 - JITTER, 1 + JITTER
    )
    wanted = min(retry_after(attempt.answer, now), LONGEST_RETRY_AFTER_S)
    at = now + timedelta(seconds=max(pause, wanted))
    return at if at <= give_up_at else None


def retry_after(answer: Answer | None, now: datetime) -> float:
    """Seconds that an answer asks to wait, in either form of the header; 0 where it asks for nothing readable."""
    text = "" if answer is None else answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (ValueError, TypeError):  # TypeError: a date without a zone
        return 0.0
