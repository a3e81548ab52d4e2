"""The WebSocket line against the contract, over a socket in memory; what a real one adds is tested with the host."""

import asyncio
import random
from collections.abc import AsyncIterator

import numpy as np
import pytest

from tests.voice.lines.contract import FRAME, TONE, Far, LineContract, events_until, loud
from trunkline.voice import g711
from trunkline.voice.conversation.events import ClosedBy, LineClosed
from trunkline.voice.lines.codecs import CodecName, codec
from trunkline.voice.lines.framing import Key, Message, PayloadFraming, RtpFraming, Sound
from trunkline.voice.lines.line import Line
from trunkline.voice.lines.websocket import REFUSED, SocketClosed, WebSocketLine, WebSocketLines


class MemorySocket:
    """One end of a connection; messages are there at once."""

    def __init__(self) -> None:
        self.other: MemorySocket
        self.inbox: asyncio.Queue[Message | SocketClosed] = asyncio.Queue()
        self.stalled = asyncio.Event()
        self.stalled.set()
        self.closed = False

    async def receive(self) -> Message:
        got = await self.inbox.get()
        if isinstance(got, SocketClosed):
            raise got
        return got

    async def send(self, message: Message) -> None:
        await self.stalled.wait()
        self.other.inbox.put_nowait(message)

    async def close(self, code: int, reason: str) -> None:
        if not self.closed:
            self.closed = self.other.closed = True
            for end in (self, self.other):
                end.inbox.put_nowait(SocketClosed(code))


def pair() -> tuple[MemorySocket, MemorySocket]:
    ours, theirs = MemorySocket(), MemorySocket()
    ours.other, theirs.other = theirs, ours
    return ours, theirs


class FarEnd:
    """The other party, speaking mu-law in RTP."""

    def __init__(self, socket: MemorySocket) -> None:
        self.socket = socket
        self.framing = RtpFraming(0, 8000)
        self.sound = b""
        self.keys = ""
        self.code: int | None = None

    def look(self) -> None:
        while not self.socket.inbox.empty():
            got = self.socket.inbox.get_nowait()
            if isinstance(got, SocketClosed):
                self.code = got.code
                continue
            match self.framing.read(got):
                case Sound(payload):
                    self.sound += g711.ulaw_to_pcm(payload)
                case Key(digit):
                    self.keys += digit

    async def say(self, frames: int) -> None:
        for _ in range(frames):
            await self.socket.send(self.framing.sound(g711.pcm_to_ulaw(TONE)))

    async def loud_samples(self) -> int:
        self.look()
        return loud(self.sound)

    async def digits(self) -> str:
        self.look()
        return self.keys

    async def press(self, digits: str) -> None:
        for digit in digits:
            await self.socket.send(self.framing.key(digit))

    async def hang_up(self) -> None:
        await self.socket.close(1000, "")

    async def closed(self) -> LineClosed | None:
        self.look()
        if self.code is None:
            return None
        return LineClosed(ClosedBy.REMOTE, "", 486 if self.code == REFUSED else None)


class MemoryJoint:
    def __init__(self) -> None:
        self.lines = WebSocketLines(asyncio.get_running_loop())
        self.socket, theirs = pair()
        self.ours = self.lines.carry(WebSocketLine(self.socket, codec(CodecName.PCMU), RtpFraming(0, 8000)))
        self.line: Line = self.ours
        self.theirs = theirs
        self.far: Far = FarEnd(theirs)

    async def pass_ticks(self, ticks: int) -> None:
        for _ in range(ticks):
            self.lines.tick()
            for _ in range(5):  # the wake-up, the sender, the receiver
                await asyncio.sleep(0)


