"""Conversations that an agent would begin by SMS or WhatsApp."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from tests.resources.api import BOX, Api
from tests.resources.contract import contract
from tests.resources.messages.account import OURS, THEIRS, Account, account, connect, write
from trunkline.resources.vendors import Addresses
from trunkline.resources.workspaces import secrets

TEMPLATE = {"content_sid": "HX" + "0" * 32}
BODY = {"channel": "sms", "to_number": THEIRS, "from_number": OURS}


async def test_without_a_provider_it_is_said_what_to_set(api: Api, stranger: Api) -> None:
    async with stranger.database.system() as session:
        await secrets.store(
            session, BOX, stranger.workspace.id, "twilio", {"account_sid": "AC", "auth_token": "t"}
        )
    agent = await api.agent()
    for body in (BODY, {**BODY, "channel": "whatsapp", "template": TEMPLATE}):
        said = await api.refused("POST", "/v2/chat/outbound", json={**body, "agent_id": agent})
        assert "workspace secret twilio" in said


@pytest.fixture
async def twilio(api: Api) -> AsyncIterator[Account]:
    await connect(api)
    async with account() as made:
        api.app.state.addresses = Addresses(twilio=made.address)
        yield made


async def begin(api: Api, **changes: Any) -> dict[str, Any]:
    """The chat that was begun."""
    body = {**BODY, "agent_id": changes.pop("agent", None) or await api.agent(), **changes}
    made = await api.send("POST", "/v2/chat/outbound", json=body)
    assert contract.faults(made, contract.answer_schema("POST", "/chat/outbound", 200)) == []
    found = await api.send("GET", f"/v2/chat/{made['response']['conversation_id']}")
    return dict(found["response"])


def said(chat: dict[str, Any]) -> list[str]:
    return [each["message"] for each in chat["conversation_history"]]


async def test_a_conversation_begins_with_a_message_that_is_really_sent(api: Api, twilio: Account) -> None:
    chat = await begin(api, initial_message="Hi {name}, it is ready", custom_variables={"name": "Ann"})
    assert twilio.sent == [{"To": THEIRS, "From": OURS, "Body": "Hi Ann, it is ready"}]
    assert said(chat) == ["Hi Ann, it is ready"]
    assert chat["chat_status"] == "ongoing"
    (log,) = (await api.send("GET", "/v2/logs"))["response"]["items"]
    assert log["status"] == "success"
    assert log["webhook_url"].startswith(twilio.address)


async def test_whatsapp_begins_with_a_template(api: Api, twilio: Account) -> None:
    template = {**TEMPLATE, "variables": {"1": "Ann", "2": 7}}
    chat = await begin(api, channel="whatsapp", template=template)
    (sent,) = twilio.sent
    assert sent == {
        "To": f"whatsapp:{THEIRS}",
        "From": f"whatsapp:{OURS}",
        "ContentSid": TEMPLATE["content_sid"],
        "ContentVariables": '{"1": "Ann", "2": "7"}',
    }
    assert TEMPLATE["content_sid"] in said(chat)[0]


async def test_within_a_day_of_their_last_message_whatsapp_needs_no_template(
    api: Api, twilio: Account
) -> None:
    await write(api, "Hello?", sender=f"whatsapp:{THEIRS}", recipient=f"whatsapp:{OURS}")
    await begin(api, channel="whatsapp", initial_message="Good day")
    assert twilio.sent[0]["Body"] == "Good day"


async def test_without_words_the_agents_greeting_is_sent(api: Api, twilio: Account) -> None:
    agent = await api.agent(
        agent={
            "prompt": "Help.",
            "greeting_message": "Hello from us",
            "greeting_message_mode": "agent_static",
        }
    )
    chat = await begin(api, agent=agent)
    assert twilio.sent[0]["Body"] == said(chat)[0]


async def test_a_message_that_is_refused_begins_no_chat(api: Api, twilio: Account) -> None:
    twilio.refusal = (400, 21211, "Invalid 'To' Phone Number")
    body = {**BODY, "agent_id": await api.agent(), "initial_message": "Hi"}
    told = await api.refused("POST", "/v2/chat/outbound", json=body)
    assert "not a valid one" in told
    assert (await api.send("GET", "/v2/chat"))["response"]["chats"] == []
    (log,) = (await api.send("GET", "/v2/logs"))["response"]["items"]
    assert log["status"] == "failed"


async def test_a_message_whose_end_nobody_knows_is_told_apart(api: Api, twilio: Account) -> None:
    twilio.breaks = True
    body = {**BODY, "agent_id": await api.agent(), "initial_message": "Hi"}
    assert "not known" in await api.refused("POST", "/v2/chat/outbound", 503, json=body)
    assert len((await api.send("GET", "/v2/chat"))["response"]["chats"]) == 1  # an answer has its place


async def test_the_same_request_under_one_key_is_sent_once(api: Api, twilio: Account) -> None:
    body = {**BODY, "agent_id": await api.agent(), "initial_message": "Hi"}
    headers = {"Idempotency-Key": "k1"}
    first, again = [await api.send("POST", "/v2/chat/outbound", json=body, headers=headers) for _ in range(2)]
    assert first == again
    assert len(twilio.sent) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"agent_id": None}, "agent_id"),
        ({"agent_id": str(uuid4())}, "agent_id"),
        ({"channel": None}, "channel"),
        ({"channel": "telegram"}, "channel"),
        ({"to_number": "0664"}, "to_number"),
        ({"to_number": None}, "to_number"),
        ({"from_number": "nobody"}, "from_number"),
        ({"channel": "whatsapp"}, "template"),
        ({"template": {}}, "content_sid"),
        ({"template": {"content_sid": "7"}}, "content_sid"),
        ({"custom_variables": [1]}, "custom_variables"),
    ],
)
async def test_what_is_wrong_with_the_request_is_said_first(
    api: Api, changes: dict[str, Any], field: str
) -> None:
    body = {**BODY, "agent_id": await api.agent(), **changes}
    assert field in await api.refused("POST", "/v2/chat/outbound", json=body)


async def test_a_foreign_agent_is_like_an_unknown_one(api: Api, stranger: Api) -> None:
    body = {**BODY, "agent_id": await stranger.agent()}
    assert "there is no agent" in await api.refused("POST", "/v2/chat/outbound", json=body)
