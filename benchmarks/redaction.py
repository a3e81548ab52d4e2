"""Redaction: how much of the personal data in our own sentences is found, and how much of what is taken out is some."""

import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks.figures import Figure
from benchmarks.personal import Half, Item, Sample, samples
from trunkline.resources.redaction import redact_lines
from trunkline.resources.redaction.passage import Passage
from trunkline.resources.redaction.redacting import personal_data

COUNT = 2000
_HOW = f"{COUNT} sentences and small talks of our own (benchmarks/personal.py), the half that nothing was tuned on"


@dataclass
class Score:
    """What was found of what."""

    found: Counter[tuple[str, bool]] = field(default_factory=Counter)
    """By kind, and whether it was spoken."""
    wanted: Counter[tuple[str, bool]] = field(default_factory=Counter)
    right: int = 0
    """Placeholders that stand where a value of any kind stood."""
    taken: int = 0
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def recall(self, spoken: bool | None = None, label: str | None = None) -> float:
        """The share of values of which nothing is left."""
        keys = [key for key in self.wanted if spoken in (None, key[1]) and label in (None, key[0])]
        return sum(self.found[key] for key in keys) / sum(self.wanted[key] for key in keys)

    @property
    def precision(self) -> float:
        """The share of placeholders that stand for a value."""
        return self.right / self.taken


def score(half: Half, count: int = COUNT, seed: int = 34) -> Score:
    """Redact so many samples and count."""
    total = Score()
    for sample in samples(half, count, seed):
        _add(total, sample)
    return total


def _add(total: Score, sample: Sample) -> None:
    passage = Passage(sample.lines)
    spans = personal_data(passage, ())
    gone = {at for span in spans for at in range(span.start, span.end)}
    wanted: set[int] = set()
    for item in sample.items:
        places = _places(passage, item)
        wanted.update(places)
        total.wanted[item.label, item.spoken] += 1
        if gone.issuperset(places):
            total.found[item.label, item.spoken] += 1
        else:
            total.missed.append(f"{item.label} {passage.text!r}")
    for span in spans:
        total.taken += 1
        letters = [at for at in range(span.start, span.end) if passage.text[at].isalnum()]
        if wanted.issuperset(letters):
            total.right += 1
        else:
            total.wrong.append(f"{span.label} {passage.text[span.start : span.end]!r} in {passage.text!r}")


def _places(passage: Passage, item: Item) -> list[int]:
    """Where the letters and digits of a value stand in the passage."""
    start = passage.starts[item.line]
    return [at for at in range(start + item.start, start + item.end) if passage.text[at].isalnum()]


def measure() -> Iterator[Figure]:
    """Recall and precision on the reporting half, and what a talk costs."""
    total = score(Half.REPORTING)
    written, spoken = total.recall(spoken=False), total.recall(spoken=True)
    yield _share("redaction_recall", total.recall(), 0.95)
    yield _share("redaction_recall_written", written, 0.95)
    yield _share("redaction_recall_spoken", spoken, 0.95)
    yield _share("redaction_precision", total.precision, 0.90)
    for label in ("CARD", "SSN", "NAME", "EMAIL", "PHONE", "ADDRESS"):
        yield _share(f"redaction_recall_{label.lower()}", total.recall(label=label), None)
    talk = [line for sample in samples(Half.REPORTING, 60) for line in sample.lines]
    times = []
    for _ in range(5):
        began = time.process_time()
        redact_lines(talk)
        times.append(time.process_time() - began)
    yield Figure(
        "redaction_ms_per_talk",
        round(statistics.median(times) * 1000, 1),
        "ms of CPU",
        None,
        f"one talk of {len(talk)} lines",
    )


def _share(metric: str, value: float, goal: float | None) -> Figure:
    return Figure(metric, 100 * value, "%", None if goal is None else f">= {100 * goal:g}", _HOW)
