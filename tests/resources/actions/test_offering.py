"""What a model is offered of an agent's actions, and what of its arguments is taken."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from trunkline.resources.actions.custom import request_of
from trunkline.resources.actions.custom_tool import inputs_of
from trunkline.resources.actions.executed import entry, unused
from trunkline.resources.actions.offering import offered
from trunkline.resources.actions.results import merged, variables_of
from trunkline.resources.actions.work import PlannedAction
from trunkline.voice.conversation.profile import Tool

SETTINGS: dict[str, Any] = {"http_mode": "POST", "url": "https://example.com/x", "failure_timeout": 30}


def action(name: str = "look up", type_: str = "CUSTOM_ACTION", **changes: Any) -> PlannedAction:
    how = {key: changes.pop(key) for key in ("phase", "trigger_condition", "mapping") if key in changes}
    settings = {**SETTINGS, **changes}
    return PlannedAction(uuid4(), type_, name, "Looks it up.", settings, **how)


def asked(name: str, type_: str = "string") -> dict[str, str]:
    return {"name": name, "type": type_, "description": f"The {name}.", "example": ""}


def tool(*args: Any, **changes: Any) -> Tool:
    (found,) = offered([action(*args, **changes)]).values()
    return found.tool


@pytest.mark.parametrize(
    ("type_", "schema"),
    [
        ("string", {"type": "string"}),
        ("int", {"type": "integer"}),
        ("float", {"type": "number"}),
        ("bool", {"type": "boolean"}),
        ("list", {"type": "array", "items": {"type": "string"}}),
        ("money", {"type": "number"}),
        ("phone_number", {"type": "string"}),
        ("email", {"type": "string"}),
        ("datetime", {"type": "string"}),
        ("utc_datetime", {"type": "string"}),
    ],
)
def test_each_type_of_input_has_its_schema(type_: str, schema: dict[str, Any]) -> None:
    parameters = tool(variables_during_the_call=[asked("n", type_)]).parameters
    shown = parameters["properties"]["n"]
    assert {name: shown[name] for name in schema} == schema
    assert shown["description"].startswith("The n.")
    assert parameters["additionalProperties"] is False


def test_only_what_the_agent_leaves_to_the_model_is_offered() -> None:
    mapping = (
        {"variable_name": "shop", "source": "hardcoded", "hardcoded_value": "Rome"},
        {
            "variable_name": "city",
            "source": "llm",
            "llm_config": {"description": "Where?", "required": False},
        },
    )
    offer = tool(
        variables_before_the_call=[{"key": "tier", "value": "gold"}],
        variables_during_the_call=[asked(each) for each in ("city", "shop", "tier", "call_id", "size")],
        mapping=mapping,
    )
    assert set(offer.parameters["properties"]) == {"city", "size"}
    assert offer.parameters["required"] == ["size"]
    assert offer.parameters["properties"]["city"]["description"] == "Where?"


def test_no_argument_and_no_result_takes_the_place_of_what_is_fixed_or_the_systems() -> None:
    """A model that does whatever it is told, and an address that answers whatever it likes."""
    mine = action(
        variables_before_the_call=[{"key": "account", "value": "A-1"}, {"key": "who", "value": "{call_id}"}],
        variables_during_the_call=[asked("city"), asked("nights", "int"), asked("user_phone_number")],
        mapping=({"variable_name": "nights", "source": "hardcoded", "hardcoded_value": "2"},),
    )
    evil = {
        "city": "Rome",
        "account": "A-2",
        "nights": 99,
        "user_phone_number": "+1900",
        "call_id": "other",
        "url": "https://evil.example",
    }
    known = {"call_id": "c-1", "user_phone_number": "+15550100"}
    variables = merged(known, variables_of({**evil, "results": "x"}))
    inputs = inputs_of(mine, evil, variables)
    assert inputs == {
        "account": "A-1",
        "who": "c-1",
        "city": "Rome",
        "nights": 2,
        "user_phone_number": "+15550100",
    }
    request = request_of(mine.settings, variables, inputs)
    assert request.url == "https://example.com/x"
    assert json.loads(request.body or b"") == inputs


def test_names_are_safe_for_a_model_and_unique() -> None:
    names = ["look up", "look up", "Größe & Preis", "???", "end_call", "x" * 80, "x" * 80]
    found = offered([action(name) for name in names])
    assert list(found)[:5] == ["look_up", "look_up_2", "Gr_e_Preis", "custom_action", "end_call_2"]
    assert all(len(name) <= 64 for name in found)
    assert [each.action.name for each in found.values()] == names
    assert [each.tool.name for each in found.values()] == list(found)


def test_the_condition_is_told_and_other_phases_and_types_are_no_tools() -> None:
    assert "Use it only in this case: When asked." in tool(trigger_condition="When asked.").description
    others = [
        action(phase="before"),
        action(phase="after"),
        action(type_="INFORMATION_EXTRACTOR"),
        action(type_="CUSTOM_EVAL"),
    ]
    assert offered(others) == {}


def test_what_is_said_and_heard_while_it_runs_comes_from_the_settings() -> None:
    manner = tool(
        message_before_action_starts="One moment.",
        message_delay="Still looking.",
        message_delay_time=4,
        message_error="It failed.",
        action_sound="typing",
        failure_timeout=12,
    ).manner
    assert (manner.start, manner.delay, manner.delay_after) == ("One moment.", "Still looking.", 4.0)
    assert (manner.failure, manner.sound, manner.timeout) == ("It failed.", "typing", 12.0)
    assert not manner.natural
    natural = tool(agent_speak_naturally=True, message_before_action_starts="Be patient.", prompt="Be kind.")
    assert natural.manner.natural
    assert "Be patient." in natural.description and "Be kind." in natural.description


def test_the_record_holds_no_secret() -> None:
    fixed = [{"key": "api_token", "value": "s3cret"}, {"key": "shop", "value": "Rome"}]
    auth = {"is_needed": True, "key": "Bearer", "value": "s3cret", "location": "header"}
    record = tool(variables_before_the_call=fixed, custom_auth=auth).record
    assert "s3cret" not in json.dumps(record)
    assert record["parameters_hard_coded"]["shop"] == "Rome"


# ---- results ----


def test_results_are_variables_by_path() -> None:
    found = variables_of({"data": {"name": "Anna", "none": None}, "slots": ["nine", "ten"]})
    assert found["results.data.name"] == found["data.name"] == "Anna"
    assert found["results.slots.1"] == "ten"
    assert found["data"] == {"name": "Anna", "none": None}
    assert "results.data.none" not in found
    assert variables_of("text") == {"results": "text"}


def test_a_huge_result_makes_no_huge_number_of_variables() -> None:
    assert len(variables_of({str(n): n for n in range(100_000)})) <= 1002
    deep: Any = 1
    for _ in range(500):
        deep = {"a": deep}
    assert len(variables_of(deep)) < 30


# ---- entries ----


def test_runs_of_one_action_have_keys_of_their_own() -> None:
    taken: dict[str, int] = {}
    for _ in range(3):
        taken[unused("look up", taken)] = 1
    assert list(taken) == ["look up", "look up_2", "look up_3"]


def test_an_entry_is_texts_whatever_came_of_the_run() -> None:
    started = {"name": "x", "arguments": {"a": 1}}
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for finished in (None, {"result": "words", "ok": True, "error": ""}, {"result": "bad", "ok": False}):
        made = entry(started, finished, at)
        assert all(isinstance(value, str) for value in made.values())
        json.loads(made["return_value"])
        assert bool(made["error_message"]) is (finished is None or not finished["ok"])
