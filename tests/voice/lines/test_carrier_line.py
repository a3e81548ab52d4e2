"""Carrier lines against the contract, each over its carrier's wire in memory; and what marks make of the truth."""

import asyncio
import json
import random
import sys
from collections import deque
from collections.abc import AsyncIterator

import numpy as np
import pytest

from tests.voice.lines.carriers import (
    SPELLINGS,
    Spelling,
    Station,
    TwilioSpelling,
    begun,
)
from tests.voice.lines.contract import FRAME, TONE, Far, Joint, LineContract, events_until, loud
from tests.voice.lines.test_websocket_line import MemorySocket, pair
from trunkline.voice.conversation.events import ClosedBy, Flushed, LineClosed
from trunkline.voice.lines import keypad
from trunkline.voice.lines.carrier import CarrierLine
from trunkline.voice.lines.framing import KEYS, Message
from trunkline.voice.lines.line import Line
from trunkline.voice.lines.websocket import REFUSED, SocketClosed, WebSocketLines


class FarEnd:
    """The caller behind the carrier."""

    def __init__(self, socket: MemorySocket, station: Station, one_way: int) -> None:
        self.socket = socket
        self.station = station
        self.code: int | None = None
        self._one_way = one_way
        self._tick = 0
        self._coming: deque[tuple[int, Message]] = deque()
        self._going: deque[tuple[int, Message]] = deque()

    def look(self) -> None:
        while not self.socket.inbox.empty():
            got = self.socket.inbox.get_nowait()
            if isinstance(got, SocketClosed):
                self.code = got.code
            else:
                self._coming.append((self._tick + self._one_way, got))
        for message in self._due(self._coming):
            self.station.take(message)

    async def pass_tick(self) -> None:
        self.look()
        self._going += [(self._tick + self._one_way, message) for message in self.station.tick()[1]]
        for message in self._due(self._going):
            if self.code is None:
                await self.socket.send(message)
        self._tick += 1

    def _due(self, messages: deque[tuple[int, Message]]) -> list[Message]:
        due = []
        while messages and messages[0][0] <= self._tick:
            due.append(messages.popleft()[1])
        return due

    async def say(self, frames: int) -> None:
        self.station.say(TONE * frames)

    async def loud_samples(self) -> int:
        self.look()
        return loud(bytes(self.station.played))

    async def digits(self) -> str:
        return dialled(bytes(self.station.played))

    async def press(self, digits: str) -> None:
        self.station.press(digits)

    async def hang_up(self) -> None:
        if stop := self.station.spelling.stop():
            await self.socket.send(json.dumps(stop))
            await asyncio.sleep(0)
        await self.socket.close(1000, "")

    async def closed(self) -> LineClosed | None:
        self.look()
        if self.code is None:
            return None
        return LineClosed(ClosedBy.REMOTE, "", 486 if self.code == REFUSED else None)


def dialled(pcm: bytes) -> str:
    """The keys whose two tones are in the sound, by the strongest of either group each 20 ms."""
    heard = ""
    before = ""
    for start in range(0, len(pcm) - 2 * FRAME + 1, 2 * FRAME):
        frame = np.frombuffer(pcm[start : start + 2 * FRAME], "<i2").astype(float)
        key = ""
        if np.sqrt((frame**2).mean()) > 1000:
            at = np.arange(FRAME) / 8000
            power = [[abs(frame @ np.exp(2j * np.pi * hz * at)) for hz in group] for group in _GROUPS]
            key = _PAD[int(np.argmax(power[0])) * 4 + int(np.argmax(power[1]))]
        if key and key != before:
            heard += key
        before = key
    return heard


_GROUPS = ((697, 770, 852, 941), (1209, 1336, 1477, 1633))
_PAD = "123A456B789C*0#D"


class CarrierJoint:
    """A line and its carrier; `one_way`: ticks that a message takes."""

    def __init__(self, spelling: Spelling, lag: int = 0, one_way: int = 0) -> None:
        start = begun(spelling)
        self.lines = WebSocketLines(asyncio.get_running_loop())
        self.socket, theirs = pair()
        self.line: Line = self.lines.carry(CarrierLine(self.socket, start.codec, start.framing))
        self.station = Station(spelling, lag)
        self.theirs = theirs
        self.end = FarEnd(theirs, self.station, one_way)
        self.far: Far = self.end

    async def pass_ticks(self, ticks: int) -> None:
        for _ in range(ticks):
            self.lines.tick()
            for _ in range(5):  # the wake-up, the sender, the receiver
                await asyncio.sleep(0)
            await self.end.pass_tick()
            for _ in range(3):
                await asyncio.sleep(0)


