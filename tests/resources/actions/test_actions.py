"""`/v2/actions`: create, read, update, delete, rule by rule."""

from typing import Any

import pytest
from sqlalchemy import select

from tests.resources.actions.bodies import (
    BODIES,
    BOOKING,
    CALCOM,
    CUSTOM,
    GHL,
    HOURS,
    SMS,
    TRANSFER,
)
from tests.resources.api import Api
from tests.resources.contract import contract
from trunkline.platform.outbound.masking import MASK
from trunkline.resources.actions.models import Action

UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def create(api: Api, type_: str, body: dict[str, Any], **beside: Any) -> str:
    made = await api.send("POST", "/v2/actions", json={type_: body, **beside})
    return str(made["response"]["action_id"])


async def read(api: Api, action: str, **query: Any) -> dict[str, Any]:
    answer = await api.send("GET", f"/v2/actions/{action}", params=query)
    assert contract.faults(answer, contract.answer_schema("GET", "/actions/{action_id}", 200)) == []
    (shown,) = answer["response"]["actions"]
    return dict(shown)


async def stored(api: Api, type_: str, body: dict[str, Any]) -> dict[str, Any]:
    """The body as it is read after it was created."""
    return dict((await read(api, await create(api, type_, body)))["parameters_hard_coded"])


@pytest.mark.parametrize("type_", BODIES)
async def test_every_type_is_created_and_read(api: Api, type_: str) -> None:
    made = await api.send("POST", "/v2/actions", json={type_: BODIES[type_], "unknown": 1})
    assert contract.faults(made, contract.answer_schema("POST", "/actions", 200)) == []
    assert made["status"] == "success"
    assert made["response"]["prompt_variables"] == []
    shown = await read(api, made["response"]["action_id"])
    assert shown["action_type"] == type_
    assert shown["name"]
    assert "assistants" not in shown
    if type_ != "INFORMATION_EXTRACTOR":
        assert shown["parameters_hard_coded"].keys() >= BODIES[type_].keys()


async def test_lists_are_paged_newest_first(api: Api, stranger: Api) -> None:
    actions = [await create(api, "SEND_SMS", SMS) for _ in range(3)]
    answer = await api.send("GET", "/v2/actions?limit=2&offset=1")
    assert contract.faults(answer, contract.answer_schema("GET", "/actions", 200)) == []
    assert [each["action_id"] for each in answer["response"]["actions"]] == actions[1::-1]
    assert answer["response"]["pagination"] == {"total_records": 3, "limit": 2, "offset": 1}
    assert (await stranger.send("GET", "/v2/actions"))["response"]["actions"] == []
    assert "1000" in await api.refused("GET", "/v2/actions?limit=1001")


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        ({}, "exactly one of"),
        ({"SEND_SMS": SMS, "CUSTOM_ACTION": CUSTOM}, "exactly one of"),
        ({"send_sms": SMS}, "exactly one of"),
        ({"SEND_SMS": None}, "exactly one of"),
        ({"IVR": {}}, "IVR is no type"),
        ({"MCP": {}}, "MCP is no type"),
        ({"FIVE9_HANDOFF": {}}, "FIVE9_HANDOFF is no type"),
        ({"SEND_SMS": SMS, "IVR": {}}, "IVR is no type"),
        ({"SEND_SMS": "text"}, "SEND_SMS"),
    ],
)
async def test_exactly_one_known_type_is_taken(api: Api, body: dict[str, Any], hint: str) -> None:
    assert hint in await api.refused("POST", "/v2/actions", json=body)


