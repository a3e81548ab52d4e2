"""`POST /v2/calls`, rule by rule."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.resources.api import Api
from tests.resources.calls.rows import LEAD, NUMBER, row


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


async def jobs(api: Api) -> list[dict[str, Any]]:
    async with api.database.system() as session:
        return list(
            await session.scalars(text("SELECT args FROM procrastinate_jobs WHERE task_name = 'place_call'"))
        )


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
    assert (await api.send("GET", "/v2/calls"))["response"]["calls"] == []


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
