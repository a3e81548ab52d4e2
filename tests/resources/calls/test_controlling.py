"""Control of a call that is on: hang up, say, whisper, transfer."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.resources.api import BOX, Api, serve
from tests.resources.calls.holder import Node, held
from tests.resources.calls.rows import row, store
from trunkline.platform.storage.database import Database
from trunkline.resources.workspaces.models import Workspace

VERBS = ("hangup", "say", "whisper", "transfer")
BODIES: dict[str, dict[str, Any]] = {
    "hangup": {},
    "say": {"text": "One moment."},
    "whisper": {"text": "She is a member."},
    "transfer": {"to": "sip:bob@pbx.example.com"},
}
REFERRED = httpx2.Response(200, json={"ok": True, "reason": "", "code": None})


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
async def served(database: Database, workspace: Workspace, node: Node) -> AsyncIterator[Api]:
    async with serve(database, workspace, httpx2.MockTransport(node)) as api:
        yield api


def path(call: str, verb: str) -> str:
    return f"/trunkline/v1/calls/{call}/{verb}"


@pytest.mark.parametrize("verb", ["hangup", "say", "whisper"])
async def test_the_holder_is_told(served: Api, node: Node, verb: str) -> None:
    call = await held(served)
    assert await served.send("POST", path(call, verb), json=BODIES[verb]) == {"status": "ok"}
    (asked,) = node.asked
    assert (asked.method, asked.url.path) == ("POST", f"/calls/{call}/{verb}")
    assert asked.headers["X-Trunkline-Node-Token"] == BOX.node_token
    assert json.loads(asked.content) == BODIES[verb]


@pytest.mark.parametrize("verb", VERBS)
async def test_a_call_that_is_not_on(served: Api, node: Node, verb: str) -> None:
    call = await held(served)
    node.answer = httpx2.Response(404)
    assert "not live" in await served.refused("POST", path(call, verb), json=BODIES[verb])
    node.answer = httpx2.ConnectError("gone")
    await served.refused("POST", path(call, verb), 503, json=BODIES[verb])
    agent = await served.agent()
    over, waiting = await store(served, agent), await store(served, agent, status="pending")
    assert "ended already" in await served.refused("POST", path(over, verb), json=BODIES[verb])
    if verb != "hangup":
        assert "pending" in await served.refused("POST", path(waiting, verb), json=BODIES[verb])


@pytest.mark.parametrize(
    ("status", "becomes"),
    [
        ("pending", "user-canceled"),
        ("queue", "user-canceled"),
        ("registered", "canceled"),
        ("paused", "canceled"),
    ],
)
async def test_a_call_that_waits_is_canceled(served: Api, node: Node, status: str, becomes: str) -> None:
    call = await store(served, await served.agent(), status=status)
    assert await served.send("POST", path(call, "hangup")) == {"status": "ok"}
    assert (await row(served, call)).status == becomes
    assert (await row(served, call)).ended_at is not None
    assert node.asked == []


@pytest.mark.parametrize("verb", VERBS)
async def test_anothers_call_is_unknown(served: Api, stranger: Api, node: Node, verb: str) -> None:
    call = await held(served)
    await stranger.refused("POST", path(call, verb), 404, json=BODIES[verb])
    assert node.asked == []


@pytest.mark.parametrize(
    ("verb", "body", "named"),
    [
        ("say", {}, "text"),
        ("say", {"text": " "}, "text"),
        ("whisper", {"text": "x" * 2001}, "text"),
        ("transfer", {}, "to"),
        ("transfer", {"to": "bob"}, "to"),
        ("transfer", {"to": "sip:bob@pbx.example.com", "timeout": 4}, "timeout"),
        ("transfer", {"to": "sip:bob@pbx.example.com", "timeout": 301}, "timeout"),
    ],
)
async def test_bad_orders_are_named(
    served: Api, node: Node, verb: str, body: dict[str, Any], named: str
) -> None:
    assert named in await served.refused("POST", path(await held(served), verb), json=body)
    assert node.asked == []


@pytest.mark.parametrize(
    ("to", "target"),
    [
        ("sip:bob@pbx.example.com", "sip:bob@pbx.example.com;transport=udp"),
        ("+14155552671", "sip:+14155552671@sip.example.com:5062;transport=tcp"),
    ],
)
async def test_a_transfer_goes_to_an_address(served: Api, node: Node, to: str, target: str) -> None:
    ours = await served.number(termination_uri="sip:sip.example.com:5062;transport=tcp")
    call = await held(served, agent_number=ours)
    node.answer = REFERRED
    answer = await served.send("POST", path(call, "transfer"), json={"to": to})
    assert answer["response"] == {"transferred": True, "code": None, "reason": ""}
    assert json.loads(node.asked[0].content) == {"target": target, "timeout": 30}
    assert node.asked[0].extensions["timeout"]["read"] > 30


async def test_a_transfer_that_failed_tells_why(served: Api, node: Node) -> None:
    call = await held(served)
    node.answer = httpx2.Response(200, json={"ok": False, "reason": "Busy Here", "code": 486})
    answer = await served.send("POST", path(call, "transfer"), json=BODIES["transfer"])
    assert answer["response"] == {"transferred": False, "code": 486, "reason": "Busy Here"}
    node.answer = httpx2.Response(409, json={"error": "A transfer of this call is on already."})
    assert "on already" in await served.refused("POST", path(call, "transfer"), json=BODIES["transfer"])


async def test_a_number_needs_a_trunk(served: Api) -> None:
    call = await held(served)
    assert "trunk" in await served.refused("POST", path(call, "transfer"), json={"to": "+14155552671"})
