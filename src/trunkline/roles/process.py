"""One process that is kept alive: started, restarted with back-off when it dies, stopped when asked."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from trunkline.errors import SetupError
from trunkline.roles.rolelog import RoleLog

log = structlog.get_logger(__name__)

ERROR_PREFIX = "trunkline: "
"""Begins the one line that a command ends with when an error is ours to explain."""


@dataclass
class BackOff:
    """How long to wait before a dead process is started again. All in seconds."""

    first: float = 0.5
    longest: float = 30.0
    well_after: float = 60.0
    """A process that lived this long was well: the next wait is the first one again."""
    _next: float = 0.0

    def after(self, lived: float) -> float:
        """The wait for a process that died after `lived` seconds; doubles from one short life to the next."""
        if lived >= self.well_after or self._next == 0.0:
            self._next = self.first
        wait = self._next
        self._next = min(self._next * 2, self.longest)
        return wait


@dataclass(frozen=True)
class Program:
    """A Python module to run as a process."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    niceness: int = 0
    stop_within: float | None = 15.0
    """Seconds from SIGTERM to SIGKILL; None: it decides itself (voice ends its calls first)."""

    def command(self) -> list[str]:
        """On a leash, so that it ends when the supervisor does."""
        leash = [sys.executable, "-m", "trunkline.roles.leash", self.name, str(self.niceness)]
        return [*leash, self.module, *self.arguments]


class Process:
    """Keeps one program running."""

    def __init__(
        self,
        program: Program,
        environment: Mapping[str, str],
        output: RoleLog,
        back_off: BackOff | None = None,
    ) -> None:
        self.program = program
        self.starts = 0
        """How often it was started; 1 while all is well."""
        self.deaths = 0
        self._environment = dict(environment)
        self._output = output
        self._back_off = back_off or BackOff()
        self._stopping = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def stopping(self) -> bool:
        """Whether it has been asked to stop."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Begin to keep it running."""
        self._keeping = asyncio.create_task(self._keep(), name=f"keep {self.program.name}")

    def failed_to_start(self) -> SetupError | None:
        """Its own last words when it died again and again; for the time in which the platform comes up."""
        if self.deaths < 3:
            return None
        words = self._output.last_words()
        told = [line for line in words.splitlines() if line.startswith(ERROR_PREFIX)]
        if told:
            return SetupError(f"{self.program.name} does not start: {told[-1].removeprefix(ERROR_PREFIX)}")
        return SetupError(f"{self.program.name} does not start; its last words:\n{words}")

    def signal(self, number: signal.Signals) -> None:
        """Pass a signal on; nothing when it is not running."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def stop(self) -> None:
        """SIGTERM, wait as long as the program may take, then SIGKILL. Safe to repeat."""
        self._stopping.set()
        if self._keeping is None:
            return
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self.program.stop_within):
                await asyncio.shield(self._keeping)
        except TimeoutError:
            log.warning("process_killed", name=self.program.name, after_s=self.program.stop_within)
            self.signal(signal.SIGKILL)
            await self._keeping
        self._output.close()

    async def _keep(self) -> None:
        while not self._stopping.is_set():
            started = time.monotonic()
            status = await self._run_once()
            if self._stopping.is_set():
                return
            self.deaths += 1
            wait = self._back_off.after(time.monotonic() - started)
            log.warning("process_died", name=self.program.name, status=status, restart_in_s=wait)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._stopping.wait()

    async def _run_once(self) -> int:
        self.starts += 1
        process = await asyncio.create_subprocess_exec(
            *self.program.command(),
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal is for the supervisor, which stops us in order
        )
        self._process = process
        if self._stopping.is_set():  # asked to stop while it was being started
            self.signal(signal.SIGTERM)
        log.info("process_started", name=self.program.name, pid=process.pid, starts=self.starts)
        assert process.stdout is not None
        while output := await process.stdout.read(65536):
            self._output.feed(output)
        self._output.end()
        return await process.wait()
