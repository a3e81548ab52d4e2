"""Test calls over WebSockets: begun, refused, told in the contract's own shapes."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import select

from tests.resources.api import BOX, Api, serve
from tests.resources.calls.conftest import stored
from tests.resources.calls.holder import Node
from tests.resources.contract import contract
from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.models import Node as NodeRow
from trunkline.resources.calls.models import Call
from trunkline.resources.workspaces.models import Workspace
from trunkline.voice import opus

PATH = "/v2/calls/outbound-test-ws-media"
BASE = f"{PATH}/base-url"
PARTIES = {"fromPhoneNumber": "+14155550100", "toPhoneNumber": "+14155550199"}


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
async def served(database: Database, workspace: Workspace, node: Node) -> AsyncIterator[Api]:
    async with serve(database, workspace, httpx2.MockTransport(node)) as api:
        await api.host()
        yield api


async def slots(api: Api) -> int:
    async with api.database.system() as session:
        await system.heartbeat(session, "host-1")
        return (await session.get_one(NodeRow, "host-1")).active


async def test_a_call_with_a_url_of_its_own(served: Api, node: Node) -> None:
    agent = await served.agent()
    told = await served.send("POST", PATH, json={"modelId": agent, **PARTIES, "leadName": "Ann"})
    assert contract.faults(told, contract.answer_schema("POST", PATH.removeprefix("/v2"), 200)) == []
    (asked,) = node.asked
    order = json.loads(asked.content)
    assert (str(asked.url), asked.headers["X-Trunkline-Node-Token"]) == (
        "http://127.0.0.1:1/media-calls",
        BOX.node_token,
    )
    assert (order["call_id"], order["codec"], order["framing"]) == (told["callId"], "opus", "rtp")
    assert told["sid"] == ""
    assert told["wsMediaUrl"] == f"ws://127.0.0.1:1/media/{order['sid']}"
    assert len(order["sid"]) >= 32
    assert await slots(served) == 1
    shown = (await served.send("GET", f"/v2/calls/{told['callId']}"))["response"]["calls"][0]
    assert (shown["call_status"], shown["name"], shown["lead_phone_number"]) == (
        "ringing",
        "Ann",
        "+14155550199",
    )
    assert shown["type_of_call"] == "outbound"
    listed = (await served.send("GET", "/v2/calls"))["response"]["calls"][0]
    assert listed["deployment_type"] is None


async def test_a_call_for_a_connection_that_is_open(served: Api, node: Node) -> None:
    base = await served.send("GET", BASE)
    assert contract.faults(base, contract.answer_schema("GET", BASE.removeprefix("/v2"), 200)) == []
    assert base == {"wsMediaBaseUrl": "ws://127.0.0.1:1/media"}
    agent = await served.agent()
    body = {
        "modelId": agent,
        **PARTIES,
        "wsMediaServerName": "host-1",
        "wsMediaCodec": "l16",
        "wsMediaFraming": "payload",
    }
    told = await served.send("POST", PATH, json=body)
    order = json.loads(node.asked[0].content)
    assert (told["sid"], told["wsMediaUrl"]) == (order["sid"], base["wsMediaBaseUrl"])
    assert (order["codec"], order["framing"]) == ("l16", "payload")


@pytest.mark.parametrize(
    "answer", [httpx2.ConnectError("gone"), httpx2.Response(503, json={"error": "full"})]
)
async def test_a_host_that_does_not_take_it(served: Api, node: Node, answer: Any) -> None:
    node.answer = answer
    told = await served.send("POST", PATH, 502, json={"modelId": await served.agent(), **PARTIES})
    assert contract.faults(told, contract.answer_schema("POST", PATH.removeprefix("/v2"), 502)) == []
    assert set(told) == {"callId", "error"}
    call = await stored(served.database, UUID(told["callId"]))
    assert (call.status, call.error_message) == ("failed", told["error"])
    assert await slots(served) == 0


async def test_no_host_is_free(api: Api) -> None:
    agent = await api.agent()
    assert "media host" in await api.refused("POST", PATH, 503, json={"modelId": agent, **PARTIES})
    assert "media host" in await api.refused("GET", BASE, 503)
    await api.host(capacity=1)
    async with api.database.system() as session:
        assert await system.take_slot(session, "host-1")
    named = {"modelId": agent, **PARTIES, "wsMediaServerName": "host-1"}
    await api.refused("POST", PATH, 503, json=named)
    async with api.database.system() as session:
        assert (await session.scalars(select(Call))).all() == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"modelId": "unknown"}, "modelId"),
        ({"modelId": None}, "modelId"),
        ({"fromPhoneNumber": None}, "fromPhoneNumber"),
        ({"toPhoneNumber": "x"}, "toPhoneNumber"),
        ({"agentVersion": "99"}, "agentVersion"),
        ({"agentVersion": "x"}, "agentVersion"),
        ({"wsMediaCodec": "mp3"}, "wsMediaCodec"),
        ({"wsMediaFraming": "ogg"}, "wsMediaFraming"),
        ({"wsMediaServerName": "nobody"}, "wsMediaServerName"),
    ],
)
async def test_bad_orders_are_named(served: Api, node: Node, change: dict[str, Any], named: str) -> None:
    body = {"modelId": await served.agent(), **PARTIES, **change}
    assert named in await served.refused("POST", PATH, json=body)
    assert node.asked == []
    assert await slots(served) == 0


async def test_anothers_agent_is_unknown(served: Api, stranger: Api) -> None:
    assert "modelId" in await stranger.refused(
        "POST", PATH, json={"modelId": await served.agent(), **PARTIES}
    )


@pytest.mark.parametrize(("wanted", "kept"), [(None, "2"), ("draft", "2"), ("1", "1")])
async def test_the_version_is_pinned(served: Api, wanted: str | None, kept: str) -> None:
    agent = await served.agent()
    await served.send("PUT", f"/v2/assistants/{agent}", json={"name": "B"})
    told = await served.send("POST", PATH, json={"modelId": agent, **PARTIES, "agentVersion": wanted})
    assert (await stored(served.database, UUID(told["callId"]))).agent_version == kept


async def test_it_counts_among_the_workspaces_calls(served: Api) -> None:
    await served.send("PUT", "/trunkline/v1/workspace/limits", json={"concurrency": 1})
    agent = await served.agent()
    await served.send("POST", PATH, json={"modelId": agent, **PARTIES})
    assert "concurrent" in await served.refused("POST", PATH, 429, json={"modelId": agent, **PARTIES})
    assert await slots(served) == 1


async def test_a_machine_without_opus(served: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opus, "available", lambda: False)
    body = {"modelId": await served.agent(), **PARTIES}
    assert "wsMediaCodec" in await served.refused("POST", PATH, json=body)
    await served.send("POST", PATH, json={**body, "wsMediaCodec": "pcmu"})
