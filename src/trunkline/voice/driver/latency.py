"""How long a provider takes on the tick clock."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from trunkline.voice.driver.job import Job, Kind


class Latency(Protocol):
    """Milliseconds to each thing that a job gives, from the one before it (the first: from the request)."""

    def ms(self, job: Job, index: int) -> float | None:
        """None: not known; the driver waits for it, and takes what it took: by its kept answer, or really."""
        ...


@dataclass(frozen=True)
class Pace:
    """Bounds in milliseconds that delays are drawn from evenly."""

    first: tuple[float, float]
    gap: tuple[float, float] = (0.0, 0.0)


PACES: Mapping[Kind, Pace] = {
    Kind.WORDS: Pace((80, 180)),
    Kind.FINAL_WORDS: Pace((80, 250)),
    Kind.VERDICT: Pace((30, 80)),
    Kind.REPLY: Pace((300, 900), (15, 60)),
    Kind.SPEECH: Pace((60, 250), (0, 10)),
    Kind.TOOL: Pace((200, 1500)),
}
"""What good providers in the same region take."""


class SeededLatency:
    """Fulfils Latency: drawn anew for each job and piece, always the same for the same seed."""

    def __init__(self, seed: int, paces: Mapping[Kind, Pace] = PACES) -> None:
        self._seed = seed
        self._paces = paces

    def ms(self, job: Job, index: int) -> float:
        kind, number = job.key
        pace = self._paces[kind]
        dice = random.Random(f"{self._seed}:{kind}:{number}:{index}")  # noqa: S311 repeatable on purpose
        return dice.uniform(*(pace.gap if index else pace.first))


class AnsweredLatency:
    """Fulfils Latency: what the provider took when it was asked, which its kept answer tells (`voice.answers`).

    A run from the cache so takes the same time on its clock as the first did. What tools take is drawn from the seed.
    """

    def __init__(self, seed: int) -> None:
        self._tools = SeededLatency(seed)

    def ms(self, job: Job, index: int) -> float | None:
        return self._tools.ms(job, index) if job.key[0] is Kind.TOOL else None
