"""Control of live calls over HTTP: who may, what is accepted, what is streamed."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from trunkline.errors import Conflict
from trunkline.host.control import Live, app
from trunkline.platform.storage.secrets import NODE_TOKEN_HEADER
from trunkline.voice.conversation.events import HangUp, Kind, Note, Say, Whisper
from trunkline.voice.lines.line import Referred

TOKEN = "token-of-this-installation"
NODE = uuid4()
NOTES = [Note(0, Kind.STARTED), Note(1240, Kind.CALLER_SAID, {"text": "Hello"})]


@dataclass
class StubCall:
    id: UUID
    fed: list[HangUp | Say | Whisper] = field(default_factory=list)
    sent: list[tuple[str, float]] = field(default_factory=list)
    outcome: Referred | None = None

    def describe(self) -> dict[str, Any]:
        return {"id": str(self.id)}

    def control(self, event: HangUp | Say | Whisper) -> None:
        self.fed.append(event)

    async def transfer(self, target: str, seconds: float) -> Referred:
        self.sent.append((target, seconds))
        if self.outcome is None:
            raise Conflict("a transfer is on")
        return self.outcome

    async def watch(self) -> AsyncIterator[Note]:
        for note in NOTES:
            yield note


@dataclass
class StubBoard:
    call: StubCall
    reason: str | None = None
    ringing: UUID | None = None

    def find(self, call_id: UUID) -> Live | None:
        return self.call if call_id == self.call.id else None

    def cancel(self, call_id: UUID) -> bool:
        return call_id == self.ringing

    def live(self) -> list[Live]:
        return [self.call]

    def not_ready(self) -> str | None:
        return self.reason


@pytest.fixture
def board() -> StubBoard:
    return StubBoard(StubCall(uuid4()))


@pytest.fixture
async def client(board: StubBoard) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app(board, TOKEN, NODE))
    headers = {NODE_TOKEN_HEADER: TOKEN}
    async with httpx2.AsyncClient(transport=transport, base_url="http://host", headers=headers) as client:
        yield client


async def test_health_and_metrics_need_no_token(client: httpx2.AsyncClient, board: StubBoard) -> None:
    del client.headers[NODE_TOKEN_HEADER]
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.get("/readyz")).status_code == 200
    board.reason = "the models are being loaded"
    unready = await client.get("/readyz")
    assert unready.status_code == 503
    assert unready.json()["reason"] == "the models are being loaded"
    assert "trunkline_calls_active" in (await client.get("/metrics")).text


async def test_a_node_answers_for_itself_only(client: httpx2.AsyncClient) -> None:
    del client.headers[NODE_TOKEN_HEADER]
    assert (await client.get(f"/nodes/{NODE}")).status_code == 204
    assert (await client.get(f"/nodes/{uuid4()}")).status_code == 404


@pytest.mark.parametrize("token", [None, "", "wrong", "ünicode"])
async def test_calls_are_closed_to_strangers(
    client: httpx2.AsyncClient, board: StubBoard, token: str | None
) -> None:
    del client.headers[NODE_TOKEN_HEADER]
    headers = {} if token is None else {NODE_TOKEN_HEADER.encode(): token.encode()}
    call = f"/calls/{board.call.id}"
    assert (await client.get("/calls", headers=headers)).status_code == 401
    assert (await client.get(f"{call}/events", headers=headers)).status_code == 401
    assert (await client.post(f"{call}/hangup", headers=headers)).status_code == 401
    assert board.call.fed == []


async def test_live_calls_are_listed(client: httpx2.AsyncClient, board: StubBoard) -> None:
    assert (await client.get("/calls")).json() == {"calls": [{"id": str(board.call.id)}]}


async def test_hang_up_and_say_reach_the_conversation(client: httpx2.AsyncClient, board: StubBoard) -> None:
    call = f"/calls/{board.call.id}"
    assert (await client.post(f"{call}/say", json={"text": "One moment."})).status_code == 202
    assert (await client.post(f"{call}/hangup")).status_code == 202
    assert (await client.post(f"{call}/hangup", json={"reason": "idle"})).status_code == 202
    assert board.call.fed == [Say("One moment."), HangUp("user_canceled"), HangUp("idle")]


async def test_a_whisper_reaches_the_conversation(client: httpx2.AsyncClient, board: StubBoard) -> None:
    path = f"/calls/{board.call.id}/whisper"
    assert (await client.post(path, json={"text": "She is a member."})).status_code == 202
    assert (await client.post(path, json={"text": " "})).status_code == 422
    assert board.call.fed == [Whisper("She is a member.")]


async def test_a_transfer_tells_its_outcome(client: httpx2.AsyncClient, board: StubBoard) -> None:
    path = f"/calls/{board.call.id}/transfer"
    order = {"target": "sip:bob@127.0.0.1", "timeout": 30}
    assert (await client.post(path, json=order)).status_code == 409
    board.call.outcome = Referred(False, "Busy Here", 486)
    answer = await client.post(path, json=order)
    assert answer.json() == {"ok": False, "reason": "Busy Here", "code": 486}
    assert board.call.sent == 2 * [("sip:bob@127.0.0.1", 30.0)]
    assert (await client.post(path, json={"target": "sip:bob@127.0.0.1"})).status_code == 422
    assert (await client.post(f"/calls/{uuid4()}/transfer", json=order)).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b"[]", 422),
        (b"\xff", 422),
        (b'{"text": ""}', 422),
        (b'{"text": 3}', 422),
        (b'{"text": "' + b"x" * 2001 + b'"}', 422),
        (b'{"text": "' + b"x" * 20000 + b'"}', 413),
    ],
)
async def test_bad_bodies_are_named(
    client: httpx2.AsyncClient, board: StubBoard, body: bytes, status: int
) -> None:
    answer = await client.post(f"/calls/{board.call.id}/say", content=body)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert board.call.fed == []


async def test_a_call_that_still_rings_is_canceled(client: httpx2.AsyncClient, board: StubBoard) -> None:
    board.ringing = uuid4()
    assert (await client.post(f"/calls/{board.ringing}/hangup")).status_code == 202
    assert board.call.fed == []


async def test_a_call_that_is_not_here_is_not_found(client: httpx2.AsyncClient) -> None:
    call = f"/calls/{uuid4()}"
    answers = [await client.post(f"{call}/hangup"), await client.get(f"{call}/events")]
    assert [answer.status_code for answer in answers] == [404, 404]


async def test_events_are_streamed_as_data_lines(client: httpx2.AsyncClient, board: StubBoard) -> None:
    answer = await client.get(f"/calls/{board.call.id}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
    assert [json.loads(line) for line in lines] == [
        {"at_ms": 0, "kind": "started", "data": {}},
        {"at_ms": 1240, "kind": "caller_said", "data": {"text": "Hello"}},
    ]
