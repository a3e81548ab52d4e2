"""Jobs exist if their transaction committed, run at least once, and outlive workers and the database's absence."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.platform.work.rig import PATIENCE_S, Seen, deferred, finished, running, statuses
from trunkline.errors import Unavailable
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.work import jobs as module
from trunkline.platform.work.jobs import Jobs, Queue, defer
from trunkline.resources.agents.models import Agent
from trunkline.resources.workspaces.models import Workspace


async def test_a_job_comes_with_its_transaction(database: Database, workspace: Workspace, jobs: Jobs) -> None:
    seen = Seen()

    @jobs.task("greet")
    async def greet(name: str, times: int) -> None:
        seen.put_nowait((name, times))

    with pytest.raises(ZeroDivisionError):
        async with database.workspace(workspace.id) as session:
            await defer(session, "greet", {"name": "rolled back", "times": 1})
            raise ZeroDivisionError
    async with database.workspace(workspace.id) as session:
        session.add(Agent(workspace_id=workspace.id, name="a", type="inbound"))
        assert await defer(session, "greet", {"name": "committed", "times": 2}) is not None
    async with running(jobs):
        assert await seen.next() == ("committed", 2)
        assert await finished(database) == ["succeeded"]


async def test_a_waiting_worker_is_woken(
    database: Database, workspace: Workspace, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a notification: here it would look by itself only once in a minute.

    One that comes while the worker is just looking is lost on it, hence several.
    """
    monkeypatch.setattr(module, "_POLL_S", 60.0)
    seen = Seen()

    @jobs.task("wake")
    async def wake(n: int) -> None:
        seen.put_nowait(n)

    async with running(jobs), asyncio.timeout(PATIENCE_S):
        for n in range(100):
            await deferred(database, workspace, "wake", n=n)
            await asyncio.sleep(0.05)
            if n > 20 and not seen.empty():
                return
            while not seen.empty():
                seen.get_nowait()


async def test_a_worker_takes_the_jobs_of_its_queue(
    database: Database, workspace: Workspace, jobs: Jobs, postgres: EmbeddedPostgres
) -> None:
    slow = Jobs(postgres.app_url, Queue.SLOW, concurrency=1)
    seen = Seen()
    held = asyncio.Event()

    @slow.task("dig")
    async def dig() -> None:
        seen.put_nowait("dig")
        await held.wait()

    @jobs.task("greet")
    async def greet() -> None:
        seen.put_nowait("greet")

    async with running(slow), running(jobs):
        async with database.workspace(workspace.id) as session:
            await defer(session, "dig", {}, Queue.SLOW)
            await defer(session, "dig", {}, Queue.SLOW)
        assert await seen.next() == "dig"
        async with database.workspace(workspace.id) as session:
            await defer(session, "greet", {})
        assert await seen.next() == "greet"
        held.set()
        assert await finished(database) == ["succeeded"] * 3


async def test_locks(database: Database, workspace: Workspace, jobs: Jobs) -> None:
    together = most = 0

    @jobs.task("alone")
    async def alone() -> None:
        nonlocal together, most
        together += 1
        most = max(most, together)
        await asyncio.sleep(0.01)
        together -= 1

    async with database.workspace(workspace.id) as session:
        for _ in range(4):
            await defer(session, "alone", {}, lock="one")
    async with running(jobs):
        assert await finished(database) == ["succeeded"] * 4
    assert most == 1


async def test_at_most_one_waits(database: Database, workspace: Workspace) -> None:
    async with database.workspace(workspace.id) as session:
        assert await defer(session, "t", {}, queueing_lock="q") is not None
        assert await defer(session, "t", {}, queueing_lock="q") is None
        session.add(Agent(workspace_id=workspace.id, name="the transaction goes on", type="inbound"))
    assert await statuses(database) == ["todo"]


async def test_not_before_its_time(database: Database, workspace: Workspace, jobs: Jobs) -> None:
    seen = Seen()

    @jobs.task("later")
    async def later(name: str) -> None:
        seen.put_nowait(name)

    async with database.workspace(workspace.id) as session:
        hour = datetime.now(UTC) + timedelta(hours=1)
        await defer(session, "later", {"name": "in an hour"}, at=hour)
        await defer(session, "later", {"name": "now"}, at=datetime.now(UTC))
    async with running(jobs):
        assert await seen.next() == "now"
    assert await statuses(database) == ["todo", "succeeded"]


