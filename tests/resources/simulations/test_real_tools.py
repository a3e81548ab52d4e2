"""Sessions with `tools: real`: what a case does not mock is really run, once, by the agent's own settings."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import update

from tests.platform.outbound.web import Web, response, web
from tests.resources.api import Api
from tests.resources.simulations.conftest import make_case, tasks_of
from tests.resources.simulations.test_sessions import begin, details, read, runs_of, work
from trunkline.errors import Unavailable
from trunkline.resources.simulations.models import SimulationRun
from trunkline.resources.simulations.real_tools import KeptTools, nothing_real
from trunkline.voice.answers import Answers, MemoryStore
from trunkline.voice.driver.ports import ToolAnswer
from trunkline.voice.language.twins import Line, Said, ScriptedLanguageModel

ASKS = {"persona": {"script": [{"to": "Hi", "say": "Where is A7?"}, {"say": "Bye.", "hang_up": True}]}}
CALLED = {"rules": [{"rule": "called", "action": "look_up", "arguments": {"order": "A7"}, "succeeded": True}]}
MOCK = {"tools": {"look_up": {"answers": [{"result": "lost"}]}}}


def looks_up(then: Said = "It is shipped.") -> ScriptedLanguageModel:
    def rule(messages: Sequence[dict[str, Any]]) -> Said:
        if messages[-1]["role"] == "tool":
            return then
        return Line("One moment.", tool="look_up", arguments={"order": "A7"})

    return ScriptedLanguageModel(rule=rule)


async def begun(api: Api, server: Web, more: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A session of one run with an agent that looks orders up."""
    body = {
        "http_mode": "POST",
        "url": server.url("/orders"),
        "name": "look up",
        "headers": [{"key": "Authorization", "value": "Bearer topsecret"}],
        "variables_during_the_call": [{"name": "order", "description": "Which?"}],
    }
    agent = await api.agent(
        type="inbound",
        agent={"prompt": "Help.", "greeting_message": "Hi."},
        actions=[{"type": "CUSTOM_ACTION", "CUSTOM_ACTION": body}],
    )
    case = await make_case(api, success_criteria=[])
    await api.send("PUT", f"/trunkline/v1/simulation_cases/{case}/details", json={**ASKS, **CALLED, **more})
    return await begin(api, agent, case, **changes)


async def only_run(api: Api, session: dict[str, Any]) -> dict[str, Any]:
    [run] = await runs_of(api, session)
    return await details(api, run["simulation_id"])


async def test_an_action_that_nobody_mocks_is_really_run_and_on_record(api: Api) -> None:
    async with web() as server:
        server.answer = response(200, b'{"state": "shipped"}')
        session = await begun(api, server, {}, tools="real")
        assert session["tools"] == "real"
        done = await work(api, session, looks_up())
        (asked,) = server.asked
    assert done["result"]["passed"]
    assert json.loads(asked.body) == {"order": "A7"}
    assert asked.headers["authorization"] == "Bearer topsecret"
    run = await only_run(api, session)
    [call] = run["happened"]["calls"]
    assert call["result"] == {"state": "shipped"}
    entry = run["executed_actions"]["look up"]
    assert json.loads(entry["return_value"]) == {"state": "shipped"}
    assert (entry["action_type"], entry["error_message"]) == ("custom_function_action_type", "")
    (log,) = (await api.send("GET", "/v2/logs"))["response"]["items"]
    assert (log["status"], log["response_status_code"]) == ("success", 200)
    assert "topsecret" not in json.dumps([run, log])


@pytest.mark.parametrize(
    ("more", "changes"),
    [({}, {}), (MOCK, {"tools": "real"})],
    ids=["mocked is the default", "the case mocks it"],
)
async def test_nothing_else_is_run(api: Api, more: dict[str, Any], changes: dict[str, Any]) -> None:
    async with web() as server:
        session = await begun(api, server, more, **changes)
        done = await work(api, session, looks_up())
        assert server.asked == []
    assert done["runs"]["completed"] == 1
    assert done["result"]["passed"] is bool(more)
    assert not (await only_run(api, session))["executed_actions"]


async def test_an_agent_that_was_deleted_runs_nothing(api: Api) -> None:
    async with web() as server:
        session = await begun(api, server, {}, tools="real")
        await api.send("DELETE", f"/v2/assistants/{session['target_agent_id']}", 200)
        await work(api, session, looks_up())
        assert server.asked == []
    assert (await only_run(api, session))["outcome"] == "fail"


async def test_a_replay_runs_nothing_and_comes_out_the_same(api: Api) -> None:
    async with web() as server:
        server.answer = response(200, b'{"state": "shipped"}')
        session = await begun(api, server, {}, tools="real")
        await work(api, session, looks_up())
        [run] = await runs_of(api, session)
        again = await api.send("POST", f"/trunkline/v1/simulations/{run['simulation_id']}/replay")
        await work(api, again, looks_up())
        assert len(server.asked) == 1
    told = await details(api, again["simulation_id"])
    assert (told["equal"], told["provider_calls"]) == (True, 0), told["error_info"]
    assert told["executed_actions"] is None


async def test_a_run_that_is_begun_again_repeats_its_ids_and_all_is_on_record(api: Api) -> None:
    async with web() as server:
        server.answer = response(200, b"{}")
        session = await begun(api, server, {}, tools="real")
        [run] = await runs_of(api, session)
        with pytest.raises(Unavailable):
            broken = tasks_of(api, looks_up(Line(fail="gone")))
            await broken.run_simulation(run["simulation_id"], run["workspace_id"])
        await work(api, session, looks_up())
        first, second = (each.headers["idempotency-key"] for each in server.asked)
    assert first == second
    assert set((await only_run(api, session))["executed_actions"]) == {"look up", "look up_2"}
    assert (await read(api, session))["result"]["passed"]


async def test_a_replay_whose_original_is_gone_fails_and_asks_nobody(api: Api) -> None:
    async with web() as server:
        session = await begun(api, server, {}, tools="real")
        await work(api, session, looks_up())
        [run] = await runs_of(api, session)
        again = await api.send("POST", f"/trunkline/v1/simulations/{run['simulation_id']}/replay")
        async with api.database.workspace(api.workspace.id) as database:
            await database.execute(
                update(SimulationRun).where(SimulationRun.replays.is_(None)).values(answers_key=None)
            )
        model = looks_up()
        await work(api, again, model)
        assert (len(server.asked), model.asked) == (1, [])
    told = await details(api, again["simulation_id"])
    assert (told["status"], told["error_info"]["type"]) == ("failed", "answers")


async def test_what_a_tool_gave_is_kept_by_its_arguments_and_its_turn() -> None:
    ran: list[str] = []

    async def run(name: str, arguments: dict[str, Any]) -> ToolAnswer:
        ran.append(name)
        if name == "breaks":
            raise ValueError("no thermometer")
        return ToolAnswer(f"{name} {len(ran)}", variables={"a": "b"})

    store = MemoryStore()
    first = KeptTools(run, Answers(store))
    given = [await first.run(name, {"n": 1}) for name in ("look", "look", "breaks")]
    assert [(each.text, each.ok) for each in given] == [
        ("look 1", True),
        ("look 2", True),
        ("breaks failed and was not done: no thermometer", False),
    ]
    again = KeptTools(nothing_real, Answers(store))
    assert [await again.run(name, {"n": 1}) for name in ("look", "look", "breaks")] == given
    assert not (await again.run("look", {"n": 2})).ok
