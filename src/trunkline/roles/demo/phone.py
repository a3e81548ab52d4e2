"""A caller's side of a line: speaks prepared sound at its pace and listens, by the clock of this process."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from trunkline.roles.demo.ear import FRAME_MS, Ear, frame_bytes
from trunkline.voice.conversation.events import LineClosed
from trunkline.voice.lines.line import Line

_Look = Callable[[float], float | None]
_STEP = 0.005
_AHEAD_MS = 60


class Phone:
    """Reads and writes a line a few milliseconds at a time, for as long as it is open."""

    def __init__(self, line: Line) -> None:
        self.ear = Ear(line.rate)
        self.closed = asyncio.Event()
        self._line = line
        self._to_say = b""
        self._first_sent = 0.0
        self._last_sent = 0.0
        self._said = asyncio.Event()
        self._beat: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._beat = asyncio.create_task(self._run(), name="phone")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._beat is not None
        self._beat.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._beat

    async def say(self, pcm: bytes) -> tuple[float, float]:
        """Speak; answers when the first and the last frame of it left. `pcm` is whole frames."""
        self._to_say, self._first_sent, self._last_sent = pcm, 0.0, 0.0
        self._said.clear()
        await self._first_of(self._said)
        return self._first_sent, self._last_sent

    async def voice_after(self, moment: float, within: float) -> float | None:
        """When the other side was heard to speak after a moment; None if not `within` seconds of now."""
        return await self._until(lambda now: self.ear.first_after(moment), within)

    async def quiet_for(self, seconds: float, since: float, within: float) -> float | None:
        """When the other side, having spoken after `since`, had been silent this long; None if not `within`."""

        def ended(now: float) -> float | None:
            last = self.ear.last_before(now + 1)
            return last if last is not None and since < last <= now - seconds else None

        return await self._until(ended, within)

    async def voice_for(self, seconds: float, since: float, within: float) -> float | None:
        """When the other side had spoken for this long since a moment; None if not `within`."""
        return await self._until(lambda now: now if self.ear.voiced_since(since) >= seconds else None, within)

    async def _until(self, found: _Look, within: float) -> float | None:
        deadline = time.monotonic() + within
        while (now := time.monotonic()) < deadline and not self.closed.is_set():
            if (answer := found(now)) is not None:
                return answer
            await asyncio.sleep(_STEP)
        return None

    async def _first_of(self, event: asyncio.Event) -> None:
        waits = [asyncio.create_task(event.wait()), asyncio.create_task(self.closed.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def _run(self) -> None:
        while not self.closed.is_set():
            self.ear.listen(self._line.read(), time.monotonic())
            self._speak()
            if any(isinstance(event, LineClosed) for event in self._line.events()):
                self.closed.set()
            await asyncio.sleep(_STEP)

    def _speak(self) -> None:
        size = frame_bytes(self._line.rate)
        while self._to_say:
            queued_ms = self._line.queued() * 1000 / self._line.rate
            if queued_ms > _AHEAD_MS - FRAME_MS:
                return
            self._line.write(self._to_say[:size])
            self._to_say = self._to_say[size:]
            leaves = time.monotonic() + (queued_ms + FRAME_MS) / 1000
            self._first_sent = self._first_sent or leaves
            self._last_sent = leaves
            if not self._to_say:
                self._said.set()
