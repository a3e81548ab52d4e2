"""Carriers' calls over real WebSockets through a voice host: let in or not, talked, interrupted, keyed, written down."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.host.rig import Caller, Rig, parrot
from tests.resources.calls.conftest import active
from tests.voice.lines.carriers import (
    SPELLINGS,
    PlivoSpelling,
    Spelling,
    Station,
    TelnyxSpelling,
    TwilioSpelling,
)
from trunkline.host import carriers, carriers_http, control
from trunkline.host.carriers import CarrierCalls, Proof
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.models import Call
from trunkline.resources.carriers import tokens
from trunkline.resources.carriers.live import CarrierClaims
from trunkline.resources.workspaces.models import Workspace
from trunkline.resources.workspaces.secrets import store
from trunkline.voice.language.twins import Line as ScriptedReply
from trunkline.voice.lines.framing import Message
from trunkline.voice.lines.twilio import SIGNATURE_HEADER, Twilio, signature
from trunkline.voice.lines.websocket import WebSocketLines

GREETING = "Hello here is reception"
AUTH_TOKEN = "12345"
LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"


class Peer:
    """A carrier with one call on an open WebSocket."""

    def __init__(self, connection: ClientConnection, spelling: Spelling) -> None:
        self.connection = connection
        self.station = Station(spelling)
        self.code: int | None = None
        self._out: asyncio.Queue[str] = asyncio.Queue()
        self._tasks = [asyncio.create_task(work) for work in (self._receive(), self._send())]

    def write(self, pcm: bytes) -> int:
        self.station.say(pcm)
        return len(pcm) // 2

    def read(self) -> bytes:
        frame, messages = self.station.tick()
        for message in messages:
            self._out.put_nowait(message)
        return frame or bytes(320)

    async def stop(self) -> None:
        """The caller hangs up: the carrier says so, where it can, and closes."""
        if stop := self.station.spelling.stop():
            self._out.put_nowait(json.dumps(stop))
            await self._out.join()
        await self.connection.close()

    async def close(self) -> None:
        await self.connection.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _receive(self) -> None:
        with suppress(ConnectionClosed):
            async for message in self.connection:
                self.station.take(message)
        self.code = self.connection.close_code
        self._tasks[1].cancel()

    async def _send(self) -> None:
        with suppress(ConnectionClosed):
            while True:
                await self.connection.send(await self._out.get())
                self._out.task_done()


class Opened:
    """A stream's socket, with the carrier's first words in it."""

    def __init__(self, said: Sequence[dict[str, Any]]) -> None:
        self._said = deque(json.dumps(message) for message in said)
        self.code: int | None = None

    async def receive(self) -> Message:
        return self._said.popleft()

    async def send(self, message: Message) -> None:
        raise AssertionError("nothing is said on a line that is refused")

    async def close(self, code: int, reason: str) -> None:
        self.code = code


@dataclass
class Doors:
    """The rig with its carriers' doors open."""

    rig: Rig
    agent: Agent
    box: SecretBox
    port: int
    calls: CarrierCalls

    def url(self, carrier: str = "twilio", agent: object = None, token: str | None = None) -> str:
        path = f"/trunkline/v1/lines/{carrier}/{agent or self.agent.id}"
        return f"ws://127.0.0.1:{self.port}{path}" + ("" if token is None else f"?token={token}")

    def token(self, carrier: str = "twilio", seconds: float | None = None) -> str:
        return tokens.token(self.box, carrier, self.agent.id, seconds)

    @asynccontextmanager
    async def call(
        self, spelling: Spelling, parameters: dict[str, str] | None = None
    ) -> AsyncIterator[Caller[Peer]]:
        """A call that the carrier brings, with a token in its URL."""
        url = self.url(spelling.name, token=self.token(spelling.name))
        async with connect(url) as connection:
            for message in spelling.begin(parameters or {}):
                await connection.send(json.dumps(message))
            caller = Caller(Peer(connection, spelling))
            self.rig.callers.append(caller)
            yield caller
            self.rig.callers.remove(caller)
            await caller.line.close()

    async def stored(self) -> Call:
        """The only call."""
        async with self.rig.database.system() as session:
            return (await session.scalars(select(Call))).one()

    async def refused(self, url: str, status: int, **headers: str) -> str:
        """What the handshake is answered with, for it must be refused."""
        with pytest.raises(InvalidStatus) as refusal:
            await connect(url, additional_headers=headers)
        assert refusal.value.response.status_code == status
        return refusal.value.response.body.decode()


@pytest.fixture
async def doors(rig: Rig, agent: Agent, box: SecretBox) -> AsyncIterator[Doors]:
    async with rig.database.workspace(agent.workspace_id) as session:
        row = await session.get_one(Agent, agent.id)
        row.settings = {**row.settings, "greeting_message": GREETING}
    rig.speed = 8  # sockets take time of their own
    lines = WebSocketLines(asyncio.get_running_loop())
    rig.beat.clocks.append(lines.tick)
    calls = CarrierCalls(
        rig.holding,
        rig.host.admission,
        CarrierClaims(rig.database, box),
        lines,
        box,
        rig.node.identity.id,
        rig.host.not_ready,
        base="wss://voice.example.com/",
    )
    application = control.app(rig.host, "token-of-this-installation", uuid4(), carriers_http.routes(calls))
    async with control.served(application, "127.0.0.1", 0) as port:
        yield Doors(rig, agent, box, port, calls)