@pytest.mark.parametrize(
    ("type_", "field", "value"),
    [
        ("CUSTOM_ACTION", "url", None),
        ("CUSTOM_ACTION", "url", "example.com"),
        ("CUSTOM_ACTION", "url", "ftp://example.com"),
        ("CUSTOM_ACTION", "name", None),
        ("CUSTOM_ACTION", "name", ""),
        ("CUSTOM_ACTION", "http_mode", "TRACE"),
        ("CUSTOM_ACTION", "failure_timeout", 0),
        ("CUSTOM_ACTION", "failure_timeout", 121),
        ("CUSTOM_ACTION", "action_sound", "whale song"),
        ("CUSTOM_ACTION", "integration", "fax"),
        ("CUSTOM_ACTION", "headers", [{"key": "X A", "value": "1"}]),
        ("CUSTOM_ACTION", "headers", [{"key": "X-A", "value": "1\r\nX-B: 2"}]),
        ("CUSTOM_ACTION", "headers", [{"key": "Authorization", "value": MASK}]),
        ("CUSTOM_ACTION", "query_parameters", [{"key": "a"}]),
        ("CUSTOM_ACTION", "variables_during_the_call", [{"name": "a", "type": "colour"}]),
        ("CUSTOM_ACTION", "custom_auth", {"is_needed": True}),
        ("CUSTOM_ACTION", "custom_auth", {"location": "moon", "value": "x"}),
        ("CUSTOM_ACTION", "json_body_stringified", '{"a": '),
        ("LIVE_TRANSFER", "transfer_mode", None),
        ("LIVE_TRANSFER", "transfer_mode", "hot_transfer"),
        ("LIVE_TRANSFER", "phone", None),
        ("LIVE_TRANSFER", "phone", "reception"),
        ("LIVE_TRANSFER", "phone", "sip:a b@example.com"),
        ("LIVE_TRANSFER", "phone_book_id", UNKNOWN),
        ("LIVE_TRANSFER", "instructions", None),
        ("LIVE_TRANSFER", "initiating_msg", None),
        ("LIVE_TRANSFER", "timeout", 4),
        ("LIVE_TRANSFER", "timeout", 301),
        ("LIVE_TRANSFER", "human_detection_timeout_seconds", 29),
        ("LIVE_TRANSFER", "human_detection_timeout_seconds", 1801),
        ("LIVE_TRANSFER", "digits", "12;drop"),
        ("LIVE_TRANSFER", "sip_headers", [{"name": "Via", "value": "1"}]),
        ("LIVE_TRANSFER", "sip_headers", [{"name": "X-A B", "value": "1"}]),
        ("LIVE_TRANSFER", "sip_headers", [{"name": "X-A", "value": "1\nVia: x"}]),
        ("LIVE_TRANSFER", "human_availability", {**HOURS, "schedule": HOURS["schedule"] * 2}),
        ("LIVE_TRANSFER", "human_availability", {**HOURS, "timezone": "Mars/Base"}),
        (
            "LIVE_TRANSFER",
            "human_availability",
            {**HOURS, "schedule": [{"weekday": "monday", "interval": []}]},
        ),
        ("SEND_SMS", "content", None),
        ("SEND_SMS", "instructions", None),
        ("INCALL_SMS", "message_body", None),
        ("INCALL_WHATSAPP", "content_sid", "AC1"),
        ("REAL_TIME_BOOKING", "first_appt_date", None),
        ("REAL_TIME_BOOKING", "first_appt_date", "tomorrow"),
        ("REAL_TIME_BOOKING", "timezone", None),
        ("REAL_TIME_BOOKING", "max_time_slots", 4),
        ("REAL_TIME_BOOKING", "CALCOM", None),
        ("REAL_TIME_BOOKING", "CALCOM", {"user_email": "a@example.com"}),
        ("REAL_TIME_BOOKING", "GHL", GHL),
        ("INFORMATION_EXTRACTOR", "YES_NO", None),
        ("INFORMATION_EXTRACTOR", "YES_NO", {"description": "?"}),
        ("INFORMATION_EXTRACTOR", "OPEN_QUESTION", {"identifier": "b"}),
        ("CUSTOM_EVAL", "question", {"text": "?", "expected_result": "maybe"}),
        ("CUSTOM_EVAL", "question", {"text": "?", "category": "numeric", "expected_result": "11"}),
        ("CUSTOM_EVAL", "question", {"text": "?", "category": "guess"}),
    ],
)
async def test_bodies_are_checked(api: Api, type_: str, field: str, value: Any) -> None:
    body = {name: member for name, member in {**BODIES[type_], field: value}.items() if member is not None}
    text = await api.refused("POST", "/v2/actions", json={type_: body})
    assert type_ in text or field in text


