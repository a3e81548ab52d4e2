"""Cases that the language model writes, told line by line."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from tests.resources.api import Api
from tests.resources.contract import contract
from tests.resources.simulations.conftest import make_suite
from trunkline.resources.language import Language
from trunkline.resources.simulations.models import SimulationCase
from trunkline.resources.simulations.schemas import SimulationTest
from trunkline.roles.language import AbsentLanguageModel
from trunkline.voice.language.twins import Line, Said, ScriptedLanguageModel

UNKNOWN = "00000000-0000-4000-8000-000000000000"
PATH = "/v2/simulation_cases/generate"
WRITTEN = {"name": "Late parcel", "persona": "You wait for a parcel.", "success_criteria": ["It says when."]}


def writes(api: Api, *answers: Said) -> ScriptedLanguageModel:
    """The API's model writes these cases in turn; it does so in the background, and gives way to whoever talks."""
    model = ScriptedLanguageModel(*answers)
    api.app.state.language = Language(talk=AbsentLanguageModel(), think=model)
    return model


async def generated(api: Api, path: str = PATH, **body: Any) -> list[dict[str, Any]]:
    answer = await api.client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert answer.text.endswith("\n")
    return [json.loads(line) for line in answer.text.splitlines()]


async def cases(api: Api) -> list[dict[str, Any]]:
    return list((await api.send("GET", "/v2/simulation_cases"))["response"]["items"])


@pytest.mark.parametrize("path", [PATH, "/v2/simulations/generate/"])
async def test_a_case_for_each_test_stored_before_it_is_told(api: Api, path: str) -> None:
    model = writes(api, WRITTEN)
    agent = await api.agent(name="Parcels", agent={"prompt": "You find parcels.", "greeting_message": "Yes?"})
    suite = await make_suite(api, agent, language="de-DE")
    tests = ["angry_user", "task_completion", "angry_user"]
    started, first, second, completed = await generated(
        api, path, agent_id=agent, suite_id=suite, include_tests=tests
    )
    assert started == {"event": "started", "total": 2}
    assert completed == {"event": "completed", "created": 2}
    assert [(line["event"], line["test"]) for line in (first, second)] == [
        ("case_created", "angry_user"),
        ("case_created", "task_completion"),
    ]
    case = first["simulation_case"]
    assert contract.faults(case, {"$ref": "#/components/schemas/SimulationCase"}) == []
    assert (case["name"], case["prompt"]) == ("Late parcel", "You wait for a parcel.")
    assert (case["type"], case["success_criteria"], case["call_success_type"]) == (
        "agent_based",
        ["It says when."],
        "all",
    )
    assert (case["suite_id"], case["base_agent"]["model_id"]) == (suite, agent)
    assert await cases(api) == [second["simulation_case"], case]
    briefs = [messages[-1]["content"] for messages in model.asked]
    assert all("You find parcels." in brief and "de-DE" in brief for brief in briefs)
    assert "angry caller" in briefs[0]
    assert "task done" in briefs[1]


async def test_all_seven_without_a_choice(api: Api) -> None:
    writes(api, WRITTEN)
    lines = await generated(api, agent_id=await api.agent(), include_tests=None)
    assert [line["test"] for line in lines[1:-1]] == [
        "csat_score",
        "accuracy_of_responses",
        "script_compliance",
        "angry_user",
        "repetitive_phrases",
        "conversational_naturalness",
        "task_completion",
    ]
    assert len(await cases(api)) == len(SimulationTest)


