"""Things done every few seconds in one place of the installation, however many workers there are.

The place is the process that holds an advisory lock; when it dies, its connection ends and another takes over
within two seconds. Once in a while two may run at once (the old one has not noticed yet), so what is done must
bear that.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg
import structlog

from trunkline.platform.storage.url import conninfo

LOCK = 0x736368656475  # "schedu"; an advisory lock number of our own
TRY_S = 2.0
_CONNECT_S = 5.0
_PING_S = 1.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Schedule:
    seconds: float
    run: Callable[[], Awaitable[object]]
    name: str


class Schedules:
    """What is to be done every so often, and the contest for doing it."""

    def __init__(self, url: str) -> None:
        self._dsn = conninfo(url)
        self._all: list[_Schedule] = []

    def every(self, seconds: float, run: Callable[[], Awaitable[object]]) -> None:
        """`run` is awaited, then again `seconds` after it ended. What it raises is logged, no more."""
        self._all.append(_Schedule(seconds, run, str(getattr(run, "__qualname__", run))))

    async def run(self) -> None:
        """Takes part until cancelled."""
        while True:
            try:
                await self._contest()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.warning("schedules_lost_database", error=type(error).__name__)
                await asyncio.sleep(TRY_S)

    async def _contest(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=_CONNECT_S, command_timeout=_CONNECT_S)
        try:
            # Tried again and again, not waited for: a waiting statement would keep VACUUM from its work.
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):  # noqa: ASYNC110
                await asyncio.sleep(TRY_S)
            _log.info("schedules_held")
            await self._hold(connection)
        finally:
            connection.terminate()

    async def _hold(self, connection: asyncpg.Connection) -> None:
        """Runs everything while the connection, and with it the lock, is ours."""
        tasks = [asyncio.create_task(_repeat(schedule), name=schedule.name) for schedule in self._all]
        try:
            while True:
                await connection.execute("SELECT 1")
                await asyncio.sleep(_PING_S)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(schedule: _Schedule) -> None:
    while True:
        try:
            await schedule.run()
        except Exception as error:  # noqa: BLE001 - one bad round must not end the schedule
            _log.warning(
                "schedule_failed", schedule=schedule.name, error=type(error).__name__, reason=str(error)
            )
        await asyncio.sleep(schedule.seconds)