async def test_defaults_of_a_custom_action(api: Api) -> None:
    body = await stored(api, "CUSTOM_ACTION", {"url": "https://example.com", "name": "x"})
    assert body["http_mode"] == "GET"
    assert body["run_action_before_call_start"] is False
    assert body["failure_timeout"] == 30
    for timeout in (1, 120):
        assert (await stored(api, "CUSTOM_ACTION", {**CUSTOM, "failure_timeout": timeout}))[
            "failure_timeout"
        ] == timeout
    assert (await stored(api, "CUSTOM_ACTION", {**CUSTOM, "http_mode": "DELETE"}))["http_mode"] == "DELETE"
    assert (await stored(api, "CUSTOM_ACTION", {**CUSTOM, "action_sound": None}))["action_sound"] == ""


@pytest.mark.parametrize(
    "phone",
    [
        "+14155550111",
        "sip:desk@example.com",
        "sip:desk@example.com:5070",
        "sip:192.0.2.1;transport=tcp",
        "1001",
        "{manager_number}",
    ],
)
async def test_where_a_transfer_may_lead(api: Api, phone: str) -> None:
    body = await stored(api, "LIVE_TRANSFER", {**TRANSFER, "phone": phone})
    assert body["phone"] == phone
    assert body["timeout"] == 30


async def test_a_transfer_keeps_what_it_is_given(api: Api) -> None:
    more = {
        "transfer_mode": "warm_transfer_with_context",
        "timeout": 300,
        "digits": "1,23#",
        "human_detection_timeout_seconds": 1800,
        "human_availability": HOURS,
        "enable_background_music": True,
        "sip_headers": [{"name": "X-Case_1", "value": "{case}"}],
        "screened": False,
    }
    assert (await stored(api, "LIVE_TRANSFER", {**TRANSFER, **more})).items() >= more.items()


async def test_defaults_of_a_booking(api: Api) -> None:
    body = await stored(api, "REAL_TIME_BOOKING", BOOKING)
    assert (body["max_time_slots"], body["min_hours_diff"], body["no_of_days"]) == (3, 3, 3)
    assert body["CALCOM"] == {**CALCOM, "sms_boolean": False}


async def test_a_message_shows_its_text_as_documented(api: Api) -> None:
    shown = await read(api, await create(api, "SEND_SMS", SMS))
    assert shown["parameters_hard_coded"]["sms_message_text"] == "Hi {name}"
    assert shown["description"] == "At the end."


async def test_expected_results_of_evaluations(api: Api) -> None:
    for category, expected in (("pass_fail", "true"), ("numeric", "10"), ("likert_scale", "agree")):
        question = {"text": "?", "category": category, "expected_result": expected}
        assert (await stored(api, "CUSTOM_EVAL", {"question": question}))["question"] == question


# ---- extractors ----------------------------------------------------------------------------------------


async def test_an_extractor_is_read_as_seen_live(api: Api) -> None:
    choice = {"identifier": "colour", "description": "Which colour?", "choices": ["red", "blue"]}
    made = await api.send("POST", "/v2/actions", json={"INFORMATION_EXTRACTOR": {"SINGLE_CHOICE": choice}})
    assert made["response"]["action_type"] == "Information Extractor"
    shown = await read(api, made["response"]["action_id"])
    assert shown["name"] == "info_extractor_colour"
    assert shown["description"] == ""
    assert shown["parameters_hard_coded"] == {
        "type": "SINGLE_CHOICE",
        "identifier": "colour",
        "condition": "Which colour?",
        "choices": ["red", "blue"],
        "examples": [],
    }


async def test_an_extractor_is_updated_flat_and_nested(api: Api) -> None:
    action = await create(api, "INFORMATION_EXTRACTOR", BODIES["INFORMATION_EXTRACTOR"])
    await api.send(
        "PUT", f"/v2/actions/{action}", json={"INFORMATION_EXTRACTOR": {"description": "More, please?"}}
    )
    shown = await read(api, action)
    assert shown["parameters_hard_coded"]["condition"] == "More, please?"
    assert shown["parameters_hard_coded"]["type"] == "YES_NO"
    question = {"identifier": "colour", "examples": ["red"]}
    await api.send(
        "PUT", f"/v2/actions/{action}", json={"INFORMATION_EXTRACTOR": {"OPEN_QUESTION": question}}
    )
    shown = await read(api, action)
    assert shown["name"] == "info_extractor_colour"
    assert shown["parameters_hard_coded"] == {
        "type": "OPEN_QUESTION",
        "identifier": "colour",
        "condition": "",
        "choices": [],
        "examples": ["red"],
    }


