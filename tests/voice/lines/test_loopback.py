"""The loopback line against the contract, its impairments, and its engine."""

import asyncio
import random

import numpy as np
import pytest

from tests.voice.lines.contract import FRAME, TONE, LineContract, loud
from trunkline.errors import BadInput, DialFailed
from trunkline.voice import g711
from trunkline.voice.conversation.events import Digit, Held, LineClosed, LineEvent, Resumed
from trunkline.voice.lines.line import IncomingCall, Trunk
from trunkline.voice.lines.loopback import Impairments, Loopback, LoopbackLine
from trunkline.voice.lines.loopback_engine import LoopbackEngine


class FarEnd:
    """The other party in memory."""

    def __init__(self, line: LoopbackLine) -> None:
        self.line = line
        self.heard = b""
        self.seen: list[LineEvent] = []

    async def say(self, frames: int) -> None:
        self.line.write(TONE * frames)

    async def loud_samples(self) -> int:
        self.heard += self.line.read()
        return loud(self.heard)

    async def digits(self) -> str:
        self.seen += self.line.events()
        return "".join(event.digit for event in self.seen if isinstance(event, Digit))

    async def press(self, digits: str) -> None:
        await self.line.send_digits(digits)

    async def hang_up(self) -> None:
        await self.line.hang_up()

    async def closed(self) -> LineClosed | None:
        return self.line.closed


class MemoryJoint:
    def __init__(self) -> None:
        self.joined = Loopback()
        self.line = self.joined.near
        self.far = FarEnd(self.joined.far)

    async def pass_ticks(self, ticks: int) -> None:
        for _ in range(ticks):
            self.joined.advance()


class TestLoopback(LineContract):
    @pytest.fixture
    def joint(self) -> MemoryJoint:
        return MemoryJoint()


async def joined_up(to_near: Impairments | None = None) -> Loopback:
    joined = Loopback(to_near=to_near)
    await joined.near.answer()
    return joined


async def test_a_packet_takes_one_tick() -> None:
    joined = await joined_up(Impairments(mulaw=False))
    joined.far.write(TONE)
    assert joined.near.read() == b""
    joined.advance()
    assert joined.near.read() == TONE


async def test_delay_is_whole_packets() -> None:
    joined = await joined_up(Impairments(delay_ms=60, mulaw=False))
    joined.far.write(TONE)
    frames = []
    for _ in range(5):
        joined.advance()
        frames.append(joined.near.read())
    assert frames.index(TONE) == 3


async def test_loss_is_seeded_and_missing_from_what_is_read() -> None:
    seed = random.randrange(1 << 30)
    runs = []
    for _ in range(2):
        joined = await joined_up(Impairments(loss=0.2, seed=seed))
        pattern = []
        for _ in range(500):
            joined.advance()
            pattern.append(len(joined.near.read()))
        runs.append(pattern)
        assert joined.near.stats().packets_lost == pattern.count(0), f"seed {seed}"
    assert runs[0] == runs[1], f"seed {seed}"
    assert 40 < runs[0].count(0) < 180, f"seed {seed}"


async def test_echo_comes_back_softer_and_later() -> None:
    joined = await joined_up(Impairments(echo=0.5, echo_ms=100, mulaw=False))
    joined.near.write(TONE)
    frames = []
    for _ in range(8):
        joined.advance()
        frames.append(np.frombuffer(joined.near.read(), dtype="<i2"))
    peaks = [int(np.abs(frame).max()) for frame in frames]
    assert peaks.index(max(peaks)) == 5
    assert max(peaks) == pytest.approx(4000, rel=0.02)


async def test_mulaw_is_what_the_wire_would_do() -> None:
    joined = await joined_up()
    joined.far.write(TONE)
    joined.advance()
    assert joined.near.read() == g711.ulaw_to_pcm(g711.pcm_to_ulaw(TONE))


async def test_hold_and_resume_are_told() -> None:
    joined = await joined_up()
    await joined.far.hold()
    await joined.far.resume()
    assert joined.near.events() == [Held(), Resumed()]


async def test_engine_brings_calls_in() -> None:
    engine, rung = LoopbackEngine(), []

    async def incoming(call: IncomingCall) -> None:
        rung.append(call)
        await call.line.answer()

    await engine.start(incoming)
    far = await engine.call("100", caller="200", headers={"X-Agent-Id": "7"})
    await asyncio.wait_for(far.settled.wait(), 1)
    assert far.up
    assert (rung[0].dialled, rung[0].caller, rung[0].headers) == ("100", "200", {"X-Agent-Id": "7"})
    far.write(TONE)
    engine.advance()
    assert len(rung[0].line.read()) == 2 * FRAME
    await engine.stop()
    assert far.closed is not None


@pytest.mark.parametrize("behaviour", ["answer", "busy", "no_answer"])
async def test_engine_dials(behaviour: str) -> None:
    engine = LoopbackEngine()

    async def nobody(call: IncomingCall) -> None:
        raise AssertionError

    async def phone(line: LoopbackLine) -> None:
        if behaviour == "answer":
            await line.answer()
        elif behaviour == "busy":
            await line.hang_up()

    await engine.start(nobody)
    engine.phones["+4930123456"] = phone
    dial = engine.dial("+4930123456", Trunk("trunk.example"), {}, ring_timeout=0.05)
    if behaviour == "answer":
        assert not (await dial).events()
        return
    with pytest.raises(DialFailed) as failed:
        await dial
    assert failed.value.outcome == behaviour


async def test_engine_knows_who_cannot_be_reached() -> None:
    engine = LoopbackEngine()

    async def nobody(call: IncomingCall) -> None:
        raise AssertionError

    await engine.start(nobody)
    with pytest.raises(DialFailed) as failed:
        await engine.dial("sip:nobody@127.0.0.1", None, {}, 1)
    assert failed.value.outcome == "unreachable"
    with pytest.raises(BadInput, match="trunk"):
        await engine.dial("+4930123456", None, {}, 1)
