"""How many planted defects the simulations find, and how often they raise an alarm over a clean agent.

Classes that rules can decide are found where a rule of their own class fails. The others are read by the local 1.5B
model, in the long run only: a scripted judge would say what it is told.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.voice.language.served import model_server

from benchmarks.defects import CLEAN, DEFECTS
from benchmarks.defects.detectors import DEMANDS
from benchmarks.defects.played import played
from benchmarks.defects.shapes import DecidedBy, Defect, DefectClass, Level, Variant
from benchmarks.figures import Figure
from trunkline.errors import ProviderError
from trunkline.resources.simulations.happenings import Happenings
from trunkline.resources.simulations.judge import judge
from trunkline.resources.simulations.statistics import wilson
from trunkline.resources.simulations.trials import transcript
from trunkline.resources.simulations.verdicts import Outcome, cannot_tell
from trunkline.voice.language.embedded import EmbeddedLanguageModel

PLANTED = "40088d5"
"""The commit with which all agents were there, and no detector yet."""
CLEAN_RUNS = 100
_JUDGE = Path("llm-1.5b", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf")


def measure(models: Path, full: bool) -> Iterator[Figure]:
    """What rules find, then, in the long run, what the local model finds as a judge."""
    yield from asyncio.run(by_rules())
    if full:
        yield from asyncio.run(by_judge(models))


async def by_rules() -> list[Figure]:
    """Classes that rules can decide, and the alarms over clean runs."""
    ours = [each for each in DEFECTS if each.decided_by is DecidedBy.RULES]
    found = {each.name: each.kind in alarms(each, await played(each, each.level, 1)) for each in ours}
    missed = [name for name, seen in found.items() if not seen]
    kinds = {each.kind for each in ours}
    how = f"{len(ours)} defects in {len(kinds)} classes, planted in {PLANTED}; missed: {', '.join(missed) or 'none'}"
    false = [f"{run}: {', '.join(sorted(kinds))}" for run, kinds in await false_alarms(CLEAN_RUNS)]
    return [
        Figure(
            "planted defects found by rules", 100.0 * sum(found.values()) / len(found), "%", ">= 100", how
        ),
        Figure(
            "false alarms of rules",
            len(false),
            "runs",
            "<= 0",
            f"in {CLEAN_RUNS} clean runs of {len(CLEAN)} agents, text and voice; {'; '.join(false) or 'none'}",
        ),
    ]


def alarms(variant: Variant, happened: Happenings) -> set[DefectClass]:
    """The classes of which a rule fails. What was not observed raises no alarm."""
    return {
        each.kind
        for each in DEMANDS[variant.house.name].detectors
        if each.rule.verdict(happened).outcome is Outcome.FAIL
    }


async def false_alarms(runs: int) -> list[tuple[str, set[DefectClass]]]:
    """Of so many clean runs those with an alarm: each agent once in text, then in voice with one seed after another."""
    planned = [(each, Level.TEXT, 0) for each in CLEAN if each.level is Level.TEXT]
    planned += [(each, Level.VOICE, seed) for seed in range(runs) for each in CLEAN]
    found = []
    for variant, level, seed in planned[:runs]:
        if raised := alarms(variant, await played(variant, level, seed)):
            found.append((f"{variant.name} {level.value} {seed}", raised))
    return found


async def by_judge(models: Path) -> list[Figure]:
    """Defects that lie in the meaning of words, and the clean talks of the same houses."""
    bad = [each for each in DEFECTS if each.decided_by is DecidedBy.JUDGE]
    good = [each for each in CLEAN if each.level is Level.TEXT]
    async with model_server(models / _JUDGE) as base:
        model = EmbeddedLanguageModel(base, background=True)
        seen = [await _judged(model, each) for each in bad]
        blamed = [await _judged(model, each) for each in good]
        await model.close()
    return [
        _share("planted defects found by the local judge", _finds, seen, bad),
        _share("planted defects that the local judge lets pass", _passes, seen, bad),
        _share("false alarms of the local judge", _finds, blamed, good),
        _share("clean talks that the local judge lets pass", _passes, blamed, good),
    ]


def _finds(outcomes: Sequence[Outcome]) -> bool:
    return Outcome.FAIL in outcomes


def _passes(outcomes: Sequence[Outcome]) -> bool:
    """Nothing that it cannot tell either: that is no pass."""
    return set(outcomes) == {Outcome.PASS}


async def _judged(model: EmbeddedLanguageModel, variant: Variant) -> list[Outcome]:
    """What it says of each of the house's criteria; a model that does not answer cannot tell."""
    happened = await played(variant, Level.TEXT, 0)
    criteria = DEMANDS[variant.house.name].criteria
    began = time.monotonic()
    try:
        verdicts = await judge(model, "", transcript(happened), criteria)
    except ProviderError as error:
        verdicts = [cannot_tell(f"No answer: {error}")] * len(criteria)
    told = [[each.outcome.value, each.reason, *each.evidence] for each in verdicts]
    seconds = round(time.monotonic() - began, 1)
    line = {"talk": variant.name, "seconds": seconds, "verdicts": told}
    sys.stderr.write(f"{json.dumps(line)}\n")
    return [each.outcome for each in verdicts]


def _share(
    metric: str,
    says: Callable[[Sequence[Outcome]], bool],
    judged: Sequence[Sequence[Outcome]],
    of: Sequence[Variant],
) -> Figure:
    hits = [says(each) for each in judged]
    named = ", ".join(each.name for each, hit in zip(of, hits, strict=True) if hit)
    kinds = sorted({each.kind for each in of if isinstance(each, Defect)})
    by_class = [
        _of(
            [
                hit
                for each, hit in zip(of, hits, strict=True)
                if isinstance(each, Defect) and each.kind is kind
            ]
        )
        for kind in kinds
    ]
    classes = "; ".join(f"{kind}: {share}" for kind, share in zip(kinds, by_class, strict=True))
    how = f"{_of(hits)}; planted in {PLANTED}; {named or 'none'}" + (f"; {classes}" if classes else "")
    return Figure(metric, 100.0 * sum(hits) / len(hits), "%", None, how)


def _of(hits: Sequence[bool]) -> str:
    """So many of how many, with Wilson's interval."""
    interval = wilson(sum(hits), len(hits))
    return f"{sum(hits)} of {len(hits)}, 95 % {100 * interval.low:.0f} to {100 * interval.high:.0f} %"
