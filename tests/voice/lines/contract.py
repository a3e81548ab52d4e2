"""What every line does, whatever it is made of. A `Joint` gives two ends of one call and a way to let 20 ms pass."""

from typing import Protocol

import numpy as np
import pytest

from trunkline.errors import DialFailed, Unavailable
from trunkline.voice.conversation.events import ClosedBy, Digit, Flushed, LineClosed, LineEvent
from trunkline.voice.lines.line import Line

RATE = 8000
FRAME = RATE // 50
RING_SECONDS = 2.048
PATIENCE = 1500
"""Ticks within which everything has happened, on the wall clock and a busy machine too."""


def tone(rate: int) -> bytes:
    """20 ms of 440 Hz."""
    return (8000 * np.sin(2 * np.pi * 440 * np.arange(rate // 50) / rate)).astype(np.int16).tobytes()


TONE = tone(RATE)


class Far(Protocol):
    """The other party, wherever it lives."""

    async def say(self, frames: int) -> None:
        """Send this many frames of tone."""
        ...

    async def loud_samples(self) -> int:
        """How many samples of sound (not silence) came in so far."""
        ...

    async def digits(self) -> str:
        """The keys heard so far."""
        ...

    async def press(self, digits: str) -> None: ...

    async def hang_up(self) -> None: ...

    async def closed(self) -> LineClosed | None: ...


class Joint(Protocol):
    """Two ends and their clock."""

    line: Line
    """Ours; it rings until it is answered."""
    far: Far

    async def pass_ticks(self, ticks: int) -> None:
        """Let this many times 20 ms go by on the wire."""
        ...


def loud(pcm: bytes) -> int:
    return int((np.abs(np.frombuffer(pcm, dtype="<i2").astype(int)) > 500).sum())


async def events_until(joint: Joint, kind: type[LineEvent], ticks: int = PATIENCE) -> list[LineEvent]:
    """All events up to the first of this kind."""
    seen: list[LineEvent] = []
    for _ in range(ticks):
        seen += joint.line.events()
        if any(isinstance(event, kind) for event in seen):
            return seen
        await joint.pass_ticks(1)
    raise AssertionError(f"no {kind.__name__} within {ticks} ticks, only {seen}")


async def closed_far(joint: Joint, ticks: int = PATIENCE) -> LineClosed:
    """How the other end saw the line end."""
    for _ in range(ticks):
        if (closed := await joint.far.closed()) is not None:
            return closed
        await joint.pass_ticks(1)
    raise AssertionError(f"the other end did not close within {ticks} ticks")


async def loud_far(joint: Joint, samples: float) -> int:
    """The sound that the other end has heard once there should be so much of it, and a moment later."""
    for _ in range(PATIENCE):
        if await joint.far.loud_samples() >= 0.9 * samples:
            break
        await joint.pass_ticks(1)
    await joint.pass_ticks(10)
    return await joint.far.loud_samples()


class LineContract:
    """Collected by the suites of each line, which supply the `joint` fixture, and another rate if they have one."""

    rate = RATE
    long = 10
    """Frames that take longer to be heard than a test takes to change its mind: more on the wall clock."""

    @property
    def frame(self) -> int:
        """Samples of 20 ms."""
        return self.rate // 50

    @property
    def tone(self) -> bytes:
        """20 ms of 440 Hz."""
        return tone(self.rate)

    async def test_says_and_hears(self, joint: Joint) -> None:
        await joint.line.answer()
        await joint.far.say(10)
        said, heard, after = loud(self.tone * 10), b"", 0
        for _ in range(PATIENCE):
            await joint.pass_ticks(1)
            heard += joint.line.read()
            after += loud(heard) >= 0.9 * said
            if after == 10:
                break
        assert loud(heard) == pytest.approx(said, rel=0.1)
        assert joint.line.write(self.tone * 5) == 5 * self.frame
        said = loud(self.tone * 5)
        assert await loud_far(joint, said) == pytest.approx(said, rel=0.1)

    async def test_the_rate_is_known_from_the_answer_on(self, joint: Joint) -> None:
        await joint.line.answer()
        assert joint.line.rate == self.rate

    async def test_before_the_answer_nothing_moves(self, joint: Joint) -> None:
        assert joint.line.read() == b""
        assert joint.line.write(self.tone) == 0
        assert joint.line.queued() == 0

    async def test_the_queue_drains_with_time(self, joint: Joint) -> None:
        await joint.line.answer()
        assert joint.line.queued() == 0
        joint.line.write(self.tone * self.long)
        left = [joint.line.queued()]
        while left[-1] and len(left) < PATIENCE:
            await joint.pass_ticks(1)
            left.append(joint.line.queued())
        assert (self.long - 2) * self.frame <= left[0] <= self.long * self.frame
        assert left == sorted(left, reverse=True)
        assert left[-1] == 0 < left[1]

    async def test_a_full_ring_takes_no_more(self, joint: Joint) -> None:
        await joint.line.answer()
        accepted = joint.line.write(self.tone * 200)
        assert 2 * self.rate <= accepted <= RING_SECONDS * self.rate + 2 * self.frame
        assert joint.line.write(self.tone * 50) <= 40 * self.frame

    async def test_a_flush_says_what_it_dropped(self, joint: Joint) -> None:
        await joint.line.answer()
        joint.line.write(self.tone * self.long)
        await joint.pass_ticks(3)
        joint.line.flush()
        seen = await events_until(joint, Flushed, ticks=3)
        dropped = sum(event.samples for event in seen if isinstance(event, Flushed))
        assert self.long // 2 * self.frame <= dropped <= (self.long - 2) * self.frame
        assert joint.line.queued() == 0
        said = loud(self.tone) * (self.long - dropped / self.frame)
        assert await loud_far(joint, said) == pytest.approx(said, abs=1.2 * self.frame)

    async def test_what_is_written_after_a_flush_is_heard(self, joint: Joint) -> None:
        await joint.line.answer()
        joint.line.write(self.tone * self.long)
        await joint.pass_ticks(2)
        joint.line.flush()
        assert joint.line.write(self.tone * 4) == 4 * self.frame
        seen = await events_until(joint, Flushed, ticks=3)
        dropped = sum(event.samples for event in seen if isinstance(event, Flushed))
        assert dropped <= (self.long - 1) * self.frame
        said = loud(self.tone) * (self.long + 4 - dropped / self.frame)
        assert await loud_far(joint, said) == pytest.approx(said, abs=1.2 * self.frame)

    async def test_a_flush_of_nothing_is_answered_too(self, joint: Joint) -> None:
        await joint.line.answer()
        joint.line.flush()
        assert await events_until(joint, Flushed, ticks=3) == [Flushed(0)]

    async def test_two_flushes_have_two_answers(self, joint: Joint) -> None:
        await joint.line.answer()
        joint.line.write(self.tone * self.long)
        joint.line.flush()
        joint.line.flush()
        flushed = [
            event for event in await events_until(joint, Flushed, ticks=3) if isinstance(event, Flushed)
        ]
        assert len(flushed) == 2
        assert flushed[0].samples >= (self.long - 2) * self.frame
        assert flushed[1].samples == 0
        said = loud(self.tone) * (self.long - flushed[0].samples / self.frame)
        await joint.pass_ticks(self.long)
        assert await joint.far.loud_samples() == pytest.approx(said, abs=1.2 * self.frame)

    async def test_what_was_written_was_heard_or_is_told_as_dropped(self, joint: Joint) -> None:
        await joint.line.answer()
        written = dropped = 0
        for ticks in (2, 5, 3, 4):
            written += joint.line.write(self.tone * self.long)
            await joint.pass_ticks(ticks)
            joint.line.flush()
            seen = await events_until(joint, Flushed, ticks=3)
            dropped += sum(event.samples for event in seen if isinstance(event, Flushed))
            await joint.pass_ticks(3)
        said = loud(self.tone) * (written - dropped) / self.frame
        assert await loud_far(joint, said) == pytest.approx(said, abs=4 * 1.2 * self.frame)

    async def test_keys_go_both_ways(self, joint: Joint) -> None:
        await joint.line.answer()
        await joint.pass_ticks(5)
        await joint.far.press("17#")
        keys = ""
        for _ in range(PATIENCE):
            keys += "".join(event.digit for event in joint.line.events() if isinstance(event, Digit))
            if len(keys) == 3:
                break
            await joint.pass_ticks(1)
        assert keys == "17#"
        await joint.line.send_digits("4*")
        for _ in range(PATIENCE):
            if len(heard := await joint.far.digits()) == 2:
                break
            await joint.pass_ticks(1)
        assert heard == "4*"

    async def test_hold_may_be_repeated_and_taken_back(self, joint: Joint) -> None:
        await joint.line.answer()
        for verb in (joint.line.hold, joint.line.hold, joint.line.resume, joint.line.resume):
            await verb()
        for _ in range(20):
            await joint.pass_ticks(1)
            joint.line.read()
            joint.line.events()
        assert joint.line.write(self.tone * 5) == 5 * self.frame
        said = loud(self.tone * 5)
        assert await loud_far(joint, said) == pytest.approx(said, rel=0.25)

    async def test_they_hang_up(self, joint: Joint) -> None:
        await joint.line.answer()
        await joint.far.hang_up()
        seen = await events_until(joint, LineClosed)
        assert seen[-1] == LineClosed(ClosedBy.REMOTE, "hung_up")
        assert joint.line.read() == b""
        assert joint.line.write(self.tone) == 0
        joint.line.flush()

    async def test_we_hang_up_and_may_repeat_it(self, joint: Joint) -> None:
        await joint.line.answer()
        await joint.line.hang_up()
        await joint.line.hang_up()
        seen = await events_until(joint, LineClosed)
        assert [event for event in seen if isinstance(event, LineClosed)] == [
            LineClosed(ClosedBy.LOCAL, "hung_up")
        ]
        closed = await closed_far(joint)
        assert closed.by is ClosedBy.REMOTE

    async def test_the_caller_gives_up_while_it_rings(self, joint: Joint) -> None:
        await joint.far.hang_up()
        seen = await events_until(joint, LineClosed)
        assert seen[-1] == LineClosed(ClosedBy.REMOTE, "cancelled")
        with pytest.raises(Unavailable, match="hung up"):
            await joint.line.answer()

    async def test_refused_while_it_rings(self, joint: Joint) -> None:
        await joint.line.hang_up()
        closed = await closed_far(joint)
        assert closed.code == 486

    async def test_stats_count_packets(self, joint: Joint) -> None:
        await joint.line.answer()
        await joint.pass_ticks(10)
        await joint.far.hang_up()
        await events_until(joint, LineClosed)
        stats = joint.line.stats()
        assert stats.packets_sent is not None
        assert stats.packets_sent >= 5


__all__ = ["DialFailed", "Far", "Joint", "LineContract", "events_until", "loud"]
