"""Two parties joined: sound and keys both ways, at any rates, and who left."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
import pytest

from tests.host.rig import HandBeat
from trunkline.host.leg import Leg, NoTape
from trunkline.host.switchboard import Bridge, Party
from trunkline.voice.conversation.events import Digit, Event, LineClosed, Request
from trunkline.voice.lines.line import Line
from trunkline.voice.lines.loopback import Impairments, Loopback
from trunkline.voice.speech.twins import LevelActivity

CLEAN = Impairments(mulaw=False)


class Mute:
    """A talk that says nothing."""

    ended = False

    def tick(self, frame: bytes | None, speech: float, queued: int) -> tuple[bytes, list[Request]]:
        return b"", []

    def feed(self, event: Event) -> list[Request]:
        return []


class Told:
    """An owner that notes what it is told."""

    def __init__(self) -> None:
        self.closed: list[LineClosed] = []

    def asked(self, requests: list[Request]) -> None: ...

    def talk_ended(self) -> None: ...

    def line_closed(self, event: LineClosed) -> None:
        self.closed.append(event)

    def beat_failed(self, error: Exception) -> None:
        raise error


@dataclass
class Phone:
    """Somebody who calls, and our end of it."""

    wire: Loopback
    party: Party
    owner: Told


class World:
    """A beat and two phones."""

    def __init__(self, rates: tuple[int, int]) -> None:
        self.beat = HandBeat(LevelActivity(), asyncio.get_running_loop())
        self.one, self.two = (self._phone(rate) for rate in rates)

    def _phone(self, rate: int) -> Phone:
        wire = Loopback(rate, CLEAN, CLEAN)
        wire.near.up = wire.far.up = True
        owner = Told()
        leg = Leg(wire.near, Mute(), NoTape(), owner, threading.Lock())
        self.beat.add(leg)
        return Phone(wire, Party(leg, wire.near, owner), owner)

    async def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.one.wire.advance()
            self.two.wire.advance()
            self.beat.step()
            await asyncio.sleep(0)
            await asyncio.sleep(0)


@asynccontextmanager
async def joined(
    rates: tuple[int, int] = (8000, 8000),
) -> AsyncIterator[tuple[World, asyncio.Task[Line | None]]]:
    """Two phones that hear each other, and the wait for one of them to leave."""
    world = World(rates)
    await world.tick()
    bridge = Bridge(world.one.party, world.two.party)
    bridge.join()
    over = asyncio.create_task(bridge.over())
    await asyncio.sleep(0)
    yield world, over
    over.cancel()


def tone(rate: int, ticks: int, hertz: float = 440.0) -> bytes:
    time = np.arange(rate * ticks // 50) / rate
    return (8000 * np.sin(2 * np.pi * hertz * time)).astype("<i2").tobytes()


def pitch(pcm: bytes, rate: int) -> float:
    sound = np.frombuffer(pcm, "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum) * rate / len(sound))


@pytest.mark.parametrize("rates", [(8000, 8000), (8000, 16_000), (16_000, 8000), (16_000, 16_000)], ids=str)
async def test_each_hears_the_other(rates: tuple[int, int]) -> None:
    async with joined(rates) as (world, _):
        world.one.wire.far.write(tone(rates[0], 50, 440))
        world.two.wire.far.write(tone(rates[1], 50, 880))
        await world.tick(5)
        world.one.wire.far.read()
        world.two.wire.far.read()
        await world.tick(40)
        assert pitch(world.two.wire.far.read(), rates[1]) == pytest.approx(440, abs=5)
        assert pitch(world.one.wire.far.read(), rates[0]) == pytest.approx(880, abs=5)


async def test_a_frame_crosses_in_the_tick_it_is_read() -> None:
    async with joined() as (world, _):
        await world.tick()
        for speaker, listener in ((world.one, world.two), (world.two, world.one)):
            frame = tone(8000, 1)
            listener.wire.near.depart()
            speaker.wire.far.write(frame)
            speaker.wire.advance()
            world.beat.step()
            assert listener.wire.near.depart() == frame


async def test_a_line_with_a_slow_clock_does_not_fall_behind() -> None:
    async with joined() as (world, _):
        world.one.wire.far.write(tone(8000, 50))
        for _ in range(40):  # the other line sends nothing meanwhile
            world.one.wire.advance()
            world.beat.step()
        assert 150 * 8 <= world.two.wire.near.queued() <= 220 * 8
        await world.tick(30)  # of which the last two thirds are silence
        assert world.two.wire.near.queued() <= 80 * 8


async def test_keys_go_across() -> None:
    async with joined() as (world, _):
        await world.tick()
        await world.one.wire.far.send_digits("42")
        await world.tick(3)
        keys = [event.digit for event in world.two.wire.far.events() if isinstance(event, Digit)]
        assert keys == ["4", "2"]


async def test_who_leaves_ends_it() -> None:
    async with joined() as (world, over):
        await world.tick()
        await world.two.wire.far.hang_up()
        await world.tick(2)
        assert await asyncio.wait_for(over, 30) is world.two.wire.near
        assert [event.reason for event in world.two.owner.closed] == ["hung_up"]
        assert world.one.owner.closed == []
        assert world.one.wire.near.up
