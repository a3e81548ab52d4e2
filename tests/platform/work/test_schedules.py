"""One process at a time does the scheduled work; another takes over; errors and absences do not end it."""

import asyncio
from collections.abc import AsyncIterator, Callable

import psycopg
import pytest

from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.work import schedules as module
from trunkline.platform.work.schedules import Schedules

PATIENCE_S = 20.0


@pytest.fixture
async def started(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[Schedules], asyncio.Task[None]]]:
    monkeypatch.setattr(module, "TRY_S", 0.05)
    monkeypatch.setattr(module, "_PING_S", 0.05)
    tasks: list[asyncio.Task[None]] = []

    def start(schedules: Schedules) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(schedules.run()))
        return tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Rounds:
    """Counts, and can be waited for."""

    def __init__(self, name: str, log: list[str]) -> None:
        self._name, self._log, self.came = name, log, asyncio.Event()

    async def round(self) -> None:
        self._log.append(self._name)
        self.came.set()

    async def next(self) -> None:
        self.came.clear()
        await asyncio.wait_for(self.came.wait(), PATIENCE_S)


async def test_one_does_it_and_another_takes_over(
    postgres: EmbeddedPostgres, started: Callable[[Schedules], asyncio.Task[None]]
) -> None:
    log: list[str] = []
    first, second = Rounds("first", log), Rounds("second", log)
    for rounds in (first, second):
        schedules = Schedules(postgres.app_url)
        schedules.every(0.01, rounds.round)
        task = started(schedules)
        if rounds is first:
            await first.next()
            holder = task
    for _ in range(20):
        await first.next()
    assert set(log) == {"first"}
    holder.cancel()
    await second.next()


async def test_a_round_that_raises_is_followed_by_the_next(
    postgres: EmbeddedPostgres, started: Callable[[Schedules], asyncio.Task[None]]
) -> None:
    rounds, others = Rounds("bad", []), Rounds("good", [])

    async def bad() -> None:
        await rounds.round()
        raise ZeroDivisionError

    schedules = Schedules(postgres.app_url)
    schedules.every(0.01, bad)
    schedules.every(0.01, others.round)
    started(schedules)
    for _ in range(3):
        await rounds.next()
        await others.next()


async def test_a_lost_connection_is_made_again(
    postgres: EmbeddedPostgres, started: Callable[[Schedules], asyncio.Task[None]]
) -> None:
    rounds = Rounds("a", [])
    schedules = Schedules(postgres.app_url)
    schedules.every(0.01, rounds.round)
    started(schedules)
    await rounds.next()
    async with await psycopg.AsyncConnection.connect(postgres.owner_url, autocommit=True) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"
        )
    for _ in range(50):
        await rounds.next()
