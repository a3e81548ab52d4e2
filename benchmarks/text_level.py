"""Simulated calls in text: how many a minute on one core, and whether they are the same again from kept answers."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure
from trunkline.resources.agents.schemas import AgentCreate
from trunkline.resources.simulations import trials
from trunkline.resources.simulations.document import document
from trunkline.resources.simulations.results import collected
from trunkline.resources.simulations.suite_file import Suite, SuiteFile
from trunkline.resources.simulations.trials import Subject
from trunkline.voice.answers import Answers, MemoryStore
from trunkline.voice.language.cached import CachedLanguageModel
from trunkline.voice.language.ports import LanguageModel
from trunkline.voice.language.twins import Line, Said, ScriptedLanguageModel

_TURNS = 10
_RUNS, _REPLAYS = 300, 1000
_AGENT = {
    "type": "inbound",
    "name": "Front desk",
    "agent": {
        "prompt": "You answer the phone of a dentist. " * 20,
        "greeting_message": "How may I help you?",
    },
}


def measure(full: bool) -> Iterator[Figure]:
    """Runs a minute of CPU time, then replays."""
    yield asyncio.run(_speed())
    yield asyncio.run(_replayed(_REPLAYS if full else _REPLAYS // 5))


def _suite(runs: int) -> Suite:
    """Ten turns of each side, a tool, and three rules."""
    script: list[dict[str, Any]] = [
        {"to": "help", "say": "I would like a visit on Monday, please."},
        *({"say": f"And what about day number {n}?"} for n in range(_TURNS - 2)),
        {"say": "Thank you very much. Goodbye.", "hang_up": True},
    ]
    case = {
        "name": "Books a visit",
        "persona": {"script": script},
        "tools": {"book": {"parameters": {"day": "The day"}, "stores": "visits"}},
        "rules": [
            {"rule": "called", "action": "book", "arguments": {"day": "Monday"}, "times": 1},
            {"rule": "never_said", "pattern": "Tuesday"},
            {"rule": "ended_by", "reason": "human_ended"},
        ],
    }
    file = SuiteFile.model_validate({"agent": _AGENT, "cases": [case], "repeats": runs, "seed": 3})
    assert isinstance(file.agent, AgentCreate)
    return Suite("Front desk", Path("suite.yaml"), file, file.agent)


async def _speed() -> Figure:
    await _ran(_suite(10), ScriptedLanguageModel(rule=_answers))
    began = time.process_time()
    result, _ = await _ran(_suite(_RUNS), ScriptedLanguageModel(rule=_answers))
    spent = time.process_time() - began
    assert json.loads(result)["passed"]
    how = f"{_RUNS} runs of {_TURNS} turns of each side, rules and report, CPU time"
    return Figure("text simulations", _RUNS / spent * 60, "runs/min/core", ">= 600", how)


async def _replayed(runs: int) -> Figure:
    suite, store, equal = _suite(1), MemoryStore(), 0
    for seed in range(runs):
        seeded = _seeded(suite, seed)
        first, _ = await _ran(seeded, ScriptedLanguageModel(rule=_answers), Answers(store))
        again, asked = await _ran(seeded, ScriptedLanguageModel(), Answers(store, asks=False))
        equal += first == again and asked == 0
    how = f"{runs} seeds, the whole result; the model is not asked the second time"
    return Figure("text simulations that replay to the byte", 100.0 * equal / runs, "%", ">= 100", how)


def _seeded(suite: Suite, seed: int) -> Suite:
    return Suite(suite.name, suite.path, suite.file.model_copy(update={"seed": seed}), suite.agent)


async def _ran(suite: Suite, model: LanguageModel, answers: Answers | None = None) -> tuple[bytes, int]:
    """The result as JSON, and how often a model was asked."""
    assert isinstance(suite.agent, AgentCreate)
    mind = CachedLanguageModel(model, answers, suite.file.seed) if answers else model
    play, subject = trials.in_text(mind), Subject.of(suite.agent)
    found = [each async for each in trials.run(suite, subject, play, mind, suite.file.seed)]
    if answers:
        await answers.close()
    result = collected(suite, "Front desk", "text", suite.file.seed, found)
    return json.dumps(document(result)).encode(), answers.asked if answers else 0


def _answers(messages: Any) -> Said:
    last = messages[-1]
    if last["role"] == "tool":
        return "You are booked for Monday at nine. Is there anything else?"
    if "visit" in str(last["content"]).lower():
        return Line("One moment, please.", "book", {"day": "Monday"})
    return "We are open from nine to five on that day. Is there anything else that I can do for you?"
