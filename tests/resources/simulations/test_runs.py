"""Runs and sessions under `/v2/simulations` and `/v2/sessions`, and the execution of suites."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from tests.resources.api import Api
from tests.resources.simulations.conftest import CRITERIA, case_body, holds, make_case, make_suite, start
from trunkline.resources.simulations.models import SimulationRun

UNKNOWN = "00000000-0000-4000-8000-000000000000"
RUNS = "/v2/simulations"


async def jobs(api: Api) -> list[dict[str, Any]]:
    async with api.database.system() as session:
        rows = await session.execute(
            text("SELECT task_name, queue_name, lock, args FROM procrastinate_jobs ORDER BY id")
        )
        return [dict(row._mapping) for row in rows]


async def turns(api: Api) -> set[int]:
    async with api.database.system() as session:
        return set(await session.scalars(select(SimulationRun.max_turns)))


async def date(api: Api, run: str, day: str) -> None:
    async with api.database.system() as session:
        row = (await session.execute(select(SimulationRun).where(SimulationRun.id == UUID(run)))).scalar_one()
        row.created_at = datetime.fromisoformat(day)


# ---- starting ------------------------------------------------------------------------------------------


async def test_start_opens_a_session_and_has_the_run_done(api: Api) -> None:
    agent = await api.agent(name="Desk")
    case = await make_case(api)
    body = {"simulation_case_id": case, "target_agent_id": agent, "custom_variables": {"who": "Ann"}}
    answer = await api.send("POST", RUNS, json=body)
    holds(answer, "POST", RUNS.removeprefix("/v2"))
    run = answer["response"]
    assert run["status"] == "in-progress"
    assert (run["simulation_case_name"], run["success_criteria"]) == ("Books a table", CRITERIA)
    assert (run["agent_name"], run["custom_variables"]) == ("Desk", {"who": "Ann"})
    for name in (
        "persona_agent_id", "persona_phone_number", "agent_avatar_url", "target_call_id", "recording_url",
        "error_info", "timeline", "success_criteria_analysis",
    ):  # fmt: skip
        assert run[name] is None
    [job] = await jobs(api)
    assert (job["task_name"], job["queue_name"]) == ("run_simulation", "simulations")
    assert job["args"] == {"run_id": run["simulation_id"], "workspace_id": str(api.workspace.id)}
    assert await turns(api) == {20}
    read = await api.send("GET", f"{RUNS}/{run['simulation_id']}")
    holds(read, "GET", "/simulations/{simulation_id}")
    assert read == answer


async def test_start_joins_a_session_and_takes_variables_as_an_array(api: Api) -> None:
    agent, case = await api.agent(), await make_case(api)
    first = await start(api, case, agent)
    body = {
        "simulation_case_id": case,
        "target_agent_id": agent,
        "simulation_session_id": first["simulation_session_id"],
        "custom_variables": [{"key": "who", "value": "Bob"}],
    }
    answer = await api.send("POST", f"{RUNS}/start/", json=body)
    holds(answer, "POST", "/simulations/start")
    second = answer["response"]
    assert second["simulation_session_id"] == first["simulation_session_id"]
    assert second["custom_variables"] == {"who": "Bob"}
    session = await api.send("GET", f"{RUNS}/session/{first['simulation_session_id']}")
    holds(session, "GET", "/simulations/session/{simulation_session_id}")
    assert await api.send("GET", f"/v2/sessions/{first['simulation_session_id']}") == session
    assert [run["simulation_id"] for run in session["response"]["simulations"]] == [
        first["simulation_id"],
        second["simulation_id"],
    ]
    counts = {name: value for name, value in session["response"].items() if name.endswith("_simulations")}
    assert counts == {
        "total_simulations": 2,
        "completed_simulations": 0,
        "failed_simulations": 0,
        "pending_simulations": 2,
    }


@pytest.mark.parametrize("path", [RUNS, f"{RUNS}/start"])
async def test_unknown_and_foreign_ids_are_404(api: Api, stranger: Api, path: str) -> None:
    agent, case = await api.agent(), await make_case(api)
    run = await start(api, case, agent)
    foreign = await start(stranger, await make_case(stranger), await stranger.agent())
    good = {
        "simulation_case_id": case,
        "target_agent_id": agent,
        "simulation_session_id": run["simulation_session_id"],
    }
    for name in good:
        for id_ in (UNKNOWN, "x", foreign[name]):
            assert name in await api.refused("POST", path, 404, json={**good, name: id_})
    assert len(await jobs(api)) == 2


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        ({}, "simulation_case_id is required in the body; target_agent_id is required"),
        ({"name": "Only a name"}, "simulation_case_id is required"),
        ({"simulation_case_id": "x"}, "target_agent_id is required"),
        ({"target_agent_id": "x", "name": "n", "prompt": "p"}, "simulation_case_id is required"),
        ({"simulation_case_id": "x", "target_agent_id": 5}, "target_agent_id"),
        ({"simulation_case_id": "x", "target_agent_id": "y", "custom_variables": "z"}, "custom_variables"),
        ([], "body"),
    ],
)
async def test_malformed_is_422(api: Api, body: Any, hint: str) -> None:
    assert hint in await api.refused("POST", RUNS, 422, json=body)


async def test_a_body_that_names_a_run_is_one_even_with_a_name_and_prompt(api: Api) -> None:
    agent, case = await api.agent(), await make_case(api)
    run = await start(api, case, agent, **case_body())
    assert run["simulation_case_id"] == case


# ---- executing a suite ---------------------------------------------------------------------------------


async def test_execute_runs_every_case_in_one_session(api: Api) -> None:
    agent = await api.agent()
    suite = await make_suite(api, agent, language="fr-FR")
    cases = [await make_case(api, name=f"Case {n}", suite_id=suite) for n in range(5)]
    answer = await api.send(
        "POST",
        f"/v2/simulation_suites/{suite}/execute?target_agent_id={agent}",
        headers={"Content-Type": "application/json"},
    )
    holds(answer, "POST", "/simulation_suites/{suite_id}/execute")
    told = answer.pop("response")
    assert told == answer
    assert {**told, "session_id": ""} == {
        "session_id": "",
        "suite_id": suite,
        "suite_name": "Evening",
        "total_cases": 5,
        "status": "in-progress",
    }
    listed = await api.send("GET", f"{RUNS}/sessions?target_agent_id={agent}")
    holds(listed, "GET", "/simulations/sessions")
    [session] = listed["response"]["items"]
    assert session["simulation_session_id"] == told["session_id"]
    assert {run["simulation_case_id"] for run in session["simulations"]} == set(cases)
    assert session["pending_simulations"] == 5
    lanes = [job["lock"] for job in await jobs(api)]
    assert len(set(lanes)) == 5, "up to sixteen at once"
    async with api.database.system() as database:
        assert set(await database.scalars(select(SimulationRun.language))) == {"fr-FR"}


@pytest.mark.parametrize(("asked", "kept"), [("", 20), ("&max_turns=1", 10), ("&max_turns=51", 50)])
async def test_turns_are_kept_in_bounds(api: Api, asked: str, kept: int) -> None:
    agent = await api.agent()
    suite = await make_suite(api, agent)
    await make_case(api, suite_id=suite)
    await api.send("POST", f"/v2/simulation_suites/{suite}/execute?target_agent_id={agent}{asked}")
    assert await turns(api) == {kept}


async def test_what_execute_refuses(api: Api) -> None:
    agent, other = await api.agent(), await api.agent()
    suite = await make_suite(api, agent)
    path = f"/v2/simulation_suites/{suite}/execute"
    assert "no cases" in await api.refused("POST", f"{path}?target_agent_id={agent}")
    await make_case(api, suite_id=suite)
    assert "target_agent_id is required" in await api.refused("POST", path)
    assert "model_id" in await api.refused("POST", f"{path}?target_agent_id={other}")
    assert "max_turns" in await api.refused("POST", f"{path}?target_agent_id={agent}&max_turns=many")
    await api.send("DELETE", f"/v2/assistants/{agent}")
    assert "target_agent_id" in await api.refused("POST", f"{path}?target_agent_id={agent}")
    assert await jobs(api) == []


# ---- reading -------------------------------------------------------------------------------------------


async def test_list_filters_and_pages(api: Api, stranger: Api) -> None:
    foreign = await start(stranger, await make_case(stranger), await stranger.agent())
    desk, bar, case = await api.agent(), await api.agent(), await make_case(api)
    runs = [await start(api, case, agent) for agent in (desk, bar, bar)]
    first, second, third = (run["simulation_id"] for run in runs)
    await date(api, first, "2026-01-10T10:00:00+00:00")
    await date(api, second, "2026-03-10T10:00:00+00:00")
    async with api.database.system() as session:
        await session.execute(
            text("UPDATE simulation_runs SET status = 'failed' WHERE id = :id"), {"id": third}
        )

    async def ids(query: str) -> list[str]:
        answer = await api.send("GET", f"{RUNS}{query}")
        holds(answer, "GET", "/simulations")
        assert await api.send("GET", f"{RUNS}/all{query}") == answer
        return [run["simulation_id"] for run in answer["response"]["items"]]

    assert await ids("") == [third, second, first]
    assert await ids("?status=in-progress") == [second, first]
    assert await ids(f"?target_agent_id={bar}&status=failed") == [third]
    assert await ids(f"?simulation_session_id={runs[1]['simulation_session_id']}") == [second]
    assert await ids("?start_date=2026-01-10T10:00:00Z&end_date=2026-03-10") == [second, first]
    assert await ids("?page_number=2&page_size=2") == [first]
    page = (await api.send("GET", f"{RUNS}?page_number=2&page_size=2"))["response"]["pagination"]
    assert page == {"total_records": 3, "limit": 2, "offset": 2}
    for query in ("status=odd", "start_date=soon", "page_number=x"):
        assert query.split("=")[0] in await api.refused("GET", f"{RUNS}?{query}", 422)
    for name in ("target_agent_id", "simulation_session_id"):
        for id_ in (UNKNOWN, "x", foreign[name]):
            assert name in await api.refused("GET", f"{RUNS}?{name}={id_}")


async def test_sessions_are_chosen_by_their_runs(api: Api, stranger: Api) -> None:
    foreign = await start(stranger, await make_case(stranger), await stranger.agent())
    desk, bar, case = await api.agent(), await api.agent(), await make_case(api)
    old = await start(api, case, desk)
    joined = await start(api, case, bar, simulation_session_id=old["simulation_session_id"])
    new = await start(api, case, bar)
    await date(api, old["simulation_id"], "2026-01-10T10:00:00+00:00")
    first, second = old["simulation_session_id"], new["simulation_session_id"]

    async def ids(query: str) -> list[str]:
        answer = await api.send("GET", f"/v2/sessions{query}")
        holds(answer, "GET", "/sessions")
        assert await api.send("GET", f"{RUNS}/sessions{query}") == answer
        assert answer["response"]["pagination"]["total_records"] >= len(answer["response"]["items"])
        return [session["simulation_session_id"] for session in answer["response"]["items"]]

    assert await ids("") == [second, first]
    assert await ids(f"?target_agent_id={bar}") == [second, first]
    assert await ids(f"?target_agent_id={desk}") == [first]
    assert await ids("?end_date=2026-01-10") == [first]
    assert await ids("?start_date=2026-01-11") == [second, first]
    assert await ids(f"?target_agent_id={desk}&start_date=2026-01-11") == []
    assert await ids("?page_size=1&page_number=2") == [first]
    [session] = (await api.send("GET", "/v2/sessions?end_date=2026-01-10"))["response"]["items"]
    shown = [run["simulation_id"] for run in session["simulations"]]
    assert shown == [old["simulation_id"], joined["simulation_id"]], "a chosen session has all its runs"
    assert "start_date" in await api.refused("GET", "/v2/sessions?start_date=soon")
    assert "target_agent_id" in await api.refused(
        "GET", f"/v2/sessions?target_agent_id={foreign['target_agent_id']}"
    )
    for id_ in (UNKNOWN, "x", foreign["simulation_session_id"]):
        for path in (f"{RUNS}/session/{id_}", f"/v2/sessions/{id_}"):
            assert id_ in await api.refused("GET", path, 404)


async def test_one_is_the_run_else_the_case_else_nothing(api: Api, stranger: Api) -> None:
    agent, case = await api.agent(), await make_case(api)
    run = await start(api, case, agent)
    assert (await api.send("GET", f"{RUNS}/{run['simulation_id']}"))["response"] == run
    assert (await api.send("GET", f"{RUNS}/{case}"))["response"]["simulation_case_id"] == case
    foreign = await start(stranger, await make_case(stranger), await stranger.agent())
    for id_ in (UNKNOWN, "x", foreign["simulation_id"], foreign["simulation_case_id"]):
        assert id_ in await api.refused("GET", f"{RUNS}/{id_}", 404)
    assert "no simulation case" in await api.refused("DELETE", f"{RUNS}/{run['simulation_id']}", 404)


async def test_a_run_reads_the_same_when_its_case_is_gone(api: Api) -> None:
    agent, case = await api.agent(), await make_case(api)
    run = await start(api, case, agent)
    await api.send("DELETE", f"/v2/simulation_cases/{case}", 204)
    await api.send("DELETE", f"/v2/assistants/{agent}")
    assert (await api.send("GET", f"{RUNS}/{run['simulation_id']}"))["response"] == run
