"""A process that plays simulations with a scripted model, and a worker that has it: for tests.

python -m tests.roles.played [stuck|dies|slow|asks]
"""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

import httpx2

from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage.blobs import open_blobs
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.platform.work.jobs import Jobs, Queue
from trunkline.platform.work.schedules import Schedules
from trunkline.resources.actions.work import Means
from trunkline.resources.simulations.callee import Callee
from trunkline.resources.simulations.line_calls import LineCalls
from trunkline.resources.simulations.suite_file import Level
from trunkline.resources.simulations.tasks import SimulationTasks
from trunkline.resources.simulations.text_level import OnEvent
from trunkline.resources.simulations.trials import Play, Subject, in_text
from trunkline.roles.simulation_child import serve
from trunkline.roles.simulation_children import Children
from trunkline.voice.answers import Answers
from trunkline.voice.language.ports import LanguageModel
from trunkline.voice.language.twins import Line, Said, ScriptedLanguageModel

SLOW_S = 0.2


class _Levels:
    async def play(
        self,
        level: Level,
        subject: Subject,
        model: LanguageModel,
        answers: Answers,
        on_event: OnEvent,
        callee: Callee | None,
    ) -> Play:
        return in_text(model, on_event)


def command(how: str = "") -> list[str]:
    """What starts one."""
    return [sys.executable, "-m", "tests.roles.played", how]


def _said(messages: Sequence[dict[str, Any]]) -> Said:
    match sys.argv[1]:
        case "dies":
            os._exit(3)
        case "stuck":
            time.sleep(3600)
        case "slow":
            time.sleep(SLOW_S)
        case "asks" if messages[-1]["role"] == "user" and "You judge" not in messages[0]["content"]:
            return Line("One moment.", tool="look_up", arguments={"order": "A7"})
    if "You judge" in messages[0]["content"]:
        return {"criterion_1": {"quote": "Goodbye", "reasoning": "It says so.", "verdict": "pass"}}
    return Line("Goodbye.", tool="end_call")


def work(url: str, blobs: str) -> None:
    """A worker; runs until it is killed."""
    asyncio.run(_work(url, blobs))


async def _work(url: str, blobs: str) -> None:
    database = Database.connect(url)
    jobs = Jobs(url, Queue.SIMULATIONS, concurrency=2, heartbeat_s=0.1, stalled_s=0.5)
    box = SecretBox("only-for-tests-0123456789")
    means = Means(database, box, Outbound())
    line_calls = LineCalls(database, box, httpx2.AsyncClient(trust_env=False))
    SimulationTasks(means, open_blobs(blobs), Children(command("slow")), line_calls).register(jobs)
    schedules = Schedules(url)
    schedules.every(0.2, jobs.recover)
    await asyncio.gather(jobs.run(), schedules.run())


if __name__ == "__main__":
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    asyncio.run(serve(_Levels(), ScriptedLanguageModel(rule=_said), answers))
