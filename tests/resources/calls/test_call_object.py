"""The call object, in the list and by itself."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx2

from tests.resources.api import Api
from tests.resources.calls.rows import LEAD, NOON, NUMBER, store

MEMBERS = {
    "agent_phone_number", "agents_used", "assistant_version", "call_id", "call_status", "campaign_type",
    "collected_variables", "custom_end_call_reason", "deployment_type", "duration", "end_call_reason",
    "error_message", "executed_actions", "judge_results", "labels", "lead_name", "lead_phone_number", "model_id",
    "name", "phone_number_from", "phone_number_to", "prompt_variables", "recording_duration", "recording_url",
    "start_time", "status", "telephony_disconnect_reason", "telephony_duration", "telephony_end",
    "telephony_hangup", "telephony_ringing_duration", "telephony_sip_headers", "telephony_start", "timezone",
    "transcript", "type_of_call",
}  # fmt: skip


async def test_a_call_that_was_held(api: Api) -> None:
    agent = await api.agent()
    call_id = await store(
        api,
        agent,
        name="Ann",
        agent_number=NUMBER,
        number_from=NUMBER,
        number_to=LEAD,
        deployment_type="Telephony",
        started_at=datetime(2026, 4, 22, 12, 0, 1, 868000, tzinfo=UTC),
        answered_at=NOON + timedelta(seconds=5),
        ended_at=NOON + timedelta(seconds=47),
        duration_s=42,
        ringing_ms=3000,
        telephony_ms=45000,
        end_reason="human_ended_call",
        hangup_by="callee",
        disconnect_reason="callee_hangup",
        transcript="\nbot: Hello\nhuman: Hi",
        recording_key="calls/x.wav",
        recording_s=41.6,
        executed_actions={"sms": {"name": "sms", "return_value": '{"sent":true}'}},
        variables={"first": "Ann"},
        sip_headers={"X-Id": "7"},
    )
    (single,) = (await api.send("GET", f"/v2/calls/{call_id}"))["response"]["calls"]
    (item,) = (await api.send("GET", "/v2/calls"))["response"]["calls"]
    assert set(single) == set(item) == MEMBERS
    for call in (single, item):
        assert call.pop("recording_url").startswith(
            f"http://api.test/trunkline/v1/recordings/{call_id}?expires="
        )
    assert (single.pop("error_message"), item.pop("error_message")) == ("", None)
    assert single == item
    assert single["status"] == single["call_status"] == "completed"
    assert single["name"] == single["lead_name"] == "Ann"
    assert single["start_time"] == "1776859201868"
    assert single["telephony_start"] == "2026-04-22T12:00:01"
    assert single["telephony_end"] == "2026-04-22T12:00:47"
    assert (single["duration"], single["recording_duration"]) == (42, "42")
    assert (single["telephony_duration"], single["telephony_ringing_duration"]) == (45000, 3000)
    assert single["agents_used"] == [agent]
    assert json.loads(single["executed_actions"]["sms"]["return_value"]) == {"sent": True}
    assert single["campaign_type"] == "live"


async def test_a_call_without_values(api: Api) -> None:
    call_id = await store(api, await api.agent(), status="pending")
    (single,) = (await api.send("GET", f"/v2/calls/{call_id}"))["response"]["calls"]
    (item,) = (await api.send("GET", "/v2/calls"))["response"]["calls"]
    assert set(item) == MEMBERS
    empty = {name for name, value in item.items() if value is None}
    assert empty == {
        "assistant_version", "custom_end_call_reason", "deployment_type", "duration", "end_call_reason",
        "error_message", "judge_results", "recording_duration", "recording_url", "telephony_disconnect_reason",
        "telephony_duration", "telephony_end", "telephony_hangup", "telephony_ringing_duration",
        "telephony_sip_headers", "telephony_start", "transcript",
    }  # fmt: skip
    left_out = {
        "duration", "end_call_reason", "telephony_disconnect_reason", "telephony_duration", "telephony_hangup",
        "telephony_ringing_duration",
    }  # fmt: skip
    assert set(single) == MEMBERS - left_out
    assert single["transcript"] == single["error_message"] == single["telephony_start"] == ""
    assert single["recording_url"] is single["custom_end_call_reason"] is None
    assert single["executed_actions"] == single["collected_variables"] == {}
    assert single["labels"] == []
    assert single["start_time"] == str(int(NOON.timestamp() * 1000))


async def test_a_condition_of_the_agents_own_is_named(api: Api) -> None:
    call_id = await store(
        api, await api.agent(), end_reason="custom_end_call", end_detail="caller is angry", ended_at=NOON
    )
    (call,) = (await api.send("GET", f"/v2/calls/{call_id}"))["response"]["calls"]
    assert call["end_call_reason"] == "custom_end_call"
    assert call["custom_end_call_reason"] == "caller is angry"
    assert call["duration"] == 0


async def test_the_transcript_by_itself(api: Api) -> None:
    call_id = await store(api, await api.agent(), transcript="\nbot: Hello")
    body = await api.send("GET", f"/v2/calls/{call_id}/transcript")
    assert body == {"status": "ok", "response": {"transcript": "\nbot: Hello"}, "transcript": "\nbot: Hello"}
    schema = (await api.client.get("/openapi.json")).json()
    assert "/v2/calls/{call_id}/transcript" not in schema["paths"]
    assert "/v2/phone_numbers" not in schema["paths"]


async def test_a_foreign_call_answers_like_an_unknown_one(api: Api, stranger: Api) -> None:
    foreign, unknown = await store(api, await api.agent()), str(uuid4())
    for method, rest in (
        ("GET", "/v2/calls/{}"),
        ("GET", "/v2/calls/{}/transcript"),
        ("GET", "/trunkline/v1/calls/{}/events"),
        ("GET", "/trunkline/v1/calls/{}/ledger"),
        ("POST", "/trunkline/v1/calls/{}/hangup"),
    ):
        texts = [
            (await stranger.refused(method, rest.format(id_), 404)).replace(id_, "")
            for id_ in (foreign, unknown, "x")
        ]
        assert texts[0] == texts[1]
    assert (await stranger.send("GET", "/v2/calls"))["response"]["calls"] == []


async def test_no_key_sees_nothing(api: Api) -> None:
    answer = await api.client.get("/v2/calls", headers={"Authorization": "Bearer sk_live_abcdefgh_x"})
    assert answer.status_code == httpx2.codes.UNAUTHORIZED
