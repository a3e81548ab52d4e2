"""`/v2/calls`, rule by rule."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import select, text

from tests.resources.api import Api
from trunkline.platform.http.totals import Totals
from trunkline.resources.calls.models import Call

NUMBER = "+14155550100"
LEAD = "+14155552671"
NOON = datetime(2026, 4, 22, 12, tzinfo=UTC)


async def place(api: Api, **changes: Any) -> str:
    body = {
        "model_id": changes.pop("model_id", None) or await api.agent(),
        "phone": LEAD,
        "name": "Ann",
        **changes,
    }
    answer = await api.send("POST", "/v2/calls", json=body)
    assert answer == {"status": "ok", "response": {"answer": "ok", "call_id": answer["response"]["call_id"]}}
    return str(answer["response"]["call_id"])


async def row(api: Api, call_id: str) -> Call:
    async with api.database.workspace(api.workspace.id) as session:
        return (await session.execute(select(Call).where(Call.id == UUID(call_id)))).scalar_one()


async def jobs(api: Api) -> list[dict[str, Any]]:
    async with api.database.system() as session:
        return list(
            await session.scalars(text("SELECT args FROM procrastinate_jobs WHERE task_name = 'place_call'"))
        )


async def store(api: Api, agent: str, **columns: Any) -> str:
    """A call as it would be after it was held."""
    call = Call(
        **{
            "workspace_id": api.workspace.id,
            "agent_id": UUID(agent),
            "direction": "outbound",
            "status": "completed",
            "created_at": NOON,
            "other_party": LEAD,
            **columns,
        }
    )
    async with api.database.workspace(api.workspace.id) as session:
        session.add(call)
    return str(call.id)


async def listed(api: Api, **query: Any) -> list[str]:
    body = (await api.send("GET", "/v2/calls", params=query))["response"]
    assert body["pagination"]["total_records"] >= len(body["calls"])
    return [call["call_id"] for call in body["calls"]]


# ---- placing -------------------------------------------------------------------------------------------


async def test_a_call_and_its_job_are_stored_together(api: Api) -> None:
    await api.host()
    await api.number()
    agent = await api.agent(phone_number=NUMBER, agent={"timezone": "America/New_York"})
    call_id = await place(
        api,
        model_id=agent,
        custom_variables=[{"key": "first", "value": "Ann"}, {"key": "second"}],
        prompt="Be short.",
        greeting="Hello {first}",
        external_webhook_url="https://example.com/hook",
        lead_email="ann@example.com",
        from_number="ignored",
        metadata={"ignored": True},
    )
    assert await jobs(api) == [{"call_id": call_id, "workspace_id": str(api.workspace.id)}]
    call = await row(api, call_id)
    assert (call.status, call.direction, call.name) == ("pending", "outbound", "Ann")
    assert (call.number_from, call.number_to, call.other_party) == (NUMBER, LEAD, LEAD)
    assert call.variables == {"first": "Ann", "second": ""}
    assert call.timezone == "America/New_York"
    assert call.overrides == {
        "prompt": "Be short.",
        "greeting": "Hello {first}",
        "external_webhook_url": "https://example.com/hook",
        "lead_email": "ann@example.com",
    }


async def test_variables_as_an_object(api: Api) -> None:
    await api.host()
    call_id = await place(api, custom_variables={"first": "Ann", "n": 3}, name="", lead_timezone="Asia/Tokyo")
    body = await api.send("GET", f"/v2/calls/{call_id}")
    (call,) = body["response"]["calls"]
    assert call["prompt_variables"] == {"first": "Ann", "n": 3}
    assert call["timezone"] == "Asia/Tokyo"


@pytest.mark.parametrize(
    "phone", ["sip:ann@example.com", "sip:127.0.0.1:5080", "sips:ann@[::1]:5061;transport=tls", "+4930123456"]
)
async def test_targets(api: Api, phone: str) -> None:
    await api.host()
    assert (await row(api, await place(api, phone=phone))).number_to == phone


@pytest.mark.parametrize(
    "phone",
    [
        "",
        "14155552671",
        "+1 415",
        "+0415555267",
        "+1234567890123456",
        "tel:+14155552671",
        "sip:",
        "sip:a b@c",
        "sip:a@b\r\nX: y",
        "sip:a@b>",
        "sip:ä@b",
        "sip:" + "a" * 300 + "@b",
    ],
)
async def test_no_targets(api: Api, phone: str) -> None:
    body = {"model_id": await api.agent(), "phone": phone, "name": "Ann"}
    assert "phone: must be a number in E.164" in await api.refused("POST", "/v2/calls", json=body)


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"model_id": str(uuid4())}, "model_id"),
        ({"model_id": "nobody"}, "model_id"),
        ({"from_phone_number": "+14155550999"}, "from_phone_number"),
        ({"custom_variables": ["x"]}, "custom_variables"),
        ({"custom_variables": [{"value": "x"}]}, "custom_variables"),
        ({"custom_variables": "x"}, "custom_variables"),
        ({"lead_timezone": "Mars/Olympus"}, "lead_timezone"),
        ({"external_webhook_url": "nowhere"}, "external_webhook_url"),
    ],
)
async def test_what_is_refused_is_not_dialled(api: Api, changes: dict[str, Any], hint: str) -> None:
    await api.host()
    body = {"model_id": await api.agent(), "phone": LEAD, "name": "Ann", **changes}
    assert hint in await api.refused("POST", "/v2/calls", json=body)
    assert await jobs(api) == []


@pytest.mark.parametrize("missing", ["model_id", "phone", "name"])
async def test_three_members_are_required(api: Api, missing: str) -> None:
    body = {"model_id": "x", "phone": LEAD, "name": "Ann"}
    del body[missing]
    assert f"{missing} is required" in await api.refused("POST", "/v2/calls", json=body)


async def test_the_number_to_call_from_is_the_agents_own(api: Api) -> None:
    await api.host()
    await api.number()
    await api.number("+14155550101")
    agent = await api.agent(phone_number=NUMBER)
    body = {"model_id": agent, "phone": LEAD, "name": "", "from_phone_number": "+14155550101"}
    assert NUMBER in await api.refused("POST", "/v2/calls", json=body)
    await api.send("PUT", f"/v2/assistants/{agent}/phone_numbers", json={"phone_numbers": ["+14155550101"]})
    call_id = (await api.send("POST", "/v2/calls", json=body))["response"]["call_id"]
    assert (await row(api, call_id)).number_from == "+14155550101"


async def test_no_free_slot_is_429_with_whole_seconds(api: Api) -> None:
    agent = await api.agent()
    body = {"model_id": agent, "phone": LEAD, "name": "Ann"}
    for capacity in (None, 0):
        if capacity is not None:
            await api.host(capacity)
        answer = await api.client.post("/v2/calls", json=body)
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.json()["detail"]["category"] == "important"
    assert await jobs(api) == []
    assert await listed(api) == []


async def test_a_foreign_agent_answers_like_an_unknown_one(api: Api, stranger: Api) -> None:
    await api.host()
    foreign, unknown = await api.agent(), str(uuid4())
    texts = [
        (
            await stranger.refused("POST", "/v2/calls", json={"model_id": id_, "phone": LEAD, "name": ""})
        ).replace(id_, "")
        for id_ in (foreign, unknown)
    ]
    assert texts[0] == texts[1]


# ---- listing -------------------------------------------------------------------------------------------


async def test_pages_are_newest_first_with_true_totals(api: Api) -> None:
    agent = await api.agent()
    calls = [await store(api, agent, created_at=NOON + timedelta(minutes=n)) for n in range(5)]
    body = (await api.send("GET", "/v2/calls/", params={"limit": 2, "offset": 1}))["response"]
    assert body["pagination"] == {"total_records": 5, "limit": 2, "offset": 1}
    assert [call["call_id"] for call in body["calls"]] == [calls[3], calls[2]]
    assert await listed(api, offset=5) == []


async def test_each_filter(api: Api) -> None:
    first, second = await api.agent(), await api.agent()
    batch = uuid4()
    a = await store(api, first, duration_s=10, status="completed")
    b = await store(api, first, duration_s=20, status="busy", created_at=NOON + timedelta(days=1))
    c = await store(
        api,
        second,
        duration_s=30,
        other_party="+491701234567",
        batch_call_id=batch,
        created_at=NOON + timedelta(days=2),
    )
    expected: list[tuple[dict[str, Any], list[str]]] = [
        ({}, [c, b, a]),
        ({"model_id": first}, [b, a]),
        ({"call_status": "busy"}, [b]),
        ({"call_status": "never-heard-of"}, []),
        ({"duration_min": 20}, [c, b]),
        ({"duration_max": 20}, [b, a]),
        ({"duration_min": 11, "duration_max": 29}, [b]),
        ({"lead_phone_number": "+491701234567"}, [c]),
        ({"lead_phone_number": "491701234567"}, [c]),
        ({"batch_call_id": str(batch)}, [c]),
        ({"batch_call_id": "nothing"}, []),
        ({"model_id": first, "call_status": "completed", "duration_max": 10}, [a]),
        ({"page": 3, "start_date": "x", "call_status": ""}, [c, b, a]),
    ]
    for query, calls in expected:
        assert await listed(api, **query) == calls, query
    answer = await api.client.get("/v2/calls?lead_phone_number=+491701234567")  # not encoded
    assert [call["call_id"] for call in answer.json()["response"]["calls"]] == [c]


async def test_dates_in_three_forms_and_to_date_is_exclusive(api: Api) -> None:
    agent = await api.agent()
    a = await store(api, agent, created_at=NOON)
    b = await store(api, agent, created_at=NOON + timedelta(days=1))
    noon = int(NOON.timestamp() * 1000)
    expected: list[tuple[dict[str, Any], list[str]]] = [
        ({"from_date": noon}, [b, a]),
        ({"from_date": noon + 1}, [b]),
        ({"to_date": noon}, []),
        ({"to_date": noon + 1}, [a]),
        ({"from_date": "2026-04-22", "to_date": "2026-04-23"}, [a]),
        ({"from_date": "2026-04-23"}, [b]),
        ({"from_date": "2026-04-22T12:00:00Z", "to_date": "2026-04-23T12:00:00"}, [a]),
        ({"from_date": "2026-04-22T14:00:00+02:00"}, [b, a]),
        ({"from_date": "2026-04-22T14:00:01+02:00"}, [b]),
    ]
    for query, calls in expected:
        assert await listed(api, **query) == calls, query
    answer = await api.client.get("/v2/calls?from_date=2026-04-22T14:00:01+02:00")  # plus not encoded
    assert answer.json()["response"]["pagination"]["total_records"] == 1


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ({"limit": 0}, "Limit must be between 1 and 100."),
        ({"limit": 101}, "Limit must be between 1 and 100."),
        ({"offset": -1}, "Offset"),
        ({"from_date": "yesterday"}, "from_date"),
        ({"to_date": "9" * 15}, "to_date"),
        ({"duration_min": -1}, "duration_min"),
        ({"duration_max": 2**40}, "duration_max"),
        ({"duration_max": "long"}, "duration_max"),
        ({"model_id": "00000000-0000-4000-8000-000000000000"}, "model_id"),
        ({"model_id": "nobody"}, "model_id"),
    ],
)
async def test_filters_that_are_wrong(api: Api, query: dict[str, Any], hint: str) -> None:
    assert hint in await api.refused("GET", "/v2/calls", params=query)


async def test_calls_of_a_deleted_agent_stay(api: Api) -> None:
    agent = await api.agent()
    call = await store(api, agent)
    await api.send("DELETE", f"/v2/assistants/{agent}")
    assert await listed(api, model_id=agent) == [call]


async def test_long_totals_are_remembered_for_two_seconds() -> None:
    now, count = 10.0, 1000

    async def counted() -> int:
        return count

    totals = Totals(clock=lambda: now)
    assert await totals.get("a", counted) == 1000
    count = 1001
    assert await totals.get("a", counted) == 1000
    assert await totals.get("b", counted) == 1001
    now += 2.1
    assert await totals.get("a", counted) == 1001
    count = 3
    assert await totals.get("c", counted) == 3
    count = 4
    assert await totals.get("c", counted) == 4  # a short list is counted anew


# ---- the call object -----------------------------------------------------------------------------------

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
    assert await listed(stranger) == []


async def test_no_key_sees_nothing(api: Api) -> None:
    answer = await api.client.get("/v2/calls", headers={"Authorization": "Bearer sk_live_abcdefgh_x"})
    assert answer.status_code == httpx2.codes.UNAUTHORIZED
