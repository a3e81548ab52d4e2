"""How often a model judges as a careful reader does, and how long it takes; a report, never a test.

    python -m benchmarks.verdicts [MODEL FILE] [--within SECONDS]

The labelled talks are those of the tests; after so many seconds no other is begun. Without a file: the 1.5B model in
TRUNKLINE_MODELS.
"""

import argparse
import asyncio
import json
import math
import time
from collections import Counter
from pathlib import Path

from tests.resources.evaluations.labelled import LABELLED, Labelled
from tests.voice.language.served import model_server

from trunkline.resources.evaluations.judging import judge
from trunkline.resources.evaluations.rules import settled
from trunkline.settings import Settings
from trunkline.voice.language.embedded import EmbeddedLanguageModel
from trunkline.voice.language.ports import LanguageModel

_FILE = Path("llm-1.5b", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf")


async def _one(model: LanguageModel, case: Labelled, tally: Counter[str]) -> None:
    began = time.monotonic()
    found = await judge(model, case.talk)
    by_rule = settled(case.talk)
    wrong = {}
    for check, expected in case.verdicts.items():
        who = "rule" if check in by_rule else "model"
        tally[who] += 1
        tally[f"{who} right"] += found[check] == expected
        if found[check] != expected:
            wrong[check] = found[check]
    tally["talks"] += 1
    seconds = round(time.monotonic() - began, 1)
    print(json.dumps({"talk": case.name, "seconds": seconds, "wrong": wrong}), flush=True)


async def _measure(file: Path, within: float) -> None:
    tally: Counter[str] = Counter()
    async with model_server(file) as base:
        model = EmbeddedLanguageModel(base, background=True)
        end = time.monotonic() + within
        for case in LABELLED:
            if time.monotonic() < end:
                await _one(model, case, tally)
        await model.close()
    print(json.dumps({**tally, "talks of": len(LABELLED)}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verdicts")
    parser.add_argument("file", nargs="?", type=Path, default=Settings().models_folder / _FILE)
    parser.add_argument("--within", type=float, default=math.inf, help="seconds")
    chosen = parser.parse_args()
    asyncio.run(_measure(chosen.file, chosen.within))