# ---- update and delete ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "change"),
    [
        ("CUSTOM_ACTION", {"failure_timeout": 5}),
        ("SEND_SMS", {"content": "Bye"}),
        ("INCALL_SMS", {"wait_for_reply": True, "timeout_seconds": 60}),
        ("INCALL_WHATSAPP", {"content_variables": {"1": "Ann"}}),
        ("REAL_TIME_BOOKING", {"max_time_slots": 1}),
    ],
)
async def test_updates_are_partial(api: Api, type_: str, change: dict[str, Any]) -> None:
    action = await create(api, type_, BODIES[type_])
    before = (await read(api, action))["parameters_hard_coded"]
    answer = await api.send("PUT", f"/v2/actions/{action}", json={type_: change})
    assert answer == {"status": "ok", "response": {"action_id": action}}
    after = (await read(api, action))["parameters_hard_coded"]
    assert after.items() >= change.items()
    assert {**before, **change}.keys() == after.keys()


async def test_a_booking_keeps_its_event_through_updates(api: Api) -> None:
    action = await create(api, "REAL_TIME_BOOKING", BOOKING)
    await api.send(
        "PUT", f"/v2/actions/{action}", json={"REAL_TIME_BOOKING": {"CALCOM": {"integration": "Zoom"}}}
    )
    body = (await read(api, action))["parameters_hard_coded"]
    assert body["CALCOM"] == {**CALCOM, "integration": "Zoom", "sms_boolean": False}


async def test_a_transfer_needs_its_four_members_again(api: Api) -> None:
    action = await create(api, "LIVE_TRANSFER", {**TRANSFER, "timeout": 60})
    text = await api.refused("PUT", f"/v2/actions/{action}", json={"LIVE_TRANSFER": {"timeout": 10}})
    assert "transfer_mode is required" in text
    await api.send("PUT", f"/v2/actions/{action}", json={"LIVE_TRANSFER": {**TRANSFER, "phone": "1001"}})
    body = (await read(api, action))["parameters_hard_coded"]
    assert (body["phone"], body["timeout"]) == ("1001", 60)


async def test_a_transfer_moves_to_a_phone_book_and_back(api: Api, stranger: Api) -> None:
    book = (await api.send("POST", "/v2/phonebooks", json={"name": "Desk"}))["response"]["key"]
    foreign = (await stranger.send("POST", "/v2/phonebooks", json={"name": "D"}))["response"]["key"]
    by_book = {name: value for name, value in TRANSFER.items() if name != "phone"} | {"phone_book_id": book}
    action = await create(api, "LIVE_TRANSFER", TRANSFER)
    path = f"/v2/actions/{action}"
    await api.send("PUT", path, json={"LIVE_TRANSFER": by_book})
    body = (await read(api, action))["parameters_hard_coded"]
    assert body["phone_book_id"] == book
    assert "phone" not in body
    for unknown in (foreign, UNKNOWN, "x"):
        text = await api.refused("PUT", path, json={"LIVE_TRANSFER": {**by_book, "phone_book_id": unknown}})
        assert (
            text == f"LIVE_TRANSFER.phone_book_id: there is no phone book {unknown}; see GET /v2/phonebooks."
        )
    await api.send("PUT", path, json={"LIVE_TRANSFER": TRANSFER})
    assert "phone_book_id" not in (await read(api, action))["parameters_hard_coded"]


async def test_updates_keep_the_type(api: Api) -> None:
    action = await create(api, "CUSTOM_EVAL", BODIES["CUSTOM_EVAL"])
    path = f"/v2/actions/{action}"
    assert "type CUSTOM_EVAL" in await api.refused("PUT", path, json={"SEND_SMS": SMS})
    text = await api.refused("PUT", path, json={"CUSTOM_EVAL": BODIES["CUSTOM_EVAL"]})
    assert "CUSTOM_EVAL is no type" in text
    assert "exactly one" in await api.refused("PUT", path, json={})
    other = await create(api, "REAL_TIME_BOOKING", BOOKING)
    text = await api.refused("PUT", f"/v2/actions/{other}", json={"REAL_TIME_BOOKING": {"GHL": {}}})
    assert "GHL.calendar_id is required" in text


