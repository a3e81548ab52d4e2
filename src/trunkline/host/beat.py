"""The beat: one thread that moves every live call on by 20 ms, on absolute deadlines.

It reads lines, runs the VAD once for all calls, ticks the sessions and writes to the lines. It does no I/O of
its own, logs nothing, waits for nobody: what else is to be done goes to the work loop, in one hand-over a beat.
"""

import asyncio
import contextlib
import gc
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from prometheus_client import Histogram

from trunkline.host.leg import Leg, News
from trunkline.platform.telemetry import metrics
from trunkline.voice.conversation.events import TICK_MS
from trunkline.voice.speech.ports import VoiceActivity

log = structlog.get_logger(__name__)

TICK_NS = TICK_MS * 1_000_000
_CATCH_UP = 50
"""Ticks (1 s) that are made up for; a longer stop (a suspended machine) is skipped and counted."""
_LATE_NS = 10_000_000

beat_work = Histogram(
    "trunkline_beat_work_seconds",
    "What a beat took for all calls.",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.05, 0.1),
    registry=metrics.REGISTRY,
)


def tune_interpreter() -> None:
    """Make this process fit for the beat: short turns of the interpreter lock, few and short collections.

    Call it once, when everything that lives as long as the process is loaded.
    """
    sys.setswitchinterval(0.0005)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@dataclass(slots=True)
class BeatCounts:
    """What the beat has done so far."""

    ticks: int = 0
    late: int = 0
    """Ticks that began more than 10 ms after their time."""
    skipped: int = 0
    """Ticks given up after a stop of more than a second."""
    vad_faults: int = 0
    """Batches that the VAD failed on; the probabilities before them were held."""


@dataclass(slots=True)
class Beat:
    """Ticks every leg it is given, until that leg is taken away again."""

    vad: VoiceActivity
    loop: asyncio.AbstractEventLoop
    """The work loop, where owners are told."""
    counts: BeatCounts = field(default_factory=BeatCounts)
    clocks: list[Callable[[], None]] = field(default_factory=list)
    """Called at the end of each tick: what is paced by it. Set before the start; as quick and quiet as the rest."""
    _legs: list[Leg] = field(default_factory=list)
    _joining: deque[Leg] = field(default_factory=deque)
    _leaving: deque[tuple[Leg, asyncio.Future[None]]] = field(default_factory=deque)
    _thread: threading.Thread | None = None
    _stopping: bool = False

    def start(self) -> None:
        """Begin to beat, in a thread of its own."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="beat", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """End after the tick in hand."""
        self._stopping = True
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.to_thread(thread.join)

    @property
    def alive(self) -> bool:
        """False when the beat has not been started, was stopped, or has died of a fault of its own."""
        return self._thread is not None and self._thread.is_alive()

    def add(self, leg: Leg) -> None:
        """Tick this leg from the next beat on."""
        self._joining.append(leg)

    async def remove(self, leg: Leg) -> None:
        """Tick this leg no more; returns when the beat has let go of it."""
        gone: asyncio.Future[None] = self.loop.create_future()
        self._leaving.append((leg, gone))
        if self._thread is None or not self._thread.is_alive():
            self._take_leave()
        await gone

    def step(self, behind: int = 0) -> None:
        """One tick of every leg. `behind`: how many more are due already."""
        news: list[News] = []
        self._take_leave()
        self._welcome(news)
        self._hear(behind, news)
        for leg in self._legs:
            if not leg.failed:
                try:
                    leg.advance(news)
                except Exception as error:  # noqa: BLE001 - one call's fault ends that call, never the beat
                    leg.fail(error, news)
        for clock in self.clocks:
            clock()
        self.counts.ticks += 1
        if news:
            # The loop is closed only when the process ends; then nobody is left to be told.
            with contextlib.suppress(RuntimeError):
                self.loop.call_soon_threadsafe(_tell, news)

    def _hear(self, behind: int, news: list[News]) -> None:
        heard: list[Leg] = []
        slots: list[int] = []
        windows: list[bytes] = []
        for leg in self._legs:
            if leg.failed:
                continue
            try:
                window = leg.hear(behind)
            except Exception as error:  # noqa: BLE001 - one call's fault ends that call, never the beat
                leg.fail(error, news)
                continue
            if window is not None and leg.slot is not None:
                heard.append(leg)
                slots.append(leg.slot)
                windows.append(window)
        if not heard:
            return
        try:
            for leg, speech in zip(heard, self.vad.run(slots, windows), strict=True):
                leg.speech = speech
        except Exception:  # noqa: BLE001 - calls go on with the probabilities they had; the count tells
            self.counts.vad_faults += 1

    def _welcome(self, news: list[News]) -> None:
        while self._joining:
            leg = self._joining.popleft()
            self._legs.append(leg)
            try:
                leg.slot = self.vad.open()
            except Exception as error:  # noqa: BLE001 - one call's fault ends that call, never the beat
                leg.fail(error, news)

    def _take_leave(self) -> None:
        while self._leaving:
            leg, gone = self._leaving.popleft()
            if leg in self._joining:
                self._joining.remove(leg)
            if leg in self._legs:
                self._legs.remove(leg)
            if leg.slot is not None:
                self.vad.close(leg.slot)
                leg.slot = None
            with contextlib.suppress(RuntimeError):
                self.loop.call_soon_threadsafe(_settle, gone)

    def _run(self) -> None:
        # Raised priority needs a privilege; without it the beat runs like any thread.
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -10)
        due = time.monotonic_ns()
        while not self._stopping:
            due += TICK_NS
            began = time.monotonic_ns()
            if began < due:
                time.sleep((due - began) / 1e9)
                began = time.monotonic_ns()
            late = began - due
            behind = late // TICK_NS
            if behind > _CATCH_UP:
                self.counts.skipped += behind
                due += behind * TICK_NS
                behind = 0
            if late > _LATE_NS:
                self.counts.late += 1
            self.step(behind)
            metrics.beat_lateness.observe(late / 1e9)
            beat_work.observe((time.monotonic_ns() - began) / 1e9)


def _tell(news: list[News]) -> None:
    for method, arguments in news:
        try:
            method(*arguments)
        except Exception:
            # The others of this beat have to hear theirs.
            log.exception("news_of_the_beat_failed", method=method.__qualname__)


def _settle(gone: asyncio.Future[None]) -> None:
    if not gone.done():
        gone.set_result(None)
