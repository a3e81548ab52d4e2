"""How long a provider takes on the tick clock."""

import hashlib
import random
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Protocol

from trunkline.voice.driver.job import Job, Kind


class Latency(Protocol):
    """Milliseconds to each thing that a job gives, from the one before it (the first: from the request)."""

    def ms(self, job: Job, index: int) -> float | None:
        """None: not known; the driver waits for it in real time and tells `measured`."""
        ...

    def measured(self, job: Job, index: int, ms: float) -> None:
        """What was not known took this long."""
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

    def measured(self, job: Job, index: int, ms: float) -> None:
        return


class MeasuredLatency:
    """Fulfils Latency: what the provider really took when it was first asked, read from `store` ever after."""

    def __init__(self, store: MutableMapping[str, float]) -> None:
        """`store`: kept beside the cached answers; its keys are digests of what was asked."""
        self._store = store

    def ms(self, job: Job, index: int) -> float | None:
        return self._store.get(_digest(job, index))

    def measured(self, job: Job, index: int, ms: float) -> None:
        self._store[_digest(job, index)] = ms


def _digest(job: Job, index: int) -> str:
    return hashlib.sha256(f"{job.key} {index} {job.request!r}".encode()).hexdigest()
