"""How many calls a workspace may have and place: across processes, and never one too many."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text, update

from tests.resources.api import Api, serve
from tests.resources.calls.rows import LEAD
from trunkline.platform.storage.database import Database
from trunkline.resources.calls.closing import end_call, locked
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.status import CallStatus
from trunkline.resources.limits import repository as limits
from trunkline.resources.limits.models import CallLimit
from trunkline.resources.workspaces.models import Workspace

PATH = "/trunkline/v1/workspace/limits"
NOON = datetime(2026, 4, 22, 12, tzinfo=UTC)


async def place(api: Api, agent: str) -> httpx2.Response:
    return await api.client.post("/v2/calls", json={"model_id": agent, "phone": LEAD, "name": ""})


async def allow(api: Api, **changes: int) -> Any:
    return await api.send("PUT", PATH, json=changes)


async def accepted(database: Database) -> int:
    async with database.system() as session:
        return await session.scalar(select(func.count()).select_from(Call)) or 0


async def active(database: Database) -> int:
    async with database.system() as session:
        return await session.scalar(select(func.sum(CallLimit.active))) or 0


async def end(database: Database, call_id: str) -> None:
    async with database.system() as session:
        call = await locked(session, UUID(call_id))
        assert call is not None
        assert await end_call(session, call, CallStatus.BUSY)


async def test_limits_are_shown_and_changed_one_by_one(api: Api) -> None:
    usual = {"concurrency": 100, "attempts_per_second": 10, "active": 0, "shared": False}
    assert await api.send("GET", PATH) == usual
    assert await allow(api, concurrency=5) == {**usual, "concurrency": 5}
    changed = {**usual, "concurrency": 5, "attempts_per_second": 1}
    assert await allow(api, attempts_per_second=1) == changed
    assert await api.send("GET", PATH) == changed
    for wrong in (
        {"concurrency": -1},
        {"concurrency": 1.5},
        {"attempts_per_second": 0},
        {"concurrency": 10**6},
    ):
        assert next(iter(wrong)) in await api.refused("PUT", PATH, json=wrong)


async def test_another_workspaces_limits_are_its_own(api: Api, stranger: Api) -> None:
    await allow(api, concurrency=0)
    await api.host(capacity=5)
    assert (await place(api, await api.agent())).status_code == 429
    assert (await place(stranger, await stranger.agent())).status_code == 200
    assert (await stranger.send("GET", PATH))["active"] == 1


async def test_many_at_once_through_two_processes_never_exceed_the_concurrency(
    api: Api, database: Database, workspace: Workspace
) -> None:
    await api.host(capacity=100)
    await allow(api, concurrency=7, attempts_per_second=1000)
    agent = await api.agent()
    async with serve(database, workspace) as other:
        answers = await asyncio.gather(*(place(one, agent) for one in (api, other) for _ in range(15)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [429] * 23
    for answer in answers:
        if answer.status_code == 429:
            assert int(answer.headers["Retry-After"]) >= 1
            assert "7 of 7 concurrent calls" in answer.json()["detail"]["description"]
    assert await accepted(database) == await active(database) == 7
    async with database.system() as session:
        jobs = await session.scalar(
            text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'place_call'")
        )
    assert jobs == 7


async def test_more_than_so_many_a_second_are_refused(api: Api, database: Database) -> None:
    await api.host(capacity=100)
    agent = await api.agent()
    await allow(api, attempts_per_second=1)
    answers = await asyncio.gather(*(place(api, agent) for _ in range(8)))
    late = [answer for answer in answers if answer.status_code == 429]
    assert await accepted(database) + len(late) == 8
    assert late, "eight in a second on this machine"
    for answer in late:
        assert answer.headers["Retry-After"] == "1"
        assert "attempts a second (1) are used up" in answer.json()["detail"]["description"]
    async with database.system() as session:
        await session.execute(update(CallLimit).values(recent=[datetime.now(UTC) - timedelta(seconds=2)]))
    assert (await place(api, agent)).status_code == 200


async def test_a_call_that_ends_gives_its_place_back_once(api: Api, database: Database) -> None:
    await api.host()
    await allow(api, concurrency=1)
    agent = await api.agent()
    first = (await place(api, agent)).json()["response"]["call_id"]
    assert (await place(api, agent)).status_code == 429
    await end(database, first)
    async with database.system() as session:
        call = await locked(session, UUID(first))
        assert call is not None
        assert not await end_call(session, call, CallStatus.FAILED)
    assert await active(database) == 0
    assert (await place(api, agent)).status_code == 200


async def test_what_is_rolled_back_or_killed_takes_no_place(
    api: Api, database: Database, workspace: Workspace
) -> None:
    await allow(api, concurrency=1)
    try:
        async with database.workspace(workspace.id) as session:
            assert await limits.take(session, workspace.id)
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    taken = asyncio.Event()

    async def hold() -> None:
        async with database.workspace(workspace.id) as session:
            assert await limits.take(session, workspace.id)
            taken.set()
            await asyncio.Event().wait()

    holding = asyncio.create_task(hold())
    await taken.wait()
    waiting = asyncio.create_task(_take(database, workspace.id))
    async with database.system() as session:  # its process dies
        await session.execute(text("RESET ROLE"))
        await session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction' "
                "AND pid <> pg_backend_pid() AND query LIKE '%call_limits%'"
            )
        )
    assert await waiting
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)


async def _take(database: Database, workspace_id: UUID) -> bool:
    async with database.workspace(workspace_id) as session:
        return await limits.take(session, workspace_id)


async def test_parent_and_subaccounts_draw_on_one_pool(
    api: Api, database: Database, workspace: Workspace
) -> None:
    child = Workspace(name="child", parent_id=workspace.id)
    async with database.system() as session:
        session.add(child)
    await api.host(capacity=10)
    await allow(api, concurrency=2)
    async with serve(database, child) as below:
        first = await place(below, await below.agent())
        assert first.status_code == 200
        shown = await below.send("GET", PATH)
        assert (shown["concurrency"], shown["active"], shown["shared"]) == (2, 1, True)
        assert (await place(api, await api.agent())).status_code == 200
        assert (await place(below, await below.agent())).status_code == 429
        assert "parent" in await below.refused("PUT", PATH, 403, json={"concurrency": 50})
        await end(database, first.json()["response"]["call_id"])
        assert (await api.send("GET", PATH))["active"] == 1


async def test_a_recount_finds_the_truth(api: Api, database: Database) -> None:
    await api.host(capacity=10)
    agent = await api.agent()
    ended = (await place(api, agent)).json()["response"]["call_id"]
    await place(api, agent)
    await end(database, ended)
    async with database.system() as session:
        await session.execute(update(CallLimit).values(active=9))
    async with database.system() as session:
        assert await limits.recount(session) == [api.workspace.id]
    assert await active(database) == 1
    async with database.system() as session:
        assert await limits.recount(session) == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(most=st.integers(1, 5), gaps=st.lists(st.integers(0, 700), min_size=1, max_size=25))
async def test_in_no_second_are_there_more_than_allowed_and_none_is_refused_without_need(
    database: Database, workspace: Workspace, most: int, gaps: list[int]
) -> None:
    async with database.system() as session:
        await session.execute(text("DELETE FROM call_limits"))
        await limits.change(session, workspace.id, 1000, most)
    now, second, taken = NOON, timedelta(seconds=1), list[datetime]()
    async with database.workspace(workspace.id) as session:
        for gap in gaps:
            now += timedelta(milliseconds=gap)
            crowd = sum(before > now - second for before in taken)
            assert await limits.take(session, workspace.id, now) == (crowd < most)
            if crowd < most:
                taken.append(now)
