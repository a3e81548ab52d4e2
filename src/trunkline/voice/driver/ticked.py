"""The driver of a simulated call: what providers give is fed at a tick that does not depend on their real speed.

A result is due at `request tick + latency`; the run waits in real time only when a due result is not there yet,
so silence costs nothing, and the same seed and the same answers give the same bytes and notes. For that, words
that a recogniser offers by itself are not used (make the Session with `has_partials=False`: it asks instead), and
sound is cut evenly however it came.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from trunkline.voice.answers import taken_ms
from trunkline.voice.conversation.events import (
    TICK_MS,
    CloseLine,
    Event,
    Flush,
    Note,
    Request,
    SendDigits,
    Words,
)
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.driver.budgets import Budgets
from trunkline.voice.driver.job import Job
from trunkline.voice.driver.jobs import Jobs
from trunkline.voice.driver.latency import Latency
from trunkline.voice.driver.ports import Providers, RunTool
from trunkline.voice.language.ports import LanguageModel
from trunkline.voice.lines.line import Line
from trunkline.voice.speech.ports import SpeechToText, TextToSpeech, TurnModel, VoiceActivity
from trunkline.voice.speech.resample import Resampler

_VAD_RATE = 8000
_VAD_BYTES = 512
"""256 samples: 32 ms."""


class Talk(Protocol):
    """What the driver needs of `voice.conversation.session.Session`."""

    @property
    def ended(self) -> bool: ...

    def tick(self, frame: bytes | None, speech: float, queued: int) -> tuple[bytes, list[Request]]: ...

    def feed(self, event: Event) -> list[Request]: ...


@dataclass(eq=False)
class _Stream:
    """What a job has given and what was fed of it."""

    job: Job
    serial: int
    began: float
    """Real time."""
    asked_ms: float
    """When the next item's latency begins to count, on the call's clock."""
    taken_ms: float = 0.0
    """What the provider had taken then, from the beginning of the job."""
    due_ms: float | None = None
    """When the next item is fed; None: not known before it is there."""
    index: int = 0
    items: deque[tuple[Event, float]] = field(default_factory=deque)
    """With what the provider had taken when it came, in ms from the beginning of the job."""
    whole: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)


class TickDriver:
    """Drives one leg of a simulated call; `run` ticks it."""

    def __init__(
        self,
        session: Talk,
        line: Line,
        *,
        profile: Profile,
        stt: SpeechToText,
        tts: TextToSpeech,
        llm: LanguageModel,
        turn: TurnModel,
        run_tool: RunTool,
        on_note: Callable[[Note], None],
        latency: Latency,
        budgets: Budgets | None = None,
    ) -> None:
        self.session = session
        self._line = line
        self._on_note = on_note
        self._latency = latency
        self._tick = 0
        self._streams: dict[Job, _Stream] = {}
        self._started = 0
        self._fresh = False
        self._hang_up = False
        self._digits = ""
        self._heard = bytearray()
        self._frame = line.rate * TICK_MS // 1000 * 2
        self._narrow = Resampler(line.rate, _VAD_RATE)
        self._window = bytearray()
        providers = Providers(stt, tts, llm, turn, run_tool)
        self._jobs = Jobs(providers, profile, line.rate, budgets or Budgets(), self, repeatable=True)

    # ---- a tick ----

    def hear(self) -> tuple[bytes | None, bytes | None]:
        """This tick's frame, and a window for the VAD if one is whole."""
        self._heard += self._line.read()
        frame = None
        if len(self._heard) >= self._frame:
            frame = bytes(self._heard[: self._frame])
            del self._heard[: self._frame]
        self._window += self._narrow.push(frame or bytes(self._frame))
        if len(self._window) < _VAD_BYTES:
            return frame, None
        window = bytes(self._window[:_VAD_BYTES])
        del self._window[:_VAD_BYTES]
        return frame, window

    async def step(self, frame: bytes | None, speech: float) -> None:
        """Feed what is due, then let 20 ms pass."""
        self._tick += 1
        for event in self._line.events():
            self._do(self.session.feed(event))
        await self._deliver()
        sound, requests = self.session.tick(frame, speech, self._line.queued())
        self._do(requests)
        if sound:
            self._line.write(sound)
        await self._begin()
        if self._digits:
            digits, self._digits = self._digits, ""
            await self._line.send_digits(digits)
        if self._hang_up:
            self._hang_up = False
            await self._line.hang_up()

    async def close(self) -> None:
        """Cancel all work and wait until it has ended."""
        await self._jobs.close()

    def _do(self, requests: Sequence[Request]) -> None:
        for request in requests:
            match request:
                case Note():
                    self._on_note(request)
                case CloseLine():
                    self._hang_up = True
                case SendDigits(digits):
                    self._digits += digits
                case Flush():
                    self._line.flush()
                case _:
                    self._jobs.start(request)

    async def _begin(self) -> None:
        """Let new jobs take what they work on before the next sound is heard: same sound in, same words out."""
        if self._fresh:
            self._fresh = False
            await asyncio.sleep(0)

    # ---- what is due ----

    async def _deliver(self) -> None:
        while (stream := self._next()) is not None:
            while not stream.items and not stream.whole:
                stream.news.clear()
                await stream.news.wait()
            if stream.due_ms is None:
                self._measure(stream)
            elif stream.items:
                self._feed(stream)
            else:
                self._jobs.settle(stream.job)
                del self._streams[stream.job]
            await self._begin()

    @property
    def _now_ms(self) -> int:
        return self._tick * TICK_MS

    def _next(self) -> _Stream | None:
        due = [
            stream
            for stream in self._streams.values()
            if (stream.due_ms is None or stream.due_ms <= self._now_ms) and not stream.job.blocked
        ]
        return min(due, key=lambda stream: (stream.due_ms or 0.0, stream.serial), default=None)

    def _measure(self, stream: _Stream) -> None:
        """The item is there and it is known at last how long it took."""
        taken = stream.items[0][1] if stream.items else stream.taken_ms
        self._schedule(stream, max(0.0, taken - stream.taken_ms))

    def _feed(self, stream: _Stream) -> None:
        event, stream.taken_ms = stream.items.popleft()
        stream.index += 1
        # Not later than it was due, so that the rounding to ticks does not add up; unless it had to wait its turn.
        stream.asked_ms = max(stream.due_ms or 0.0, self._now_ms - TICK_MS)
        stream.due_ms = None
        if (ms := self._latency.ms(stream.job, stream.index)) is not None:
            self._schedule(stream, ms)
        self._do(self.session.feed(event))

    def _schedule(self, stream: _Stream, ms: float) -> None:
        least = TICK_MS if stream.index == 0 else 0
        stream.due_ms = stream.asked_ms + max(ms, least)

    # ---- Clock: what comes of the jobs ----

    def began(self, job: Job) -> None:
        self._started += 1
        self._fresh = True
        stream = _Stream(job, self._started, asyncio.get_running_loop().time(), self._now_ms)
        self._streams[job] = stream
        if (ms := self._latency.ms(job, 0)) is not None:
            self._schedule(stream, ms)

    def came(self, job: Job, event: Event) -> None:
        stream = self._streams[job]
        taken = taken_ms()
        if taken is None:
            taken = (asyncio.get_running_loop().time() - stream.began) * 1000
        stream.items.append((event, taken))
        stream.news.set()

    def ended(self, job: Job) -> None:
        stream = self._streams[job]
        stream.whole = True
        stream.news.set()

    def cancelled(self, job: Job) -> None:
        del self._streams[job]

    def partial(self, event: Words) -> None:
        return


async def run(
    legs: Sequence[TickDriver],
    vad: VoiceActivity,
    advance: Callable[[], None],
    until: Callable[[], bool] | None = None,
    most_ms: int = 3_600_000,
) -> int:
    """Tick all legs until every session has ended, or `until` says so, or `most_ms` have passed; answers the time.

    `advance` moves the lines by 20 ms. Nothing is left running when it returns or raises.
    """
    slots = [vad.open() for _ in legs]
    speech = [0.0 for _ in legs]
    now = 0
    try:
        while now < most_ms and not all(leg.session.ended for leg in legs) and not (until and until()):
            now += TICK_MS
            advance()
            heard = [leg.hear() for leg in legs]
            ready = [n for n, (_, window) in enumerate(heard) if window is not None]
            windows = [window for _, window in heard if window is not None]
            for n, probability in zip(ready, vad.run([slots[n] for n in ready], windows), strict=True):
                speech[n] = probability
            for leg, (frame, _), voice in zip(legs, heard, speech, strict=True):
                await leg.step(frame, voice)
    finally:
        for slot in slots:
            vad.close(slot)
        for leg in legs:
            await leg.close()
    return now
