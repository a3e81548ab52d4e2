"""Calls over real WebSockets through a voice host: announced, opened either way, talked, written down."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import select, update
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.host.rig import Caller, Rig
from tests.resources.calls.conftest import active, outbound, stored
from trunkline.host import control, media_http
from trunkline.host.media import MediaCalls
from trunkline.platform.storage.secrets import NODE_TOKEN_HEADER, SecretBox
from trunkline.resources.agent_versions.models import AgentVersion
from trunkline.resources.agent_versions.snapshots import content_of
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.models import Call
from trunkline.resources.media_calls.live import MediaClaims
from trunkline.voice.lines.codecs import CodecName, codec
from trunkline.voice.lines.framing import Framing, FramingName, PayloadFraming, RtpFraming, Sound
from trunkline.voice.lines.websocket import WebSocketLines

TOKEN = "token-of-this-installation"
GREETING = "Hello here is reception"


class Peer:
    """A WebSocket client that speaks a codec; a frame goes out and one comes in with each tick."""

    def __init__(self, connection: ClientConnection, name: CodecName, framing: FramingName) -> None:
        self.connection = connection
        self.codec = codec(name)
        self.framing: Framing = (
            PayloadFraming()
            if framing is FramingName.PAYLOAD
            else RtpFraming(self.codec.payload_type, self.codec.clock)
        )
        self._frame = self.codec.rate // 50 * 2
        self._arrived = bytearray()
        self._playing = False
        self._says = bytearray()
        self._out: asyncio.Queue[bytes] = asyncio.Queue()
        self._tasks = [asyncio.create_task(work) for work in (self._receive(), self._send())]

    def write(self, pcm: bytes) -> int:
        self._says += pcm
        return len(pcm) // 2

    def read(self) -> bytes:
        frame = bytes(self._says[: self._frame]).ljust(self._frame, b"\0")
        del self._says[: self._frame]
        self._out.put_nowait(frame)
        return self._played()

    def _played(self) -> bytes:
        """A buffer of 200 ms before the first frame: the tests' ticks are far quicker than time."""
        self._playing = len(self._arrived) >= (1 if self._playing else 10) * self._frame
        if not self._playing:
            return bytes(self._frame)
        frame = bytes(self._arrived[: self._frame])
        del self._arrived[: self._frame]
        return frame

    async def close(self) -> None:
        await self.connection.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _receive(self) -> None:
        async for message in self.connection:
            heard = self.framing.read(message)
            if isinstance(heard, Sound):
                self._arrived += self.codec.decode(heard.payload)
        self._tasks[1].cancel()

    async def _send(self) -> None:
        with suppress(ConnectionClosed):
            while True:
                await self.connection.send(self.framing.sound(self.codec.encode(await self._out.get())))


@dataclass
class Doors:
    """The rig with its media doors open."""

    rig: Rig
    agent: Agent
    media: MediaCalls
    base: str
    control: httpx2.AsyncClient

    async def announced(
        self,
        name: CodecName = CodecName.PCMU,
        framing: FramingName = FramingName.RTP,
        version: str | None = None,
    ) -> tuple[UUID, str]:
        """A call as the API begins it, and its sid."""
        host = str(self.rig.node.identity.id)
        call_id = await outbound(
            self.rig.database, self.agent, "+15550177", status="ringing", agent_version=version
        )
        async with self.rig.database.system() as session:
            await session.execute(update(Call).where(Call.id == call_id).values(host_id=host))
        sid = f"sid-{call_id}"
        order = {"call_id": str(call_id), "sid": sid, "codec": name.value, "framing": framing.value}
        answer = await self.control.post("/media-calls", json=order)
        assert answer.status_code == 202, answer.text
        return call_id, sid

    @asynccontextmanager
    async def caller(
        self, connection: ClientConnection, name: CodecName, framing: FramingName
    ) -> AsyncIterator[Caller[Peer]]:
        peer = Peer(connection, name, framing)
        caller = Caller(peer, peer.codec.rate)
        self.rig.callers.append(caller)
        yield caller
        self.rig.callers.remove(caller)
        await peer.close()


@pytest.fixture
async def doors(rig: Rig, agent: Agent) -> AsyncIterator[Doors]:
    async with rig.database.workspace(agent.workspace_id) as session:
        row = await session.get_one(Agent, agent.id)
        row.settings = {**row.settings, "greeting_message": GREETING}
    rig.speed = 8  # sockets take time of their own
    lines = WebSocketLines(asyncio.get_running_loop())
    rig.beat.clocks.append(lines.tick)
    media = MediaCalls(
        rig.holding,
        rig.host.admission,
        MediaClaims(rig.database, SecretBox("a key of sixteen or more")),
        lines,
        rig.node.identity.id,
        join_seconds=2.0,
    )
    rig.host._media = media
    application = control.app(rig.host, TOKEN, uuid4(), media_http.routes(media))
    async with (
        control.served(application, "127.0.0.1", 0) as port,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={NODE_TOKEN_HEADER: TOKEN}) as client,
    ):
        yield Doors(rig, agent, media, f"ws://127.0.0.1:{port}/media", client)


async def _talks(doors: Doors, caller: Caller[Peer], call_id: UUID) -> None:
    """Greeting, a turn both ways, and the record."""
    rig = doors.rig
    await rig.until(lambda: GREETING in caller.heard)
    caller.say("do you open sundays")
    await rig.until(lambda: "You said do you open sundays." in caller.heard)
    await caller.line.close()
    await rig.until(lambda: not rig.host.live())
    call = await stored(rig.database, call_id)
    assert (call.status, call.end_reason) == ("completed", "human_ended_call")
    assert [line for line in (call.transcript or "").splitlines() if line] == [
        f"bot: {GREETING}",
        "human: do you open sundays",
        "bot: You said do you open sundays.",
    ]
    assert call.recording_key is not None
    assert await active(rig.database, rig.node.identity.id) == 0