async def test_the_agents_own_actions_and_knowledge_are_told_and_come_with_the_case(api: Api) -> None:
    model = writes(api, {**WRITTEN, "must_call": ["look_up"], "results": {"look_up": "it is lost"}})
    look_up = {
        "name": "look_up",
        "description": "Looks a parcel up",
        "url": "https://example.com",
        "headers": [{"key": "Authorization", "value": "Bearer s3cret"}],
    }
    agent = await api.agent(actions=[{"type": "CUSTOM_ACTION", "CUSTOM_ACTION": look_up}])
    base = {"name": "House", "rag_use_condition": "when somebody asks about the house"}
    made = (await api.send("POST", "/v2/knowledge_base", json=base))["response"]
    path = f"/v2/knowledge_base/{made['knowledge_base_id']}/attach"
    await api.send("POST", path, params={"model_id": agent})
    lines = await generated(api, agent_id=agent, include_tests=["task_completion"])
    assert (lines[0]["total"], lines[-1]["created"]) == (2, 2)
    first, second = [messages[-1]["content"] for messages in model.asked]
    assert "has to use look_up (Looks a parcel up)" in first
    assert "has to use search_knowledge" in second and "when somebody asks about the house" in second
    assert "Late parcel" in second.split("there already")[1]
    assert "s3cret" not in first + second
    case_id = UUID(lines[1]["simulation_case"]["simulation_case_id"])
    async with api.database.workspace(api.workspace.id) as session:
        case = await session.get(SimulationCase, case_id)
        assert case is not None and case.details is not None
    assert case.details["rules"] == [{"rule": "called", "action": "look_up"}]
    assert case.details["tools"]["look_up"]["answers"] == [{"result": "it is lost"}]


async def test_a_test_that_fails_is_told_and_the_others_go_on(api: Api) -> None:
    writes(api, WRITTEN, Line(fail="the model is out"), {**WRITTEN, "success_criteria": []}, WRITTEN)
    tests = ["csat_score", "angry_user", "task_completion", "script_compliance"]
    lines = await generated(api, agent_id=await api.agent(), include_tests=tests)
    assert [line["event"] for line in lines[1:-1]] == ["case_created", "failed", "failed", "case_created"]
    assert lines[2] == {"event": "failed", "test": "angry_user", "error": "the model is out"}
    assert "schema" in lines[3]["error"]
    assert lines[-1] == {"event": "completed", "created": 2}
    assert len(await cases(api)) == 2


async def test_scenarios_of_the_workspace_are_offered(api: Api, stranger: Api) -> None:
    for each, name in ((api, "Refund"), (stranger, "Not yours")):
        await each.send(
            "POST", "/v2/simulation_scenarios", json={"name": name, "description": "Wants money back."}
        )
    asked: list[str] = []

    def rule(messages: Sequence[dict[str, Any]]) -> Said:
        asked.append(messages[-1]["content"])
        return WRITTEN

    model = ScriptedLanguageModel(rule=rule)
    api.app.state.language = Language(talk=AbsentLanguageModel(), think=model)
    await generated(api, agent_id=await api.agent(), include_tests=["csat_score"])
    [brief] = asked
    assert "- Refund: Wants money back." in brief
    assert "Not yours" not in brief


async def test_errors_come_before_the_stream(api: Api, stranger: Api) -> None:
    agent, foreign = await api.agent(), await stranger.agent()
    foreign_suite = await make_suite(stranger, foreign)
    for path in (PATH, "/v2/simulations/generate"):
        for id_ in (UNKNOWN, "x", foreign):
            assert "agent_id" in await api.refused("POST", path, 404, json={"agent_id": id_})
        for id_ in (UNKNOWN, "x", foreign_suite):
            named = {"agent_id": agent, "suite_id": id_}
            assert "suite_id" in await api.refused("POST", path, 404, json=named)
        assert "agent_id is required" in await api.refused("POST", path, 422, json={})
        odd = {"agent_id": agent, "include_tests": ["speed"]}
        assert "include_tests" in await api.refused("POST", path, 422, json=odd)
    assert api.model.asked == []


async def test_repeated_under_a_key_the_same_lines_come_and_nothing_is_written_twice(api: Api) -> None:
    writes(api, WRITTEN)
    body = {"agent_id": await api.agent(), "include_tests": ["angry_user"]}
    answers = [await api.client.post(PATH, json=body, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert answers[0].text == answers[1].text
    assert "case_created" in answers[0].text
    assert answers[1].headers["content-type"].startswith("application/x-ndjson")
    assert len(await cases(api)) == 1
