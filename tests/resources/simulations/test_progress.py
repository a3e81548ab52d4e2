"""Following a session: each run's beginning and end, its verdict, how far all of them are."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from tests.resources.api import Api
from tests.resources.simulations.conftest import tasks_of
from tests.resources.simulations.test_sessions import (
    SESSIONS,
    UNKNOWN,
    agent_of,
    begin,
    books,
    details,
    ruled_case,
    runs_of,
    work,
)
from trunkline.errors import Unavailable
from trunkline.resources.simulations import progress
from trunkline.resources.simulations.progress import Progress
from trunkline.resources.simulations.run_repository import RunRepository


def following(api: Api, session: dict[str, Any]) -> AsyncIterator[str]:
    """A stream that looks again as soon as it may."""
    return Progress(api.database, api.workspace.id, UUID(session["simulation_session_id"]), look_s=0).lines()


async def until(stream: AsyncIterator[str], event: str) -> list[dict[str, Any]]:
    """What is told up to the next of these."""
    told: list[dict[str, Any]] = []
    async for line in stream:
        told.append(json.loads(line))
        if told[-1]["event"] == event:
            return told
    raise AssertionError(told)


def counts(**changes: int) -> dict[str, int]:
    return {"total": 2, "queued": 0, "running": 0, "completed": 0, "failed": 0, "passed": 0, **changes}


async def take_up(api: Api, run: dict[str, Any]) -> None:
    async with api.database.workspace(api.workspace.id) as session:
        assert await RunRepository(session, api.workspace.id).begin(UUID(run["simulation_id"])) is not None


async def test_each_run_is_told_when_it_begins_and_ends(api: Api) -> None:
    session = await begin(api, await agent_of(api), await ruled_case(api), repeats=2)
    stream = following(api, session)
    assert await until(stream, "progress") == [{"event": "progress", "runs": counts(queued=2)}]
    first, second = await runs_of(api, session)
    await take_up(api, first)
    started, far = await until(stream, "progress")
    named = {
        "simulation_id": first["simulation_id"],
        "simulation_case_id": first["simulation_case_id"],
        "simulation_case_name": first["simulation_case_name"],
        "agent_version": "1",
        "number": (await details(api, first["simulation_id"]))["number"],
    }
    assert started == {"event": "run_started", **named, "tries": 1}
    assert far["runs"] == counts(queued=1, running=1)
    await tasks_of(api, books()).run_simulation(first["simulation_id"], first["workspace_id"])
    ended, far = await until(stream, "progress")
    over = {"status": "completed", "outcome": "pass", "error_info": None}
    assert ended == {"event": "run_ended", **named, **over}
    assert far["runs"] == counts(queued=1, completed=1, passed=1)
    await tasks_of(api, books(people=3)).run_simulation(second["simulation_id"], second["workspace_id"])
    ended, _, last = await until(stream, "ended")
    assert (ended["simulation_id"], ended["outcome"]) == (second["simulation_id"], "fail")
    assert {ended["number"], named["number"]} == {1, 2}
    assert last == {"event": "ended", "status": "completed", "runs": counts(completed=2, passed=1)}
    assert [line async for line in stream] == []


async def test_who_comes_late_is_told_all_and_who_leaves_changes_nothing(api: Api) -> None:
    session = await begin(api, await agent_of(api), await ruled_case(api), repeats=2)
    stream = following(api, session)
    await until(stream, "progress")
    await stream.aclose()  # type: ignore[attr-defined]
    await work(api, session, books())
    answer = await api.client.get(f"{SESSIONS}/{session['simulation_session_id']}/progress")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["event"] for line in told] == ["run_ended", "run_ended", "progress", "ended"]
    assert told[-1]["runs"] == counts(completed=2, passed=2)


async def test_a_cancelled_session_says_so(api: Api) -> None:
    session = await begin(api, await agent_of(api), await ruled_case(api), repeats=2)
    stream = following(api, session)
    await until(stream, "progress")
    await api.send("POST", f"{SESSIONS}/{session['simulation_session_id']}/cancel")
    *ends, _, last = await until(stream, "ended")
    assert [(each["event"], each["error_info"]["type"]) for each in ends] == [("run_ended", "cancelled")] * 2
    assert (last["status"], last["runs"]) == ("cancelled", counts(failed=2))


async def test_a_session_that_is_deleted_says_so(api: Api) -> None:
    session = await begin(api, await agent_of(api), await ruled_case(api))
    stream = following(api, session)
    await until(stream, "progress")
    await api.send("DELETE", f"{SESSIONS}/{session['simulation_session_id']}", 204)
    *_, last = await until(stream, "ended")
    assert (last["status"], last["runs"]["total"]) == ("deleted", 0)


async def test_silence_is_broken_by_the_counts(api: Api, monkeypatch: Any) -> None:
    monkeypatch.setattr(progress, "SILENT_S", 0.0)
    session = await begin(api, await agent_of(api), await ruled_case(api), repeats=2)
    stream = following(api, session)
    assert [await until(stream, "progress") for _ in range(3)] == [
        [{"event": "progress", "runs": counts(queued=2)}]
    ] * 3


async def test_without_a_database_it_breaks_off(api: Api, monkeypatch: Any) -> None:
    session = await begin(api, await agent_of(api), await ruled_case(api))
    stream = following(api, session)
    await until(stream, "progress")

    async def away(*_: object) -> None:
        raise Unavailable("It is away.")

    monkeypatch.setattr(RunRepository, "states", away)
    assert [line async for line in stream] == []


async def test_another_workspaces_session_is_unknown(api: Api, stranger: Api) -> None:
    session = await begin(api, await agent_of(api), await ruled_case(api))
    for id_ in (session["simulation_session_id"], UNKNOWN, "x"):
        await stranger.refused("GET", f"{SESSIONS}/{id_}/progress", 404)
