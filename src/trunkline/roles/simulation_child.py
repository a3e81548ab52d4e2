"""A process that plays simulated calls for a worker, one after the other.

    python -m trunkline.roles.simulation_child

Assignments come in by standard input, what happens and reports go out by standard output, a JSON object a line. When
standard input closes the worker is gone, however it died, and this process with it.
"""

import asyncio
import os
import sys
import threading
from typing import IO

from trunkline.platform.telemetry import logging
from trunkline.resources.simulations.assignments import Assignment, Levels, Message, perform
from trunkline.resources.simulations.schemas import TimelineItem
from trunkline.roles.language import thinking
from trunkline.roles.simulation_levels import HereLevels
from trunkline.settings import Settings
from trunkline.voice.language.ports import LanguageModel

NICENESS = 10
"""Live calls come first, then what else a worker does."""


def main() -> None:
    """Serve until standard input closes."""
    logging.configure("simulation")
    os.nice(max(0, NICENESS - os.nice(0)))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    asyncio.run(_run(Settings(), answers))


async def _run(settings: Settings, answers: IO[bytes]) -> None:
    async with thinking(settings) as language, HereLevels(settings) as levels:
        await serve(levels, language.think, answers)


async def serve(levels: Levels, model: LanguageModel, answers: IO[bytes]) -> None:
    """Play what is asked for by standard input, one at a time; does not return."""
    asked: asyncio.Queue[bytes] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin.buffer:
            loop.call_soon_threadsafe(asked.put_nowait, line)
        os._exit(0)  # whatever is being played: nobody waits for it any more

    def write(message: Message) -> None:
        answers.write(message.model_dump_json(exclude_unset=True).encode() + b"\n")
        answers.flush()

    def tell(item: TimelineItem) -> None:
        write(Message(item=item))

    threading.Thread(target=read, name="assignments", daemon=True).start()
    while True:
        assignment = Assignment.model_validate_json(await asked.get())
        report = await perform(assignment, levels, model, tell)
        write(Message(report=report))


if __name__ == "__main__":
    main()
