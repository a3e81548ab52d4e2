"""Every operation that exists answers in the shape of the contract."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.resources.api import Api
from tests.resources.calls.rows import LEAD, NUMBER, store
from tests.resources.contract import contract

# The contract's own text overrules its schema here: no value is null in a list of calls, whatever the type.
_NULL_IN_LISTS = ("end_call_reason", "duration")


async def prepared(api: Api) -> dict[str, str]:
    """Ids to fill paths with: an agent with a number and all settings, and two calls."""
    await api.host()
    await api.number()
    agent = await api.agent(
        type="inbound",
        phone_number=NUMBER,
        max_duration={"duration_seconds": 600, "is_enabled": True},
        voicemail_message={"enabled": True, "mode": "exact_message", "exact_message": "Bye"},
        agent={
            "prompt": "P",
            "llm": "gpt-5.2",
            "language": "de-DE",
            "greeting_message_mode": "human",
            "min_words_to_interrupt": "2",
            "patience_level": "high",
            "voice_stability": 0.5,
            "voice_speed": 1.0,
            "background_noise": {"enabled": True, "type": "office", "volume": 1},
            "end_call_reasons_v2": [{"reason": "done", "closing_message_mode": "none"}],
            "transcriber_keywords": ["Trunkline"],
        },
    )
    await store(api, agent, status="pending")
    call = await store(
        api,
        agent,
        name="Ann",
        agent_number=NUMBER,
        number_from=NUMBER,
        number_to=LEAD,
        deployment_type="Telephony",
        started_at=datetime(2026, 4, 22, 12, tzinfo=UTC),
        ended_at=datetime(2026, 4, 22, 12, 1, tzinfo=UTC),
        duration_s=42,
        ringing_ms=1,
        telephony_ms=2,
        end_reason="human_ended_call",
        hangup_by="callee",
        disconnect_reason="callee_hangup",
        transcript="\nbot: Hello",
        recording_key="x.wav",
        recording_s=1.0,
        collected_variables={agent: {"city": {"value": "Bonn", "collected": True}}},
    )
    return {"model_id": agent, "phone_number_slug": "14155550100", "call_id": call}


def body_for(api: Api, operation: str, ids: dict[str, str]) -> dict[str, Any] | None:
    bodies: dict[str, dict[str, Any]] = {
        "create-assistant": {"type": "outbound", "name": "A", "agent": {"prompt": "P"}},
        "update-assistant": {"name": "B"},
        "attach-phone-numbers-to-assistant": {"phone_numbers": [NUMBER]},
        "voice-call": {"model_id": ids["model_id"], "phone": LEAD, "name": "Ann"},
        "update-phone-number": {"friendly_name": "Desk"},
        "create-custom-number": {
            "workspace_id": str(api.workspace.id),
            "phone_number": "+14155550177",
            "termination_uri": "sip.example.com",
        },
    }
    return bodies.get(operation)


OPERATIONS = [
    ("POST", "/assistants"),
    ("GET", "/assistants/"),
    ("GET", "/assistants/{model_id}"),
    ("PUT", "/assistants/{model_id}"),
    ("DELETE", "/assistants/{model_id}"),
    ("PUT", "/assistants/{model_id}/phone_numbers"),
    ("DELETE", "/assistants/{model_id}/phone_numbers/{phone_number_slug}"),
    ("POST", "/calls"),
    ("GET", "/calls"),
    ("GET", "/calls/{call_id}"),
    ("GET", "/numbers"),
    ("GET", "/numbers/{phone_number_slug}"),
    ("PATCH", "/numbers/{phone_number_slug}"),
    ("DELETE", "/numbers/{phone_number_slug}"),
    ("POST", "/custom-numbers"),
]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_answers_are_as_the_contract_says(api: Api, method: str, path: str) -> None:
    ids = await prepared(api)
    operation = contract.document()["paths"][path][method.lower()]["operationId"]
    for slash in ("", "/") if method == "GET" else ("",):
        url = "/v2" + path.format(**ids).rstrip("/") + slash
        answer = await api.send(method, url, json=body_for(api, operation, ids))
        schema = contract.answer_schema(method, path, 200)
        assert [fault for fault in contract.faults(answer, schema) if not overruled(fault, path)] == []
        assert "success" not in answer


def overruled(fault: str, path: str) -> bool:
    return path == "/calls" and any(f".{name}: None" in fault for name in _NULL_IN_LISTS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_errors_are_as_the_contract_says(api: Api, method: str, path: str) -> None:
    ids = {"model_id": "nobody", "phone_number_slug": "nothing", "call_id": "none"}
    schema = {"$ref": "#/components/schemas/ErrorEnvelope"}
    url = "/v2" + path.format(**ids)
    for headers, status in (
        ({}, None),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": ""}, 401),
    ):
        body = None if method in ("GET", "DELETE") else b"{"
        answer = await api.client.request(method, url, content=body, headers=headers)
        if status is None and answer.status_code == 200:
            assert path in ("/assistants/", "/calls", "/numbers")
            continue
        assert answer.status_code == (status or answer.status_code)
        assert answer.status_code in (400, 401, 404)
        assert contract.faults(answer.json(), schema) == []


def test_the_checker_finds_what_is_wrong() -> None:
    schema = contract.answer_schema("GET", "/calls/{call_id}", 200)
    good: dict[str, Any] = {"status": "ok", "response": {"calls": [{"status": "completed", "duration": 1}]}}
    assert contract.faults(good, schema) == []
    call = good["response"]["calls"][0]
    for name, wrong in (("status", "over"), ("duration", "1"), ("duration", True), ("transcript", None)):
        good["response"]["calls"] = [{**call, name: wrong}]
        assert len(contract.faults(good, schema)) == 1


async def test_the_published_schema_covers_the_operations(api: Api) -> None:
    published = (await api.client.get("/openapi.json")).json()["paths"]
    for method, path in OPERATIONS:
        assert method.lower() in published["/v2" + path.rstrip("/")]
