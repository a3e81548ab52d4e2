"""A process that plays simulated calls for a worker, one after the other.

    python -m trunkline.roles.simulation_child

Orders come in by standard input, what happens and reports go out by standard output, a JSON object a line. When
standard input closes the worker is gone, however it died, and this process with it.
"""

import asyncio
import os
import sys
import threading
from typing import IO, Any

from trunkline.platform.telemetry import logging
from trunkline.resources.simulations.assignments import (
    Assignment,
    Levels,
    Message,
    Order,
    ToolCall,
    ToolResult,
    perform,
)
from trunkline.resources.simulations.schemas import TimelineItem
from trunkline.roles.language import thinking
from trunkline.roles.simulation_levels import HereLevels
from trunkline.settings import Settings
from trunkline.voice.driver.ports import ToolAnswer
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
    asked: asyncio.Queue[Assignment] = asyncio.Queue()
    worker = _Worker(answers)
    loop = asyncio.get_running_loop()

    def take(order: Order) -> None:
        if order.assignment is not None:
            asked.put_nowait(order.assignment)
        if order.result is not None:
            worker.answered(order.result)

    def read() -> None:
        for line in sys.stdin.buffer:
            loop.call_soon_threadsafe(take, Order.model_validate_json(line))
        os._exit(0)  # whatever is being played: nobody waits for it any more

    threading.Thread(target=read, name="orders", daemon=True).start()
    while True:
        report = await perform(await asked.get(), levels, model, worker.tell, worker.run_tool)
        worker.write(Message(report=report))


class _Worker:
    """Who has runs played here, and runs what is to be really run."""

    def __init__(self, answers: IO[bytes]) -> None:
        self._answers = answers
        self._asked: dict[int, asyncio.Future[ToolAnswer]] = {}
        self._calls = 0

    def write(self, message: Message) -> None:
        """Send a line."""
        self._answers.write(message.model_dump_json(exclude_unset=True).encode() + b"\n")
        self._answers.flush()

    def tell(self, item: TimelineItem) -> None:
        """Something happened."""
        self.write(Message(item=item))

    async def run_tool(self, name: str, arguments: dict[str, Any]) -> ToolAnswer:
        """Fulfils RunTool."""
        self._calls += 1
        answer: asyncio.Future[ToolAnswer] = asyncio.get_running_loop().create_future()
        self._asked[self._calls] = answer
        self.write(Message(call=ToolCall(id=self._calls, name=name, arguments=arguments)))
        return await answer

    def answered(self, result: ToolResult) -> None:
        """What came of a call; nothing happens where nobody waits for it any more."""
        answer = self._asked.pop(result.id, None)
        if answer is not None and not answer.done():
            answer.set_result(result.answer)


if __name__ == "__main__":
    main()
