"""`trunkline serve`: owns what the roles stand on, starts one process of each role and keeps them alive.

Started in this order, stopped in the reverse: PostgreSQL, the local model server, api, worker, voice. So voice
ends its calls while everything that they need is still there.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic

import httpx2
import structlog
from rich.console import Console

from trunkline.errors import SetupError
from trunkline.platform.telemetry import logging
from trunkline.roles import foundation, models, ports, runfile
from trunkline.roles.process import Process, Program
from trunkline.roles.rolelog import LogStream, RoleLog
from trunkline.settings import Settings

log = structlog.get_logger(__name__)

READY_WITHIN = 180.0
"""Seconds for the roles to load their models and register."""

ROLES = (
    Program("api", "trunkline", ("api",)),
    Program("worker", "trunkline", ("worker",), niceness=5, stop_within=45.0),
    Program("voice", "trunkline", ("voice",), stop_within=None),
)


class Platform:
    """The processes of one home."""

    def __init__(self, settings: Settings, terminal: Console) -> None:
        self.settings = settings
        self.terminal = terminal
        self.processes: list[Process] = []
        self.first_key: str | None = None
        """The first workspace's key, when this start made it."""
        self._hurried = 0

    @asynccontextmanager
    async def up(self) -> AsyncIterator[runfile.RunState]:
        """Everything started and ready; stopped in order on the way out. Raises SetupError and its kin."""
        settings = self.settings
        async with AsyncExitStack() as stack:
            stack.enter_context(runfile.HomeLock(settings.home))
            ports.check(settings)
            models.check(settings)
            own_log = RoleLog("serve", settings.home / "logs", self.terminal)
            stack.callback(own_log.close)
            logging.configure("serve", stream=LogStream(own_log))
            self._say("starting the database")
            base = await stack.enter_async_context(foundation.laid(settings))
            self.first_key = base.first_key
            self._show_first_key(base)
            environment = foundation.role_environment(base)
            if settings.llm_base_url is None:
                port = ports.free_tcp_port()
                environment["TRUNKLINE_LLM_BASE_URL"] = f"http://127.0.0.1:{port}/v1"
                environment["TRUNKLINE_LLM_EMBEDDED"] = "1"
                await self._start(stack, models.server_program(settings, port), environment)
            for program in ROLES:
                await self._start(stack, program, environment)
            self._say("loading the models")
            await self._ready()
            state = self._state(environment)
            runfile.write(settings.home, state)
            stack.callback(runfile.remove, settings.home)
            log.info("ready", api_url=state.api_url)
            stack.callback(self._say, "stopping; calls that are on end first (once more to cut them off)")
            yield state

    def hurry(self) -> None:
        """Asked again to stop: calls are cut off at the first repeat, processes killed at the second."""
        self._hurried += 1
        for process in self.processes:
            if self._hurried > 1:
                process.signal(signal.SIGKILL)
            elif process.stopping:
                process.signal(signal.SIGTERM)

    async def _start(self, stack: AsyncExitStack, program: Program, environment: Mapping[str, str]) -> None:
        output = RoleLog(program.name, self.settings.home / "logs", self.terminal)
        process = Process(program, environment, output)
        process.start()
        stack.push_async_callback(process.stop)
        self.processes.append(process)

    async def _ready(self) -> None:
        """Wait for `/readyz`; give up when a process will not start or time is up."""
        url = f"{_reachable(self.settings.bind, self.settings.http_port)}/readyz"
        deadline = monotonic() + READY_WITHIN
        said = "the API does not answer"
        async with httpx2.AsyncClient(trust_env=False, timeout=5.0) as client:
            while monotonic() < deadline:
                for process in self.processes:
                    if (error := process.failed_to_start()) is not None:
                        raise error
                try:
                    answer = await client.get(url)
                except httpx2.HTTPError:
                    pass
                else:
                    if answer.status_code == httpx2.codes.OK:
                        return
                    said = answer.text
                await asyncio.sleep(0.2)
        raise SetupError(
            f"the platform was not ready after {READY_WITHIN:.0f} s: {said}. "
            f"Read {self.settings.home / 'logs'} or run `trunkline doctor`"
        )

    def _state(self, environment: Mapping[str, str]) -> runfile.RunState:
        settings = self.settings
        host = "127.0.0.1" if settings.bind in ("0.0.0.0", "::") else settings.bind  # noqa: S104 - compared
        return runfile.RunState(
            pid=os.getpid(),
            api_url=_reachable(settings.bind, settings.http_port),
            sip_address=f"{host}:{settings.sip_port}",
            voice_url=_reachable(settings.bind, settings.voice_port),
            database_url=environment["DATABASE_URL"],
            llm_url=environment["TRUNKLINE_LLM_BASE_URL"],
            llm_embedded=settings.llm_base_url is None,
        )

    def _show_first_key(self, base: foundation.Foundation) -> None:
        if base.first_key is None:
            return
        self.terminal.print("The API key of the first workspace, shown this once:", highlight=False)
        self.terminal.print(f"  {base.first_key}", style="bold", highlight=False)
        if base.key_file is not None:
            self.terminal.print(
                f"  (for `trunkline demo` it is also kept in {base.key_file})", style="dim", highlight=False
            )

    def _say(self, text: str) -> None:
        self.terminal.print(text, style="dim", highlight=False)


def _reachable(bind: str, port: int) -> str:
    """How a process of this machine reaches what listens on `bind`."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(bind, bind)  # noqa: S104 - replaced, not bound
    return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{port}"


async def until_signalled(platform: Platform, body: "asyncio.Task[int]") -> int:
    """Run `body`; the first SIGINT or SIGTERM cancels it (it stops the platform in order), later ones hurry it."""
    loop = asyncio.get_running_loop()
    asked = False

    def interrupt() -> None:
        nonlocal asked
        if asked:
            platform.hurry()
        else:
            asked = True
            body.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    try:
        return await body
    except asyncio.CancelledError:
        return 0
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