@pytest.mark.parametrize(
    ("name", "framing"),
    [
        (CodecName.PCMU, FramingName.RTP),
        (CodecName.PCMA, FramingName.PAYLOAD),
        (CodecName.L16, FramingName.RTP),
        (CodecName.OPUS, FramingName.RTP),
    ],
)
async def test_its_own_url_is_opened(doors: Doors, name: CodecName, framing: FramingName) -> None:
    call_id, sid = await doors.announced(name, framing)
    async with (
        connect(f"{doors.base}/{sid}") as connection,
        doors.caller(connection, name, framing) as caller,
    ):
        await _talks(doors, caller, call_id)


async def test_a_connection_is_bound(doors: Doors) -> None:
    async with connect(doors.base) as connection:
        info = json.loads(await connection.recv())
        assert info == {"type": "server_info", "server-name": str(doors.rig.node.identity.id)}
        call_id, sid = await doors.announced(CodecName.PCMU, FramingName.PAYLOAD)
        await connection.send(json.dumps({"type": "bind", "sid": sid}))
        async with doors.caller(connection, CodecName.PCMU, FramingName.PAYLOAD) as caller:
            await _talks(doors, caller, call_id)


async def test_we_hang_up(doors: Doors) -> None:
    call_id, sid = await doors.announced()
    async with connect(f"{doors.base}/{sid}") as connection:
        await doors.rig.until(lambda: doors.rig.host.find(call_id) is not None)
        answer = await doors.control.post(f"/calls/{call_id}/hangup")
        assert answer.status_code == 202
        await doors.rig.until(lambda: not doors.rig.host.live())
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await connection.recv()
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1000
    assert (await stored(doors.rig.database, call_id)).status == "user-canceled"


async def test_a_call_that_nobody_opens_ends(doors: Doors) -> None:
    doors.media._join_seconds = 0.05
    call_id, sid = await doors.announced()
    await doors.rig.until(lambda: not doors.media.knows(sid))
    call = await stored(doors.rig.database, call_id)
    assert call.status == "no-answer"
    assert "wsMediaUrl" in (call.error_message or "")
    assert await active(doors.rig.database, doors.rig.node.identity.id) == 0


@pytest.mark.parametrize("sid", ["unknown", "used"])
async def test_a_sid_opens_one_socket(doors: Doors, sid: str) -> None:
    call_id, used = await doors.announced()
    async with connect(f"{doors.base}/{used}"):
        await doors.rig.until(lambda: doors.rig.host.find(call_id) is not None)
        wanted = used if sid == "used" else sid
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{doors.base}/{wanted}")
        assert refused.value.response.status_code == 404
        async with connect(doors.base) as connection:
            await connection.recv()
            await connection.send(json.dumps({"type": "bind", "sid": wanted}))
            with pytest.raises(ConnectionClosed) as closed:
                await connection.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 4404
        assert doors.rig.host.find(call_id) is not None
    await doors.rig.until(lambda: not doors.rig.host.live())


@pytest.mark.parametrize("first", ["{", "[]", '{"type": "hello"}', '{"type": "bind"}', b"\x80\x00"])
async def test_the_first_message_is_a_bind(doors: Doors, first: str | bytes) -> None:
    async with connect(doors.base) as connection:
        await connection.recv()
        await connection.send(first)
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 4400


async def test_only_this_installation_announces(doors: Doors) -> None:
    order = {"call_id": str(uuid4()), "sid": "s", "codec": "pcmu", "framing": "rtp"}
    wrong = await doors.control.post("/media-calls", json=order, headers={NODE_TOKEN_HEADER: "wrong"})
    assert wrong.status_code == 401
    for broken in ({}, {**order, "codec": "mp3"}, {**order, "call_id": "x"}, {**order, "call_id": 3}):
        assert (await doors.control.post("/media-calls", json=broken)).status_code == 422
    assert not doors.media.knows("s")


async def test_a_full_host_takes_none(doors: Doors) -> None:
    calls = [await doors.announced() for _ in range(2)]
    await doors.rig.until(lambda: doors.rig.host.admission.no_room is not None)
    order = {"call_id": str(uuid4()), "sid": "s", "codec": "pcmu", "framing": "rtp"}
    assert (await doors.control.post("/media-calls", json=order)).status_code == 503
    doors.media.stop_waiting()
    await doors.rig.until(lambda: not any(doors.media.knows(sid) for _, sid in calls))
    for call_id, _ in calls:
        assert (await stored(doors.rig.database, call_id)).status == "no-answer"


async def test_the_version_that_was_asked_for_talks(doors: Doors) -> None:
    former = "I am of the past"
    async with doors.rig.database.workspace(doors.agent.workspace_id) as session:
        agent = await session.get_one(Agent, doors.agent.id)
        content = {**content_of(agent, []), "settings": {**agent.settings, "greeting_message": former}}
        session.add(AgentVersion(workspace_id=agent.workspace_id, agent_id=agent.id, n=7, content=content))
    _, sid = await doors.announced(version="7")
    name, framing = CodecName.PCMU, FramingName.RTP
    async with (
        connect(f"{doors.base}/{sid}") as connection,
        doors.caller(connection, name, framing) as caller,
    ):
        await doors.rig.until(lambda: former in caller.heard)
    await doors.rig.until(lambda: not doors.rig.host.live())
    async with doors.rig.database.system() as session:
        kept = (await session.scalars(select(Agent))).one()
    assert kept.settings["greeting_message"] == GREETING