@pytest.mark.parametrize("spelling", SPELLINGS, ids=lambda spelling: str(spelling.name))
async def test_a_call_is_talked_and_written_down(doors: Doors, spelling: type[Spelling]) -> None:
    rig = doors.rig
    parameters = {"from": "+15550177", "to": "+15550100", "plan": "gold", "token": "unused"}
    async with doors.call(spelling(), parameters) as caller:
        await rig.until(lambda: GREETING in caller.heard)
        caller.say("do you open sundays")
        await rig.until(lambda: "You said do you open sundays." in caller.heard)
        await caller.line.stop()
        await rig.until(lambda: not rig.host.live() and not rig.host.admission.count)
    call = await doors.stored()
    assert (call.status, call.end_reason) == ("completed", "human_ended_call")
    assert [line for line in (call.transcript or "").splitlines() if line] == [
        f"bot: {GREETING}",
        "human: do you open sundays",
        "bot: You said do you open sundays.",
    ]
    assert (call.direction, call.deployment_type, call.counted) == ("inbound", None, False)
    expected = ("+13122010094", "+13122123456") if spelling is TelnyxSpelling else ("+15550177", "+15550100")
    assert (call.number_from, call.number_to) == expected
    assert call.variables["plan"] == "gold"
    assert "token" not in call.variables
    headers = {"X-Twilio-CallSid": TwilioSpelling.call} if spelling is TwilioSpelling else None
    assert call.sip_headers == headers
    assert call.recording_key is not None
    assert await active(rig.database, rig.node.identity.id) == 0


@pytest.mark.parametrize("spelling", SPELLINGS, ids=lambda spelling: str(spelling.name))
async def test_an_interruption_clears_and_history_has_what_was_heard(
    doors: Doors, spelling: type[Spelling]
) -> None:
    rig = doors.rig
    rig.llm._rule = lambda messages: (
        ScriptedReply(LONG) if "count" in str(messages[-1]["content"]) else parrot(messages)
    )
    async with doors.call(spelling()) as caller:
        station = caller.line.station
        await rig.until(lambda: GREETING in caller.heard)
        caller.say("count please")
        before = len(station.played)
        await rig.until(lambda: len(station.played) - before > 2 * 16_000)
        caller.say("stop it now")
        await rig.until(lambda: bool(station.cleared))
        stopped = len(station.played)
        await rig.until(lambda: "You said stop it now." in caller.heard)
        played_of_the_long = len(station.played[before:stopped]) // 2
        await caller.line.stop()
        await rig.until(lambda: not rig.host.live() and not rig.host.admission.count)
    transcript = (await doors.stored()).transcript or ""
    (cut,) = [line for line in transcript.splitlines() if line.startswith("bot: one two")]
    words = cut.removeprefix("bot: ").split()
    assert 2 <= len(words) < len(LONG.split())
    assert LONG.startswith(" ".join(words))
    assert sum(station.cleared) > 0
    assert played_of_the_long > 0
    assert "stop it now" in transcript


async def test_keys_reach_the_conversation(doors: Doors) -> None:
    rig = doors.rig
    async with doors.call(TwilioSpelling()) as caller:
        await rig.until(lambda: GREETING in caller.heard)
        caller.line.station.press("42#")
        await rig.until(lambda: bool(rig.llm.asked))
        assert rig.llm.asked[-1][-1]["content"] == "[pressed 4 2 #]"
        await caller.line.stop()
        await rig.until(lambda: not rig.host.live() and not rig.host.admission.count)


async def test_we_hang_up_when_all_was_heard(doors: Doors) -> None:
    rig = doors.rig
    farewell = "Good bye my friend"
    rig.llm._rule = lambda messages: ScriptedReply(farewell, tool="end_call")
    async with doors.call(TwilioSpelling()) as caller:
        await rig.until(lambda: GREETING in caller.heard)
        caller.say("that was all")
        await rig.until(lambda: caller.line.code is not None)
        assert caller.line.code == 1000
        await rig.until(lambda: farewell in caller.heard)
        await rig.until(lambda: not rig.host.live() and not rig.host.admission.count)
    assert (await doors.stored()).end_reason == "agent_ended_call"


async def test_a_token_among_twilios_parameters(doors: Doors) -> None:
    """Twilio takes the query off a URL, and signs; without its auth token here only the parameter tells."""
    rig = doors.rig
    for token, good in ((doors.token(), True), ("", False), (doors.token("telnyx"), False)):
        async with connect(doors.url(), additional_headers={SIGNATURE_HEADER: "x"}) as connection:
            for message in TwilioSpelling().begin({"token": token}):
                await connection.send(json.dumps(message))
            if good:
                await rig.until(lambda: bool(rig.host.live()))
                continue
            with pytest.raises(ConnectionClosed) as closed:
                await connection.recv()
            assert closed.value.rcvd is not None and closed.value.rcvd.code == carriers.FORBIDDEN
        await rig.until(lambda: not rig.host.live() and not rig.host.admission.count)