async def test_what_raises_is_tried_again_then_failed(
    database: Database, workspace: Workspace, jobs: Jobs
) -> None:
    tries: dict[str, int] = {"mends": 0, "never": 0}

    @jobs.task("shaky", retry_after=(0.0, 0.0))
    async def shaky(kind: str) -> None:
        tries[kind] += 1
        if kind == "never" or tries[kind] < 2:
            raise RuntimeError(kind)

    async with database.workspace(workspace.id) as session:
        await defer(session, "shaky", {"kind": "mends"})
        await defer(session, "shaky", {"kind": "never"})
    async with running(jobs):
        assert await finished(database) == ["succeeded", "failed"]
    assert tries == {"mends": 2, "never": 3}


async def test_a_worker_that_stops_ends_what_it_began(
    database: Database, workspace: Workspace, jobs: Jobs
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    @jobs.task("slow")
    async def slow() -> None:
        begun.set()
        await go_on.wait()

    await deferred(database, workspace, "slow")
    worker = asyncio.create_task(jobs.run())
    await asyncio.wait_for(begun.wait(), PATIENCE_S)
    worker.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await worker
    assert await finished(database) == ["succeeded"]


async def test_a_job_that_outlasts_the_drain_is_left_for_others(
    database: Database, workspace: Workspace, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DRAIN_S", 0.1)
    begun = asyncio.Event()

    @jobs.task("endless")
    async def endless() -> None:
        begun.set()
        await asyncio.Event().wait()

    await deferred(database, workspace, "endless")
    worker = asyncio.create_task(jobs.run())
    await asyncio.wait_for(begun.wait(), PATIENCE_S)
    worker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await worker
    assert await statuses(database) == ["todo"]


async def test_finished_jobs_are_forgotten(database: Database, workspace: Workspace, jobs: Jobs) -> None:
    async with database.workspace(workspace.id) as session:
        for _ in range(6):
            await defer(session, "t", {})
    async with database.system() as session:
        for job, (status, hours) in enumerate(
            [("succeeded", 23), ("succeeded", 25), ("failed", 25), ("failed", 800), ("todo", 800)], 1
        ):
            await session.execute(
                text(
                    "UPDATE procrastinate_jobs SET status = CAST(:s AS procrastinate_job_status) WHERE id = :id"
                ),
                {"s": status, "id": job},
            )
            await session.execute(
                text(
                    "UPDATE procrastinate_events SET at = now() - :h * interval '1 hour' WHERE job_id = :id"
                ),
                {"h": hours, "id": job},
            )
    await jobs.forget_finished()
    assert await statuses(database) == ["succeeded", "failed", "todo", "todo"]


async def test_an_unknown_task_fails_and_nothing_else(
    database: Database, workspace: Workspace, jobs: Jobs
) -> None:
    seen = Seen()

    @jobs.task("known")
    async def known() -> None:
        seen.put_nowait(True)

    async with database.workspace(workspace.id) as session:
        await defer(session, "unknown", {})
        await defer(session, "known", {})
    async with running(jobs):
        await seen.next()
        assert await finished(database) == ["failed", "succeeded"]


async def test_without_a_database_upkeep_says_so(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_UPKEEP_S", 0.2)
    nowhere = Jobs(f"postgresql://a:b@/c?host={tmp_path_factory.mktemp('s')}")
    with pytest.raises(Unavailable):
        await nowhere.recover()


async def test_a_worker_outlives_an_absence_of_the_database(
    database: Database, workspace: Workspace, jobs: Jobs, postgres: EmbeddedPostgres
) -> None:
    seen = Seen()

    @jobs.task("name")
    async def name(name: str) -> None:
        seen.put_nowait(name)

    async with running(jobs):
        async with database.workspace(workspace.id) as session:
            await defer(session, "name", {"name": "before"})
        assert await seen.next() == "before"
        await asyncio.to_thread(postgres.restart)
        async with database.workspace(workspace.id) as session:
            await defer(session, "name", {"name": "after"})
        assert await seen.next() == "after"