class TestWebSocketLine(LineContract):
    @pytest.fixture
    async def joint(self) -> AsyncIterator[MemoryJoint]:
        made = MemoryJoint()
        yield made
        await made.line.hang_up()
        await made.pass_ticks(1)

    async def test_silence_is_sent_while_nothing_is_said(self, joint: MemoryJoint) -> None:
        await joint.line.answer()
        await joint.pass_ticks(10)
        assert await joint.far.loud_samples() == 0
        assert joint.line.stats().packets_sent == 10

    async def test_a_connection_that_breaks_is_a_fault(self, joint: MemoryJoint) -> None:
        await joint.line.answer()
        await joint.theirs.close(1011, "")
        seen = await events_until(joint, LineClosed)
        assert seen[-1] == LineClosed(ClosedBy.FAULT, "connection_lost", 1011)

    async def test_a_peer_that_does_not_read_loses_the_oldest(self, joint: MemoryJoint) -> None:
        await joint.line.answer()
        joint.socket.stalled.clear()
        joint.line.write(TONE * 100)
        await joint.pass_ticks(100)
        assert joint.line.queued() == 0
        joint.socket.stalled.set()
        await joint.pass_ticks(5)
        heard = await joint.far.loud_samples()
        assert 20 * FRAME * 0.8 < heard < 30 * FRAME
        assert (joint.line.stats().packets_lost or 0) > 60

    async def test_nonsense_is_counted_and_nothing_else(self, joint: MemoryJoint) -> None:
        await joint.line.answer()
        for nonsense in (
            b"",
            b"\x80",
            b"\x00" * 20,
            b"\x8f" + bytes(12),
            "{",
            "[]",
            '{"type": "dtmf", "digit": "x"}',
        ):
            await joint.theirs.send(nonsense)
        await joint.pass_ticks(2)
        assert joint.line.events() == []
        assert joint.line.read() == b""
        assert joint.line.stats().packets_lost == 6

    @pytest.mark.parametrize("share", [0.01, 0.03, 0.05, 0.1])
    async def test_packets_that_a_bridge_lost_are_told(self, joint: MemoryJoint, share: float) -> None:
        await joint.line.answer()
        dice = random.Random(7)
        framing = RtpFraming(0, 8000)
        packets = [framing.sound(g711.pcm_to_ulaw(TONE)) for _ in range(2000)]
        kept = [packets[0], *(each for each in packets[1:-1] if dice.random() >= share), packets[-1]]
        for packet in kept:
            await joint.theirs.send(packet)
            await asyncio.sleep(0)
        await joint.pass_ticks(2)
        stats = joint.line.stats()
        assert (stats.packets_received, stats.packets_lost) == (len(kept), len(packets) - len(kept))

    async def test_it_cannot_be_referred(self, joint: MemoryJoint) -> None:
        await joint.line.answer()
        assert not (await joint.line.refer("sip:a@b", 1.0)).ok


@pytest.mark.parametrize("name", list(CodecName))
async def test_every_codec_carries_sound_both_ways(name: CodecName) -> None:
    near, far = pair()
    lines = WebSocketLines(asyncio.get_running_loop())
    ends = [lines.carry(WebSocketLine(socket, codec(name), PayloadFraming())) for socket in (near, far)]
    tone = _tone(ends[0].rate)
    for end in ends:
        await end.answer()
        assert end.write(tone) == ends[0].rate
    heard = [b"", b""]
    for _ in range(60):
        lines.tick()
        for _ in range(5):
            await asyncio.sleep(0)
        for index, end in enumerate(ends):
            heard[index] += end.read()
    for sound in heard:
        assert _hertz(sound, ends[0].rate) == pytest.approx(440, rel=0.02)
        assert loud(sound) == pytest.approx(loud(tone), rel=0.1)
    for end in ends:
        await end.hang_up()


def _tone(rate: int) -> bytes:
    return (8000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype("<i2").tobytes()


def _hertz(pcm: bytes, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(np.frombuffer(pcm, "<i2")))
    return float(spectrum.argmax() * rate / (len(pcm) // 2))


def test_a_line_knows_its_own_delay() -> None:
    line = WebSocketLine(MemorySocket(), codec(CodecName.L16), PayloadFraming())
    assert (line.rate, line.delay_ms) == (16_000, 11)