@pytest.mark.parametrize("base", ["{own}", "wss://voice.example.com"])
async def test_twilios_signature(doors: Doors, base: str) -> None:
    async with doors.rig.database.workspace(doors.agent.workspace_id) as session:
        value = {"account_sid": "AC1", "auth_token": AUTH_TOKEN}
        await store(session, doors.box, doors.agent.workspace_id, "twilio", value)
    url = base.format(own=f"wss://127.0.0.1:{doors.port}") + f"/trunkline/v1/lines/twilio/{doors.agent.id}"
    good = {SIGNATURE_HEADER: signature(AUTH_TOKEN, url)}
    async with connect(doors.url(), additional_headers=good) as connection:
        for message in TwilioSpelling().begin({}):
            await connection.send(json.dumps(message))
        await doors.rig.until(lambda: bool(doors.rig.host.live()))
    await doors.rig.until(lambda: not doors.rig.host.admission.count)
    bad = {SIGNATURE_HEADER: signature("another", url)}
    await doors.refused(doors.url(), 403, **bad)
    await doors.refused(doors.url("telnyx"), 401, **good)


async def test_telnyx_token_in_its_header(doors: Doors) -> None:
    header = {"x-telnyx-streaming-auth-token": doors.token("telnyx")}
    async with connect(doors.url("telnyx"), additional_headers=header) as connection:
        for message in TelnyxSpelling().begin({}):
            await connection.send(json.dumps(message))
        await doors.rig.until(lambda: bool(doors.rig.host.live()))
    await doors.rig.until(lambda: not doors.rig.host.admission.count)


async def test_who_is_refused(doors: Doors) -> None:
    assert "GET /trunkline/v1/lines" in await doors.refused(doors.url(), 401)
    await doors.refused(doors.url(token="wrong"), 403)
    await doors.refused(doors.url(token="9." + "0" * 64), 403)
    await doors.refused(doors.url(token=doors.token("plivo")), 403)
    await doors.refused(doors.url(token=doors.token(seconds=-1)), 403)
    await doors.refused(doors.url(agent=uuid4(), token=doors.token()), 404)
    await doors.refused(doors.url(agent="nobody", token=doors.token()), 404)
    await doors.refused(doors.url("nobody", token=doors.token()), 404)
    async with doors.rig.database.system() as session:
        await session.execute(update(Workspace).values(revoked_permissions=["inbound"]))
    await doors.refused(doors.url(token=doors.token()), 403)


async def test_a_full_host_refuses(doors: Doors) -> None:
    async with doors.call(TwilioSpelling()), doors.call(PlivoSpelling()):
        await doors.rig.until(lambda: len(doors.rig.host.live()) == 2)
        assert "TRUNKLINE_MAX_CALLS" in await doors.refused(doors.url(token=doors.token()), 503)
    await doors.rig.until(lambda: not doors.rig.host.admission.count)


@pytest.mark.parametrize("proof", [Proof.GOOD, Proof.LATER])
async def test_the_last_slots_went_to_others_after_the_door_was_opened(doors: Doors, proof: Proof) -> None:
    wanted = await doors.calls.wanted(str(doors.agent.id))
    assert wanted is not None
    socket = Opened(TwilioSpelling().begin({"token": doors.token()}))
    take = doors.rig.host.admission.take
    with take(), take():
        await doors.calls.serve(Twilio(), wanted, proof, socket)
    assert socket.code == carriers.FULL


@pytest.mark.parametrize("first", ["{", "[]", '{"event": "start"}', '{"event": "start", "start": 3}'])
async def test_a_start_that_makes_no_sense(doors: Doors, first: str) -> None:
    async with connect(doors.url(token=doors.token())) as connection:
        await connection.send(first)
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
    assert closed.value.rcvd is not None and closed.value.rcvd.code == carriers.UNREADABLE
    assert doors.rig.host.admission.count == 0


async def test_a_stream_that_never_starts(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carriers, "START_SECONDS", 0.05)
    async with connect(doors.url(token=doors.token())) as connection:
        await connection.send('{"event": "connected"}')
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
    assert closed.value.rcvd is not None and closed.value.rcvd.code == carriers.UNREADABLE


async def test_outside_business_hours_nobody_answers(doors: Doors) -> None:
    async with doors.rig.database.workspace(doors.agent.workspace_id) as session:
        row = await session.get_one(Agent, doors.agent.id)
        row.settings = {**row.settings, "business_hours": [{"weekday": "none", "interval": []}]}
    async with connect(doors.url(token=doors.token())) as connection:
        for message in TwilioSpelling().begin({}):
            await connection.send(json.dumps(message))
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
    assert closed.value.rcvd is not None and closed.value.rcvd.code == carriers.NOT_FOUND
    assert await active(doors.rig.database, doors.rig.node.identity.id) == 0
