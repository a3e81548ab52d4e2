"""The caller's side of a line: paces what it says and knows when it was said."""

import asyncio
import time

import numpy as np
import pytest

from trunkline.roles.demo.phone import Phone
from trunkline.voice.conversation.events import ClosedBy, LineClosed, LineEvent
from trunkline.voice.lines.line import Line, LineStats, Referred

TONE = (np.sin(np.arange(160) * 0.4) * 3000).astype(np.int16).tobytes()


class PacedLine:
    """Sends what it was given at 8 kHz by the wall clock; hears what the test puts in."""

    rate = 8000
    delay_ms = 0
    closed: LineClosed | None = None

    def __init__(self) -> None:
        self.heard = b""
        self.happened: list[LineEvent] = []
        self.most_queued = 0
        self.written = 0
        self._sent_until = time.monotonic()

    def read(self) -> bytes:
        heard, self.heard = self.heard, b""
        return heard

    def write(self, pcm: bytes) -> int:
        self._sent_until = max(self._sent_until, time.monotonic()) + len(pcm) / 2 / self.rate
        self.written += len(pcm)
        self.most_queued = max(self.most_queued, self.queued())
        return len(pcm) // 2

    def queued(self) -> int:
        return max(0, int((self._sent_until - time.monotonic()) * self.rate))

    def flush(self) -> None:
        raise NotImplementedError

    def events(self) -> list[LineEvent]:
        happened, self.happened = self.happened, []
        return happened

    async def answer(self) -> None:
        raise NotImplementedError

    async def hang_up(self) -> None:
        raise NotImplementedError

    async def send_digits(self, digits: str) -> None:
        raise NotImplementedError

    async def hold(self) -> None:
        raise NotImplementedError

    async def resume(self) -> None:
        raise NotImplementedError

    async def refer(self, target: str, seconds: float) -> Referred:
        raise NotImplementedError

    async def replace(self, other: Line, seconds: float) -> Referred:
        raise NotImplementedError

    def stats(self) -> LineStats:
        return LineStats()


@pytest.fixture
def line() -> PacedLine:
    return PacedLine()


async def test_speech_is_sent_whole_and_never_far_ahead(line: PacedLine) -> None:
    async with Phone(line) as phone:
        first, last = await phone.say(TONE * 25)
    assert line.written == 25 * len(TONE)
    assert line.most_queued <= 0.061 * line.rate
    # 25 frames leave 20 ms apart; a busy machine can only make it longer.
    assert last - first >= 24 * 0.02 - 0.005


async def test_the_other_side_is_heard_to_begin_and_to_end(line: PacedLine) -> None:
    async with Phone(line) as phone:
        began = time.monotonic()
        line.heard = TONE * 5
        heard = await phone.voice_after(began - 1, within=10)
        assert heard is not None
        silent = await phone.quiet_for(0.05, since=began - 1, within=10)
        assert silent is not None
        assert time.monotonic() - silent >= 0.05
        assert await phone.voice_for(0.2, since=began - 1, within=0.05) is None


async def test_a_line_that_closes_ends_every_wait(line: PacedLine) -> None:
    async with Phone(line) as phone:
        waiting = asyncio.gather(phone.say(TONE * 500), phone.voice_after(0.0, within=600))
        line.happened.append(LineClosed(ClosedBy.REMOTE))
        async with asyncio.timeout(10):
            _, heard = await waiting
    assert heard is None
    assert phone.closed.is_set()
