"""Conversations that an agent would begin by SMS or WhatsApp."""

from typing import Any
from uuid import uuid4

import pytest

from tests.resources.api import BOX, Api
from trunkline.resources.workspaces import secrets

TEMPLATE = {"content_sid": "HX" + "0" * 32}
BODY = {"channel": "sms", "to_number": "+14155550100", "from_number": "+14155550101"}


async def test_without_a_provider_it_is_said_what_to_set(api: Api, stranger: Api) -> None:
    async with stranger.database.system() as session:
        await secrets.store(
            session, BOX, stranger.workspace.id, "twilio", {"account_sid": "AC", "auth_token": "t"}
        )
    agent = await api.agent()
    for body in (BODY, {**BODY, "channel": "whatsapp", "template": TEMPLATE}):
        said = await api.refused("POST", "/v2/chat/outbound", json={**body, "agent_id": agent})
        assert "workspace secret twilio" in said


async def test_with_one_nothing_is_faked(api: Api) -> None:
    async with api.database.system() as session:
        await secrets.store(
            session, BOX, api.workspace.id, "twilio", {"account_sid": "AC", "auth_token": "t"}
        )
    said = await api.refused("POST", "/v2/chat/outbound", 503, json={**BODY, "agent_id": await api.agent()})
    assert "not sent" in said


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