class TestCarrierLine(LineContract):
    @pytest.fixture(params=SPELLINGS, ids=lambda spelling: str(spelling.name))
    async def joint(self, request: pytest.FixtureRequest) -> AsyncIterator[CarrierJoint]:
        made = CarrierJoint(request.param())
        yield made
        await made.line.hang_up()
        await made.pass_ticks(1)

    async def test_a_flush_clears_what_the_carrier_has(self, joint: CarrierJoint) -> None:
        await joint.line.answer()
        joint.line.write(TONE * 10)
        await joint.pass_ticks(4)
        joint.line.flush()
        await joint.pass_ticks(1)
        assert joint.station.cleared == [6 * FRAME]

    async def test_nothing_is_cleared_where_nothing_plays(self, joint: CarrierJoint) -> None:
        await joint.line.answer()
        joint.line.write(TONE * 2)
        await joint.pass_ticks(10)
        joint.line.flush()
        await joint.pass_ticks(1)
        assert joint.station.cleared == []
        assert joint.line.events() == [Flushed(0)]

    async def test_stats_count_packets(self, joint: Joint) -> None:
        assert isinstance(joint, CarrierJoint)
        await joint.line.answer()
        joint.line.write(TONE * 50)  # silence is no packet here
        await joint.pass_ticks(10)
        assert (joint.line.stats().packets_sent or 0) >= 10
        assert joint.line.stats().packets_received == 10 + joint.station.answered

    async def test_silence_is_not_sent(self, joint: CarrierJoint) -> None:
        await joint.line.answer()
        await joint.pass_ticks(10)
        assert joint.line.stats().packets_sent == 0
        joint.line.write(TONE * 20)
        await joint.pass_ticks(30)
        assert 2 <= joint.station.marks <= 6

    async def test_what_is_not_understood_is_counted(self, joint: CarrierJoint) -> None:
        await joint.line.answer()
        name = {"event": "media", "media": {"payload": "?"}}
        for nonsense in ("{", "[]", json.dumps(name), '{"event": "media"}', '{"event": "dtmf", "dtmf": {}}'):
            await joint.theirs.send(nonsense)
        await joint.theirs.send('{"event": "of tomorrow"}')
        await joint.pass_ticks(1)
        assert joint.line.events() == []
        assert joint.line.stats().packets_lost == 5

    async def test_keys_that_are_none_are_refused(self, joint: CarrierJoint) -> None:
        await joint.line.answer()
        with pytest.raises(ValueError, match="keys"):
            await joint.line.send_digits("5x")


@pytest.fixture
async def prompt() -> AsyncIterator[CarrierJoint]:
    """A carrier that plays at once."""
    made = CarrierJoint(TwilioSpelling())
    yield made
    await made.line.hang_up()
    await made.pass_ticks(1)


@pytest.fixture
async def lagging() -> AsyncIterator[CarrierJoint]:
    """A carrier that plays 100 ms later than it could."""
    made = CarrierJoint(TwilioSpelling(), lag=5)
    yield made
    await made.line.hang_up()
    await made.pass_ticks(1)


async def test_marks_tell_what_a_slow_carrier_has_not_played(lagging: CarrierJoint) -> None:
    await lagging.line.answer()
    for _ in range(30):
        if lagging.line.queued() < 3 * FRAME:
            lagging.line.write(TONE)
        await lagging.pass_ticks(1)
    written = 30 * FRAME
    lagging.line.flush()
    (flushed,) = [event for event in lagging.line.events() if isinstance(event, Flushed)]
    await lagging.pass_ticks(2)
    heard = loud(bytes(lagging.station.played)) / loud(TONE) * FRAME
    assert written - flushed.samples == pytest.approx(heard, abs=2 * FRAME)
    assert flushed.samples >= 4 * FRAME


async def test_sound_counts_as_queued_until_the_last_mark_is_back(lagging: CarrierJoint) -> None:
    await lagging.line.answer()
    lagging.line.write(TONE * 10)
    ticks = 0
    while lagging.line.queued():
        await lagging.pass_ticks(1)
        ticks += 1
        assert ticks < 40
    assert loud(bytes(lagging.station.played)) == pytest.approx(loud(TONE * 10), rel=0.1)
    assert ticks >= 14


async def test_a_carrier_that_answers_no_mark_is_waited_for_once(lagging: CarrierJoint) -> None:
    await lagging.line.answer()
    lagging.theirs.other = pair()[0]  # what it sends arrives nowhere
    waited = []
    for _ in range(2):
        lagging.line.write(TONE * 5)
        ticks = 0
        while lagging.line.queued():
            await lagging.pass_ticks(1)
            ticks += 1
        waited.append(ticks)
    assert 50 < waited[0] < 65
    assert waited[1] <= 6


