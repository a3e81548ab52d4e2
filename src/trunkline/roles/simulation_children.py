"""The processes in which a worker has simulated calls played; the worker itself only watches over them."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

import structlog

from trunkline.errors import Unavailable
from trunkline.resources.simulations.assignments import (
    Assignment,
    Message,
    Order,
    Report,
    Tell,
    ToolCall,
    ToolResult,
)
from trunkline.resources.simulations.real_tools import answered, nothing_real
from trunkline.voice.driver.ports import RunTool

log = structlog.get_logger(__name__)

COMMAND = (sys.executable, "-m", "trunkline.roles.simulation_child")
"""By name: what plays calls is heavy, and the worker itself plays none."""
RUNS_EACH = 200
"""Then a process is replaced, whatever it has let grow."""
IDLE_S = 60.0
"""A process that had nothing to do for so long is ended."""
_LONGEST_LINE = 512 * 1024 * 1024
"""Of a report, with the sound of a long call in it."""


class Children:
    """Fulfils tasks.Player. A process plays one run at a time and is kept for the next; it is killed to end a run."""

    def __init__(
        self, command: Sequence[str] = COMMAND, environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = tuple(command)
        self._environment = dict(os.environ if environment is None else environment)
        self._idle: list[_Child] = []

    async def play(self, assignment: Assignment, tell: Tell, run_tool: RunTool = nothing_real) -> Report:
        """What came of a run. Raises Unavailable when the process died."""
        child = self._idle.pop() if self._idle else await _Child.started(self._command, self._environment)
        child.wanted()
        try:
            report = await child.play(assignment, tell, run_tool)
        except BaseException:
            await child.kill()
            raise
        if child.played < RUNS_EACH:
            self._idle.append(child)
            child.unwanted(IDLE_S, self._end)
        else:
            await child.kill()
        return report

    async def close(self) -> None:
        """End those that have nothing to do; the others end with what they play."""
        while self._idle:
            child = self._idle.pop()
            child.wanted()
            await child.kill()

    def _end(self, child: "_Child") -> None:
        self._idle.remove(child)
        child.process.kill()


class _Child:
    """One process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.played = 0
        self._ending: asyncio.TimerHandle | None = None

    @classmethod
    async def started(cls, command: Sequence[str], environment: Mapping[str, str]) -> "_Child":
        """A new one."""
        process = await asyncio.create_subprocess_exec(
            *command,
            env=dict(environment),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE,
            start_new_session=True,  # signals of the terminal are for the worker
        )
        log.info("simulation_process_started", pid=process.pid)
        return cls(process)

    def wanted(self) -> None:
        """It is not to be ended for having nothing to do."""
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def unwanted(self, seconds: float, end: Callable[["_Child"], None]) -> None:
        """It is to be ended after so long."""
        self._ending = asyncio.get_running_loop().call_later(seconds, end, self)

    async def play(self, assignment: Assignment, tell: Tell, run_tool: RunTool) -> Report:
        """One run."""
        self.played += 1
        await self._order(Order(assignment=assignment))
        async with contextlib.aclosing(self._messages()) as messages:
            working = _Working(self._order, run_tool)
            try:
                async for message in messages:
                    if message.report is not None:
                        return message.report
                    if message.item is not None:
                        tell(message.item)
                    if message.call is not None:
                        working.begin(message.call)
            finally:
                await working.end()
        status = await self.process.wait()
        log.warning("simulation_process_died", pid=self.process.pid, status=status)
        raise Unavailable(f"The process that played the simulation died (status {status}).")

    async def _order(self, order: Order) -> None:
        stdin = self.process.stdin
        assert stdin is not None
        with contextlib.suppress(ConnectionError):  # it has died, which reading tells
            stdin.write(order.model_dump_json(exclude_unset=True).encode() + b"\n")
            await stdin.drain()

    async def _messages(self) -> AsyncGenerator[Message, None]:
        stdout = self.process.stdout
        assert stdout is not None
        while line := await stdout.readline():
            yield Message.model_validate_json(line)

    async def kill(self) -> None:
        """End it, whatever it does."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


class _Working:
    """What is really run for a process while it plays."""

    def __init__(self, order: Callable[[Order], Awaitable[None]], run_tool: RunTool) -> None:
        self._order = order
        self._run_tool = run_tool
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, call: ToolCall) -> None:
        """Run something; the process is told what came of it."""
        task = asyncio.create_task(self._run(call), name="real tool")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        """Give up what nobody waits for any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, call: ToolCall) -> None:
        answer = await answered(self._run_tool, call.name, call.arguments)
        await self._order(Order(result=ToolResult(id=call.id, answer=answer)))
