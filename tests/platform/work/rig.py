"""A worker of jobs that runs for as long as a block does, and what it does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from sqlalchemy import text

from trunkline.platform.storage.database import Database
from trunkline.platform.work.jobs import Jobs, defer
from trunkline.resources.workspaces.models import Workspace

PATIENCE_S = 20.0
STALLED_S = 60.0
"""Longer than any worker of these tests lives: one that is silent for so long is made so by a test."""


class Seen(asyncio.Queue[object]):
    """What tasks report."""

    async def next(self) -> object:
        return await asyncio.wait_for(self.get(), PATIENCE_S)


@contextlib.asynccontextmanager
async def running(jobs: Jobs) -> AsyncIterator[None]:
    worker = asyncio.create_task(jobs.run())
    try:
        yield
    finally:
        worker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await worker


async def deferred(database: Database, workspace: Workspace, task: str, **arguments: object) -> None:
    """A job in a transaction of its own."""
    async with database.workspace(workspace.id) as session:
        await defer(session, task, arguments)


async def statuses(database: Database) -> list[str]:
    """Of all jobs, in the order in which they came."""
    async with database.system() as session:
        return list(await session.scalars(text("SELECT status::text FROM procrastinate_jobs ORDER BY id")))


async def finished(database: Database) -> list[str]:
    """Once no job is waiting or running."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await statuses(database)
            if not {"todo", "doing"} & set(found):
                return found
            await asyncio.sleep(0.02)
