"""Sessions under `/trunkline/v1/simulation_sessions`, runs in full, replays, and what cases hold beyond the contract."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest
from lxml import html  # type: ignore[import-untyped]
from sqlalchemy import select

from tests.resources.api import Api
from tests.resources.simulations.conftest import make_case, make_suite, tasks_of
from trunkline.resources.simulations.models import SimulationRun
from trunkline.voice.language.twins import Line, Said, ScriptedLanguageModel

UNKNOWN = "00000000-0000-4000-8000-000000000000"
SESSIONS = "/trunkline/v1/simulation_sessions"
DETAILS = {
    "persona": {
        "script": [{"to": "Hi", "say": "A table for two."}, {"say": "Thanks, bye.", "hang_up": True}]
    },
    "rules": [
        {"rule": "called", "action": "book_table", "arguments": {"people": 2}},
        {"rule": "never_said", "pattern": "sorry"},
    ],
    "tools": {
        "book_table": {
            "parameters": {"people": "How many"},
            "stores": "bookings",
            "answers": [{"result": {"booked": True}}],
        }
    },
    "state": {"open": True},
}


def books(people: int = 2) -> ScriptedLanguageModel:
    """An agent that books a table when it is asked for one, and a judge that finds it did."""

    def rule(messages: Sequence[dict[str, Any]]) -> Said:
        if "You judge" in messages[0]["content"]:
            verdict = {"quote": "It is booked", "reasoning": "It says so.", "verdict": "pass"}
            return {"criterion_1": verdict}
        if messages[-1]["role"] == "tool":
            return "It is booked."
        if "table" in str(messages[-1]["content"]):
            return Line("One moment.", tool="book_table", arguments={"people": people})
        return "Goodbye."

    return ScriptedLanguageModel(rule=rule)


async def ruled_case(api: Api, **changes: Any) -> str:
    """A case with a script, rules and a tool."""
    case = await make_case(api, success_criteria=["It confirms."], **changes)
    assert await api.send("PUT", f"/trunkline/v1/simulation_cases/{case}/details", json=DETAILS)
    return case


async def agent_of(api: Api, **settings: Any) -> str:
    body = {"prompt": "Book tables.", "greeting_message": "Hi.", **settings}
    return await api.agent(type="inbound", agent=body)


async def begin(api: Api, agent: str, *cases: str, **changes: Any) -> dict[str, Any]:
    body = {"simulation_case_ids": cases, "target_agent_id": agent, "seed": 7, **changes}
    session: dict[str, Any] = await api.send("POST", SESSIONS, json=body)
    return session


async def runs_of(api: Api, session: dict[str, Any]) -> list[dict[str, Any]]:
    opened = await api.send("GET", f"/v2/sessions/{session['simulation_session_id']}")
    runs: list[dict[str, Any]] = opened["response"]["simulations"]
    return runs


async def work(api: Api, session: dict[str, Any], model: ScriptedLanguageModel) -> dict[str, Any]:
    """All its jobs, and what it says afterwards."""
    tasks = tasks_of(api, model)
    for run in await runs_of(api, session):
        await tasks.run_simulation(run["simulation_id"], run["workspace_id"])
    return await read(api, session)


async def read(api: Api, session: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = await api.send("GET", f"{SESSIONS}/{session['simulation_session_id']}")
    return found


async def details(api: Api, run: str) -> dict[str, Any]:
    found: dict[str, Any] = await api.send("GET", f"/trunkline/v1/simulations/{run}")
    return found


# ---- a session from its start to its result --------------------------------------------------------------


async def test_a_suite_is_run_several_times_and_its_result_told(api: Api) -> None:
    agent = await agent_of(api)
    suite = await make_suite(api, agent)
    for name in ("Ann", "Bob"):
        await ruled_case(api, name=name, suite_id=suite)
    session = await api.send("POST", SESSIONS, json={"suite_id": suite, "repeats": 3})
    assert session["runs"] == {"total": 6, "queued": 6, "running": 0, "completed": 0, "failed": 0}
    assert (session["status"], session["name"], session["result"]) == ("in-progress", "Evening", None)
    assert session["agent_version"] == "1"
    done = await work(api, session, books())
    assert done["status"] == "completed"
    assert done["runs"]["completed"] == 6
    assert done["result"]["passed"]
    assert [(case["name"], case["runs"], case["value"]) for case in done["result"]["cases"]] == [
        ("Ann", 3, 1.0),
        ("Bob", 3, 1.0),
    ]
    assert [hat["k"] for hat in done["result"]["pass_hat"]] == [1, 3]
    assert all(0 < hat["low"] < hat["value"] == 1 for hat in done["result"]["pass_hat"])
    assert done["seed"] == session["seed"]
    assert done["prompt_tokens"] > 0


async def test_rules_come_first_then_the_judge_on_both_wires(api: Api) -> None:
    case = await ruled_case(api)
    session = await begin(api, await agent_of(api), case)
    done = await work(api, session, books(people=3))
    assert not done["result"]["passed"]
    [run] = await runs_of(api, session)
    assert run["success_criteria_analysis"] == {
        "success": False,
        "evaluations": [{"success": True, "reasoning": "It says so."}],
    }
    assert [(item["sender_type"], item["type"], item["value"]) for item in run["timeline"]] == [
        ("bot", "message", "Hi."),
        ("human", "message", "A table for two."),
        ("bot", "message", "One moment."),
        ("bot", "action", 'book_table {"people": 3}'),
        ("bot", "message", "It is booked."),
        ("human", "message", "Thanks, bye."),
        ("system", "event", "The persona ended the call."),
    ]
    told = await details(api, run["simulation_id"])
    assert told["outcome"] == "fail"
    assert [(each["by"], each["outcome"]) for each in told["demands"]] == [
        ("rule", "fail"),
        ("rule", "pass"),
        ("judge", "pass"),
    ]
    assert told["demands"][0]["evidence"] == ['book_table {"people": 3}']
    assert told["demands"][2]["evidence"] == ["It is booked"]
    assert told["happened"]["state"] == {"open": True, "bookings": [{"people": 3}]}
    assert (told["recording_url"], told["equal"], told["tries"]) == (None, None, 1)
    assert told["provider_calls"] == 3


@pytest.mark.parametrize("format_", ["junit", "json", "html"])
async def test_the_result_as_a_report(api: Api, format_: str) -> None:
    session = await begin(api, await agent_of(api), await ruled_case(api, name="Evil <b>"), repeats=2)
    path = f"{SESSIONS}/{session['simulation_session_id']}/report?format={format_}"
    assert "not over" in await api.refused("GET", path)
    await work(api, session, books())
    answer = await api.client.get(path)
    assert answer.status_code == 200
    match format_:
        case "junit":
            root = ElementTree.fromstring(answer.content)
            assert (root.get("tests"), root.get("failures")) == ("2", "0")
        case "json":
            assert answer.headers["content-type"] == "application/json"
            assert [len(case["trials"]) for case in json.loads(answer.content)["cases"]] == [2]
        case "html":
            assert "Evil <b>" in html.fromstring(answer.text).text_content()
    await api.refused("GET", path.replace(format_, "pdf"))


async def test_against_another_version_of_the_agent(api: Api) -> None:
    agent = await agent_of(api)
    changed = {"agent": {"prompt": "Book tables for three."}}
    await api.send("PUT", f"/v2/assistants/{agent}", json=changed)
    case = await ruled_case(api)
    session = await begin(api, agent, case, repeats=4, agent_version="2", against_version="1")
    assert session["runs"]["total"] == 8
    seen: list[str] = []

    def rule(messages: Sequence[dict[str, Any]]) -> Said:
        system = str(messages[0]["content"])
        seen.append(system)
        return books(3 if "for three" in system else 2)._next(messages)

    done = await work(api, session, ScriptedLanguageModel(rule=rule))
    assert (done["result"]["passed"], done["against"]["passed"]) == (False, True)
    assert done["comparison"]["difference"] == -1.0
    assert (done["comparison"]["gained"], done["comparison"]["lost"]) == (0, 4)
    assert (done["agent_version"], done["against_version"]) == ("2", "1")
    seeds: dict[str, set[int]] = {}
    for run in await runs_of(api, session):
        told = await details(api, run["simulation_id"])
        seeds.setdefault(told["agent_version"], set()).add(told["seed"])
    assert seeds["1"] == seeds["2"]
    assert len(seeds["1"]) == 4


async def test_a_session_of_the_contract_is_shown_too(api: Api) -> None:
    agent = await agent_of(api)
    suite = await make_suite(api, agent)
    await ruled_case(api, suite_id=suite)
    begun = await api.send("POST", f"/v2/simulation_suites/{suite}/execute?target_agent_id={agent}")
    session = await read(api, {"simulation_session_id": begun["session_id"]})
    done = await work(api, session, books())
    assert done["result"]["passed"]


async def test_the_agents_own_actions_are_offered_and_nothing_of_them_is_run(api: Api) -> None:
    settings = {
        "phone": "+14155550123",
        "transfer_mode": "cold_transfer",
        "instructions": "When they want a person.",
        "initiating_msg": "One moment.",
    }
    transfer = {"type": "LIVE_TRANSFER", "name": "manager", "LIVE_TRANSFER": settings}
    agent = await api.agent(
        type="inbound", agent={"prompt": "Help.", "greeting_message": "Hi."}, actions=[transfer]
    )
    offered: list[str] = []

    class Asked(ScriptedLanguageModel):
        async def reply(self, model: str, messages: Any, tools: Any = ()) -> Any:
            offered[:] = [each.name for each in tools] or offered
            async for part in super().reply(model, messages, tools):
                yield part

    def rule(messages: Sequence[dict[str, Any]]) -> Said:
        return Line(
            "One moment.", tool=next(each for each in offered if each not in ("end_call", "book_table"))
        )

    case = await make_case(api, success_criteria=[])
    passed_on = {**DETAILS, "rules": [{"rule": "transferred_to", "target": "+14155550123"}]}
    await api.send("PUT", f"/trunkline/v1/simulation_cases/{case}/details", json=passed_on)
    session = await begin(api, agent, case)
    await api.send("PUT", f"/v2/assistants/{agent}", json={"actions": []})
    done = await work(api, session, Asked(rule=rule))
    assert done["result"]["passed"], await runs_of(api, session)
    [run] = await runs_of(api, session)
    assert run["timeline"][-1]["value"] == "The caller was passed to +14155550123."


async def test_what_the_runs_have_tried_is_told(api: Api) -> None:
    prompt = "Book tables.\n- Never promise a window.\n- Ask for the name."
    agent = await agent_of(api, prompt=prompt, end_call_reasons=["The caller is rude"])
    case = await ruled_case(api)
    tools = {"book_table": {"stores": "bookings"}, "pass_on": {"answers": [{"transfers_to": "+1555"}]}}
    body = {**DETAILS, "tools": tools, "covers": ["never promise"]}
    await api.send("PUT", f"/trunkline/v1/simulation_cases/{case}/details", json=body)
    session = await begin(api, agent, case, repeats=2)
    done = await work(api, session, books())
    assert done["result"]["coverage"] == {
        "actions": [{"name": "pass_on", "runs": 0}, {"name": "book_table", "runs": 2}],
        "transfers": [{"name": "+1555", "runs": 0}],
        "prompt_rules": [
            {"name": "Book tables.", "runs": 0},
            {"name": "Never promise a window.", "runs": 2},
            {"name": "Ask for the name.", "runs": 0},
        ],
        "end_reasons": [
            {"name": "agent_ended", "runs": 0},
            {"name": "human_ended", "runs": 2},
            {"name": "transferred", "runs": 0},
            {"name": "The caller is rude", "runs": 0},
        ],
    }
    path = f"{SESSIONS}/{session['simulation_session_id']}/report?format=json"
    assert json.loads((await api.client.get(path)).content)["coverage"] == done["result"]["coverage"]


# ---- what it refuses -------------------------------------------------------------------------------------


async def test_what_a_session_refuses(api: Api, stranger: Api) -> None:
    agent, case = await agent_of(api), await ruled_case(api)
    foreign = await ruled_case(stranger)
    good = {"simulation_case_ids": [case], "target_agent_id": agent}
    empty = await make_suite(api, agent)
    bare = await make_case(api, success_criteria=[])
    for changes, hint in (
        ({"simulation_case_ids": []}, "suite_id or simulation_case_ids"),
        ({"simulation_case_ids": [foreign]}, "simulation_case_ids"),
        ({"simulation_case_ids": [bare]}, "demands nothing"),
        ({"simulation_case_ids": [], "suite_id": empty}, "no cases"),
        ({"suite_id": UNKNOWN}, "suite_id"),
        ({"target_agent_id": UNKNOWN}, "target_agent_id"),
        ({"target_agent_id": None}, "target_agent_id is required"),
        ({"agent_version": "9"}, "agent_version"),
        ({"against_version": "1"}, "against_version"),
        ({"repeats": 0}, "repeats"),
        ({"level": "smell"}, "level"),
        ({"level": "line"}, "tools: real"),
        ({"tools": "some"}, "tools"),
        ({"caps": {"run_seconds": 0}}, "run_seconds"),
    ):
        assert hint in await api.refused("POST", SESSIONS, 400, json={**good, **changes})
    session = await begin(api, agent, case)
    run = (await runs_of(api, session))[0]["simulation_id"]
    path = f"{SESSIONS}/{session['simulation_session_id']}"
    for id_ in (UNKNOWN, "x"):
        await api.refused("GET", f"{SESSIONS}/{id_}", 404)
    await stranger.refused("GET", path, 404)
    await stranger.refused("POST", f"{path}/cancel", 404)
    await stranger.refused("GET", f"{path}/report?format=json", 404)
    await stranger.refused("GET", f"/trunkline/v1/simulations/{run}", 404)
    await stranger.refused("POST", f"/trunkline/v1/simulations/{run}/replay", 404)
    await stranger.refused("GET", f"/trunkline/v1/simulation_cases/{case}/details", 404)
    assert "completed" in await api.refused("POST", f"/trunkline/v1/simulations/{run}/replay")


# ---- cancelling and caps ---------------------------------------------------------------------------------


async def test_a_session_is_cancelled_and_nothing_of_it_is_begun(api: Api) -> None:
    session = await begin(api, await agent_of(api), await ruled_case(api), repeats=2)
    path = f"{SESSIONS}/{session['simulation_session_id']}/cancel"
    cancelled = await api.send("POST", path)
    assert (cancelled["status"], cancelled["result"], cancelled["runs"]["failed"]) == ("cancelled", None, 2)
    model = books()
    assert await work(api, session, model) == cancelled
    assert model.asked == []
    assert {run["error_info"]["type"] for run in await runs_of(api, session)} == {"cancelled"}
    assert await api.send("POST", path) == cancelled


async def test_a_cancelled_session_with_a_run_that_is_on_has_no_report_yet(api: Api) -> None:
    session = await begin(api, await agent_of(api), await ruled_case(api), repeats=2)
    path = f"{SESSIONS}/{session['simulation_session_id']}"
    await api.send("POST", f"{path}/cancel")
    async with api.database.workspace(api.workspace.id) as transaction:
        run = (await transaction.execute(select(SimulationRun).limit(1))).scalar_one()
        run.status = "in-progress"
    assert (await api.send("GET", path))["status"] == "cancelled"
    assert "not over" in await api.refused("GET", f"{path}/report?format=json")


async def test_a_session_that_is_over_is_not_cancelled(api: Api) -> None:
    session = await begin(api, await agent_of(api), await ruled_case(api))
    done = await work(api, session, books())
    assert await api.send("POST", f"{SESSIONS}/{session['simulation_session_id']}/cancel") == done


@pytest.mark.parametrize(
    "caps",
    [{"tokens": 1}, {"cost": 1e-6, "prompt_price": 1.0, "completion_price": 1.0}],
    ids=["tokens", "cost"],
)
async def test_nothing_is_asked_beyond_the_caps(api: Api, caps: dict[str, Any]) -> None:
    session = await begin(api, await agent_of(api), await ruled_case(api), repeats=2, caps=caps)
    model = books()
    done = await work(api, session, model)
    assert done["runs"]["failed"] == 2
    assert len(model.asked) == 1
    assert {run["error_info"]["type"] for run in await runs_of(api, session)} == {"budget"}
    if "cost" in caps:
        assert done["cost"] > 0


# ---- replays ---------------------------------------------------------------------------------------------


async def test_a_replay_asks_nobody_and_comes_out_the_same(api: Api) -> None:
    agent = await agent_of(api)
    session = await begin(api, agent, await ruled_case(api))
    await work(api, session, books())
    [run] = await runs_of(api, session)
    await api.send("PUT", f"/v2/assistants/{agent}", json={"agent": {"prompt": "Be rude."}})
    begun = await api.send("POST", f"/trunkline/v1/simulations/{run['simulation_id']}/replay")
    assert (begun["replays"], begun["equal"], begun["status"]) == (run["simulation_id"], None, "in-progress")
    model = books()
    await work(api, begun, model)
    told = await details(api, begun["simulation_id"])
    assert model.asked == []
    assert (told["equal"], told["provider_calls"], told["outcome"]) == (True, 0, "pass")
    assert told["seed"] == (await details(api, run["simulation_id"]))["seed"]


async def test_a_replay_that_comes_out_otherwise_says_so(api: Api) -> None:
    session = await begin(api, await agent_of(api), await ruled_case(api))
    await work(api, session, books())
    [run] = await runs_of(api, session)
    async with api.database.workspace(api.workspace.id) as database:
        row = await database.get_one(SimulationRun, UUID(run["simulation_id"]))
        assert row.trial is not None
        row.trial = {**row.trial, "outcome": "fail"}
    begun = await api.send("POST", f"/trunkline/v1/simulations/{run['simulation_id']}/replay")
    await work(api, begun, books())
    assert (await details(api, begun["simulation_id"]))["equal"] is False


# ---- what cases hold beyond the contract -----------------------------------------------------------------


async def test_details_are_set_as_a_whole(api: Api) -> None:
    case = await make_case(api)
    path = f"/trunkline/v1/simulation_cases/{case}/details"
    nothing = await api.send("GET", path)
    assert nothing == {
        "persona": None,
        "rules": [],
        "tools": {},
        "state": {},
        "max_turns": None,
        "covers": [],
    }
    told = await api.send("PUT", path, json=DETAILS)
    assert told == await api.send("GET", path)
    assert [rule["rule"] for rule in told["rules"]] == ["called", "never_said"]
    assert told["persona"]["script"][0]["say"] == "A table for two."
    assert await api.send("PUT", path, json={"max_turns": 4}) == {**nothing, "max_turns": 4}
    for body, hint in (
        ({"rules": [{"rule": "said", "pattern": "("}]}, "pattern"),
        ({"rules": [{"rule": "guessed"}]}, "rules"),
        ({"persona": {"temper": "calm"}}, "persona"),
        ({"tools": {"a": {"answers": []}}}, "answers"),
        ({"max_turns": 0}, "max_turns"),
    ):
        assert hint in await api.refused("PUT", path, json=body)


async def test_a_run_keeps_what_its_case_held(api: Api) -> None:
    case = await ruled_case(api)
    session = await begin(api, await agent_of(api), case)
    await api.send("PUT", f"/trunkline/v1/simulation_cases/{case}/details", json={"state": {}})
    done = await work(api, session, books())
    assert done["result"]["passed"]
    [run] = await runs_of(api, session)
    assert len((await details(api, run["simulation_id"]))["demands"]) == 3