async def test_a_name_for_types_without_one(api: Api) -> None:
    action = await create(api, "LIVE_TRANSFER", TRANSFER, name="to_sales")
    assert (await read(api, action))["name"] == "to_sales"
    await api.send("PUT", f"/v2/actions/{action}", json={"LIVE_TRANSFER": TRANSFER})
    assert (await read(api, action))["name"] == "to_sales"
    assert (await read(api, await create(api, "LIVE_TRANSFER", TRANSFER)))["name"] == "live_transfer"


async def test_deleted_actions_are_gone(api: Api) -> None:
    action = await create(api, "SEND_SMS", SMS)
    agent = await api.agent(actions=[action])
    answer = await api.send("DELETE", f"/v2/actions/{action}")
    assert contract.faults(answer, contract.answer_schema("DELETE", "/actions/{action_id}", 200)) == []
    await api.refused("GET", f"/v2/actions/{action}", 404)
    await api.refused("DELETE", f"/v2/actions/{action}", 404)
    assert (await api.send("GET", "/v2/actions"))["response"]["pagination"]["total_records"] == 0
    shown = await api.send("GET", f"/v2/assistants/{agent}?include_actions=true")
    assert shown["response"]["assistants"][0]["actions"] == []
    assert (await api.send("GET", "/v2/assistants"))["response"]["assistants"][0]["actions"] == []


async def test_foreign_actions_are_like_unknown_ones(api: Api, stranger: Api) -> None:
    foreign = await create(stranger, "SEND_SMS", SMS)
    for action in (foreign, UNKNOWN, "x"):
        path = f"/v2/actions/{action}"
        assert await api.refused("GET", path, 404) == f"There is no action {action}."
        await api.refused("PUT", path, 404, json={"SEND_SMS": SMS})
        await api.refused("DELETE", path, 404)
    assert (await read(stranger, foreign))["name"] == "send_sms"


# ---- secrets -------------------------------------------------------------------------------------------

SECRETS: dict[str, Any] = {
    "headers": [{"key": "X-Api-Key", "value": "s3cret-1"}, {"key": "Accept", "value": "text/html"}],
    "query_parameters": [{"key": "token", "value": "s3cret-2"}],
    "custom_auth": {"is_needed": True, "location": "header", "key": "Bearer", "value": "s3cret-3"},
}


async def test_secrets_are_sealed_and_masked(api: Api) -> None:
    action = await create(api, "CUSTOM_ACTION", {**CUSTOM, **SECRETS})
    for answer in (await api.send("GET", f"/v2/actions/{action}"), await api.send("GET", "/v2/actions")):
        assert "s3cret" not in str(answer)
    body = (await read(api, action))["parameters_hard_coded"]
    assert [each["value"] for each in body["headers"]] == [MASK, "text/html"]
    assert body["query_parameters"] == [{"key": "token", "value": MASK}]
    assert body["custom_auth"]["value"] == MASK
    async with api.database.system() as session:
        row = (await session.execute(select(Action))).scalar_one()
    assert "s3cret" not in f"{row.settings} {row.secrets_encrypted!r}"


async def test_a_masked_read_can_be_sent_back(api: Api) -> None:
    action = await create(api, "CUSTOM_ACTION", {**CUSTOM, **SECRETS})
    async with api.database.system() as session:
        before = (await session.execute(select(Action.secrets_encrypted))).scalar_one()
    body = (await read(api, action))["parameters_hard_coded"]
    await api.send("PUT", f"/v2/actions/{action}", json={"CUSTOM_ACTION": body})
    async with api.database.system() as session:
        row = (await session.execute(select(Action))).scalar_one()
    box = api.platform.secrets
    field = f"secrets of action {action}"
    assert before is not None
    assert row.secrets_encrypted is not None
    assert box.open(row.workspace_id, field, row.secrets_encrypted) == box.open(
        row.workspace_id, field, before
    )
    changed = {"headers": [{"key": "Authorization", "value": MASK}]}
    text = await api.refused("PUT", f"/v2/actions/{action}", json={"CUSTOM_ACTION": changed})
    assert text == "headers.0: the value of Authorization is masked; send the value itself."
