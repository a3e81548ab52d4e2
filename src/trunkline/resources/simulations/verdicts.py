"""What a rule or a judge says of one thing that was demanded."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """Whether it was met."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True)
class Verdict:
    """An outcome, with what shows it."""

    outcome: Outcome
    reason: str = ""
    evidence: tuple[str, ...] = ()
    """Quotes and calls."""


def passed(*evidence: str) -> Verdict:
    """It was met."""
    return Verdict(Outcome.PASS, "", evidence)


def failed(reason: str, *evidence: str) -> Verdict:
    """It was not met."""
    return Verdict(Outcome.FAIL, reason, evidence)


def cannot_tell(reason: str) -> Verdict:
    """What was observed decides nothing."""
    return Verdict(Outcome.CANNOT_TELL, reason)
