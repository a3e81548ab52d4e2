"""The jobs of workers that died go to living ones, and theirs alone."""

import asyncio
import sys

import pytest
from sqlalchemy import text

from tests.platform.work.rig import PATIENCE_S, Seen, deferred, finished, running, statuses
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.work import jobs as module
from trunkline.platform.work.jobs import Jobs
from trunkline.resources.workspaces.models import Workspace


class Workers:
    """What is known of the workers' lives."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def age(self) -> None:
        """All were heard of an hour ago at last."""
        async with self._database.system() as session:
            await session.execute(
                text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
            )

    async def heard_of(self) -> None:
        """Wait until one was heard of just now."""
        newest = text("SELECT max(last_heartbeat) > now() - interval '1 min' FROM procrastinate_workers")
        async with asyncio.timeout(PATIENCE_S):
            while True:
                async with self._database.system() as session:
                    if await session.scalar(newest):
                        return
                await asyncio.sleep(0.02)


@pytest.fixture
def workers(database: Database) -> Workers:
    return Workers(database)


async def test_the_jobs_of_a_dead_worker_are_taken_over(
    database: Database, workspace: Workspace, jobs: Jobs
) -> None:
    seen = Seen()

    @jobs.task("orphan")
    async def orphan() -> None:
        seen.put_nowait(True)

    await deferred(database, workspace, "orphan")
    async with database.system() as session:  # as a worker leaves it that was killed in mid-job
        await session.execute(
            text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')")
        )
        await session.execute(
            text(
                "UPDATE procrastinate_jobs SET status = 'doing', "
                "worker_id = (SELECT max(id) FROM procrastinate_workers)"
            )
        )
    await jobs.recover()
    async with running(jobs):
        await seen.next()
        assert await finished(database) == ["succeeded"]


_WORKER = """
import asyncio, sys
from trunkline.platform.work.jobs import Jobs
jobs = Jobs(sys.argv[1], heartbeat_s=0.1)
@jobs.task("hang")
async def hang() -> None:
    print("begun", flush=True)
    await asyncio.Event().wait()
asyncio.run(jobs.run())
"""


async def test_a_worker_is_killed_in_mid_job(
    database: Database, workspace: Workspace, jobs: Jobs, postgres: EmbeddedPostgres, workers: Workers
) -> None:
    seen = Seen()

    @jobs.task("hang")
    async def hang() -> None:
        seen.put_nowait(True)

    await deferred(database, workspace, "hang")
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WORKER, postgres.app_url, stdout=asyncio.subprocess.PIPE
    )
    assert worker.stdout is not None
    assert await asyncio.wait_for(worker.stdout.readline(), PATIENCE_S) == b"begun\n"
    worker.kill()
    await worker.wait()
    while await statuses(database) == ["doing"]:
        await workers.age()
        await jobs.recover()
    async with running(jobs):
        await seen.next()
        assert await finished(database) == ["succeeded"]


async def test_a_job_that_kills_its_workers_is_given_up(
    database: Database, workspace: Workspace, jobs: Jobs
) -> None:
    await deferred(database, workspace, "killer")
    async with database.system() as session:
        await session.execute(
            text("UPDATE procrastinate_jobs SET status = 'doing', attempts = :n"), {"n": module.STALLED_TRIES}
        )
    await jobs.recover()
    assert await statuses(database) == ["failed"]


async def test_the_jobs_of_a_living_worker_are_left_alone(
    database: Database, workspace: Workspace, jobs: Jobs, workers: Workers
) -> None:
    seen = Seen()
    go_on = asyncio.Event()

    @jobs.task("slow")
    async def slow() -> None:
        seen.put_nowait(True)
        await go_on.wait()

    await deferred(database, workspace, "slow")
    async with running(jobs):
        await seen.next()
        await workers.age()
        await workers.heard_of()
        await jobs.recover()
        go_on.set()
        assert await finished(database) == ["succeeded"]
    assert seen.empty()
