"""What is told once a transaction has committed."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
import structlog
from sqlalchemy.ext.asyncio import create_async_engine

from trunkline.platform.storage.announcements import Announcement, Announcer, announce
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.storage.url import conninfo
from trunkline.platform.work.jobs import Queue, defer

PATIENCE_S = 30.0
Told = asyncio.Queue[tuple[str, str]]
WORK = "procrastinate_queue_v1#work"


@pytest.fixture
async def told(postgres: EmbeddedPostgres) -> AsyncIterator[Told]:
    """What comes on the channels "here" and that of the queue "work"."""
    queue: Told = asyncio.Queue()
    connection = await asyncpg.connect(conninfo(postgres.app_url))
    for channel in ("here", WORK):
        await connection.add_listener(
            channel, lambda _connection, _pid, channel, payload: queue.put_nowait((channel, str(payload)))
        )
    yield queue
    await connection.close()


async def next_of(told: Told) -> tuple[str, str]:
    return await asyncio.wait_for(told.get(), PATIENCE_S)


async def test_many_of_one_kind_are_told_once_and_after_the_commit(database: Database, told: Told) -> None:
    async with database.system() as session:
        for _ in range(3):
            announce(session, "here", "a")
        announce(session, "here", "b")
    assert [await next_of(told), await next_of(told)] == [("here", "a"), ("here", "b")]
    assert told.empty()


async def test_what_is_rolled_back_is_not_told(database: Database, told: Told) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.system() as session:
            announce(session, "here", "never")
            raise ZeroDivisionError
    async with database.system() as session:
        announce(session, "here", "after")
    assert await next_of(told) == ("here", "after")


async def test_jobs_that_can_run_are_announced_and_nothing_notifies_within(
    database: Database, told: Told
) -> None:
    async with database.system() as session:
        await defer(session, "later", {}, at=datetime.now(UTC) + timedelta(days=1))
    async with database.system() as session:
        for _ in range(2):
            await defer(session, "now", {}, Queue.WORK)
    channel, payload = await next_of(told)
    assert (channel, json.loads(payload)["type"]) == (WORK, "job_inserted")
    async with database.system() as session:
        announce(session, "here", "all")
    assert await next_of(told) == ("here", "all")  # so nothing else came before


async def test_without_a_database_nobody_is_told_and_nothing_breaks() -> None:
    engine = create_async_engine("postgresql+asyncpg://nobody@127.0.0.1:9/none")
    announcer = Announcer(engine)
    announcer.tell([Announcement("here", "a")])
    with structlog.testing.capture_logs() as lines:
        await announcer.close()
    await engine.dispose()
    assert [line["event"] for line in lines] == ["nobody_was_told"]
