"""Sessions that are deleted, and runs that are forgotten: rows, answers and recordings."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from tests.resources.api import Api
from tests.resources.simulations.conftest import Here, line_calls_of, means_of
from tests.resources.simulations.test_sessions import (
    SESSIONS,
    UNKNOWN,
    agent_of,
    begin,
    books,
    details,
    read,
    ruled_case,
    runs_of,
    work,
)
from tests.resources.simulations.test_tasks import PATIENCE_S, Endless
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.work.jobs import Jobs
from trunkline.resources.retention.forgetting import Retention
from trunkline.resources.simulations import forgetting
from trunkline.resources.simulations.assignments import Assignment, Report, Tell
from trunkline.resources.simulations.forgetting import Deletion
from trunkline.resources.simulations.models import SimulationRun
from trunkline.resources.simulations.tasks import SimulationTasks
from trunkline.voice.driver.ports import RunTool

DELETED_WITHIN_S = 30.0


async def kept(api: Api) -> list[str]:
    return await api.blobs.list(f"simulations/{api.workspace.id}")


async def delete_kept(api: Api, postgres: EmbeddedPostgres, left: int) -> None:
    """What the worker does, until so many blobs are left."""
    jobs = Jobs(postgres.app_url, heartbeat_s=0.1, stalled_s=5.0)
    Deletion(api.blobs).register(jobs)
    worker = asyncio.create_task(jobs.run())
    try:
        async with asyncio.timeout(DELETED_WITHIN_S):
            while len(await kept(api)) > left:  # noqa: ASYNC110 a job
                await asyncio.sleep(0.05)
    finally:
        worker.cancel()
        await asyncio.wait((worker,))


async def age(api: Api, days: float) -> None:
    then = datetime.now(UTC) - timedelta(days=days)
    async with api.database.workspace(api.workspace.id) as session:
        await session.execute(update(SimulationRun).values(created_at=then))


async def test_a_session_is_deleted_with_all_that_is_kept_of_its_runs(
    api: Api, stranger: Api, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "RUNS_EACH", 2)
    agent, case = await agent_of(api), await ruled_case(api)
    session = await begin(api, agent, case, repeats=3)
    other = await begin(api, agent, case)
    for each in (session, other):
        await work(api, each, books())
    assert len(await kept(api)) == 4
    path = f"{SESSIONS}/{session['simulation_session_id']}"
    await stranger.refused("DELETE", path, 404)
    run = (await runs_of(api, session))[0]["simulation_id"]
    await api.send("DELETE", path, 204)
    for gone in (path, f"{path}/progress", f"/trunkline/v1/simulations/{run}"):
        await api.refused("GET", gone, 404)
    await api.refused("DELETE", path, 404)
    await api.refused("DELETE", f"{SESSIONS}/{UNKNOWN}", 404)
    await delete_kept(api, postgres, left=1)
    assert (await read(api, other))["result"]["passed"]


async def test_a_run_that_is_on_when_its_session_is_deleted_is_killed(api: Api) -> None:
    session = await begin(api, await agent_of(api), await ruled_case(api))
    [run] = await runs_of(api, session)
    player = Endless()
    tasks = SimulationTasks(means_of(api), api.blobs, player, line_calls_of(api))
    working = asyncio.create_task(tasks.run_simulation(run["simulation_id"], run["workspace_id"]))
    async with asyncio.timeout(PATIENCE_S):
        await player.plays.wait()
        await api.send("DELETE", f"{SESSIONS}/{session['simulation_session_id']}", 204)
        await working
    assert player.ended.is_set()


async def test_what_a_run_leaves_that_ends_after_its_deletion_goes_too(api: Api) -> None:
    session = await begin(api, await agent_of(api), await ruled_case(api))
    [run] = await runs_of(api, session)
    plain = Here(books())

    class Late:
        """Deleted when it has its verdict."""

        async def play(self, assignment: Assignment, tell: Tell, run_tool: RunTool) -> Report:
            report = await plain.play(assignment, tell, run_tool)
            await api.send("DELETE", f"{SESSIONS}/{session['simulation_session_id']}", 204)
            return report

    tasks = SimulationTasks(means_of(api), api.blobs, Late(), line_calls_of(api))
    await tasks.run_simulation(run["simulation_id"], run["workspace_id"])
    assert await kept(api) == []


async def test_an_old_run_keeps_its_verdict_only(api: Api) -> None:
    agent = await agent_of(api, retention_days=30)
    session = await begin(api, agent, await ruled_case(api), custom_variables={"who": "Ann"})
    await begin(api, agent, await ruled_case(api, name="Waits"))
    done = await work(api, session, books())
    await age(api, 29)
    retention = Retention(api.database, api.blobs)
    assert await retention.forget() == 0
    await age(api, 31)
    assert await retention.forget() == 1, "and the one that waits is left alone"
    assert await kept(api) == []
    [run] = await runs_of(api, session)
    assert (run["status"], run["timeline"], run["custom_variables"]) == ("completed", None, None)
    assert run["success_criteria_analysis"] == {
        "success": True,
        "evaluations": [{"success": True, "reasoning": ""}],
    }
    told = await details(api, run["simulation_id"])
    assert (told["outcome"], told["demands"], told["recording_url"]) == ("pass", [], None)
    assert not any((told["happened"] or {}).values())
    after: dict[str, Any] = await read(api, session)
    assert after["result"] == {**done["result"], "coverage": None}
    await api.refused("POST", f"/trunkline/v1/simulations/{run['simulation_id']}/replay", 400)
    assert await retention.forget() == 0