class Listened:
    """What a line says was heard, beside what was."""

    def __init__(self, joint: CarrierJoint) -> None:
        self.joint = joint
        self.told = 0
        """Samples written, less those reported as dropped."""

    @property
    def heard(self) -> float:
        return loud(bytes(self.joint.station.played)) / loud(TONE) * FRAME

    async def speak(self, ticks: int) -> None:
        """As a session does: three frames ahead."""
        for _ in range(ticks):
            while self.joint.line.queued() < 3 * FRAME:
                self.told += self.joint.line.write(TONE)
            await self.joint.pass_ticks(1)

    async def flush(self, times: int = 1) -> None:
        """And until all is said and done."""
        for _ in range(times):
            self.joint.line.flush()
        await self.silence(40)
        dropped = [event.samples for event in self.joint.line.events() if isinstance(event, Flushed)]
        assert len(dropped) == times
        self.told -= sum(dropped)

    async def silence(self, ticks: int) -> None:
        await self.joint.pass_ticks(ticks)


@pytest.mark.parametrize("lag", [0, 5])
@pytest.mark.parametrize("one_way", [0, 2, 5])
async def test_what_flushes_report_is_what_was_not_heard(one_way: int, lag: int) -> None:
    seed = random.randrange(1 << 16)
    sys.stdout.write(f"seed {seed}\n")
    dice = random.Random(seed)
    joint = CarrierJoint(dice.choice(SPELLINGS)(), lag, one_way)
    await joint.line.answer()
    call = Listened(joint)
    await call.speak(30)  # so much tells how far away and how slow the carrier is
    await call.silence(40)
    for _ in range(8):
        before = call.told - call.heard
        await call.speak(dice.randint(1, 60))
        await call.silence(dice.choice((0, 0, 1, 5)))
        await call.flush(dice.choice((1, 1, 2)))
        assert call.told - call.heard == pytest.approx(before, abs=1.5 * FRAME)
    await joint.line.hang_up()
    await joint.pass_ticks(1)


async def test_a_stall_that_is_over_does_not_count_at_the_next_flush(prompt: CarrierJoint) -> None:
    joint = prompt
    await joint.line.answer()
    call = Listened(joint)
    await call.speak(20)
    joint.socket.stalled.clear()
    await call.speak(15)
    joint.socket.stalled.set()
    await call.speak(20)
    await call.silence(60)
    before = call.told - call.heard
    await call.speak(4)
    await call.flush()
    assert call.told - call.heard == pytest.approx(before, abs=1.5 * FRAME)


async def test_of_a_carrier_that_answers_no_mark_our_clock_is_believed_after_a_second(
    lagging: CarrierJoint,
) -> None:
    await lagging.line.answer()
    lagging.theirs.other = pair()[0]  # what it sends arrives nowhere
    call = Listened(lagging)
    await call.speak(100)
    await call.flush()
    assert call.told == pytest.approx(100 * FRAME, abs=4 * FRAME)


async def test_the_order_to_clear_outlives_a_stall_and_a_second_flush(prompt: CarrierJoint) -> None:
    joint = prompt
    await joint.line.answer()
    joint.line.write(TONE * 50)
    await joint.pass_ticks(5)
    joint.socket.stalled.clear()
    joint.line.flush()
    joint.line.flush()
    for _ in range(40):
        joint.line.write(TONE)
        await joint.pass_ticks(1)
    joint.socket.stalled.set()
    await joint.pass_ticks(1)
    assert len(joint.station.cleared) == 1


async def test_what_they_did_not_hear_before_they_hung_up_is_told(lagging: CarrierJoint) -> None:
    await lagging.line.answer()
    lagging.line.write(TONE * 20)
    await lagging.pass_ticks(12)
    await lagging.far.hang_up()
    seen = await events_until(lagging, LineClosed)
    (flushed,) = [event for event in seen if isinstance(event, Flushed)]
    heard = loud(bytes(lagging.station.played)) / loud(TONE) * FRAME
    assert 20 * FRAME - flushed.samples == pytest.approx(heard, abs=2 * FRAME)
    assert seen.index(flushed) < len(seen) - 1


@pytest.mark.parametrize("digits", ["1234567890*#", "ABCD", "55"])
def test_tones_are_keys(digits: str) -> None:
    assert set(digits) <= KEYS
    assert dialled(keypad.tones(digits, 8000)) == digits
