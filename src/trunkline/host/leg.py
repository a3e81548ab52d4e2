"""One party on the beat: its line, its session, and what lies between them for one tick."""

import contextlib
import threading
from collections.abc import Callable
from typing import Protocol

from trunkline.host.frames import FrameQueue, VadWindow
from trunkline.voice.conversation.events import (
    AudioRestarted,
    Event,
    Flush,
    Flushed,
    LineClosed,
    LineEvent,
    Request,
)
from trunkline.voice.lines.line import Line

QUIET = 0.35
"""Voice probability below which the caller counts as silent."""


class Talk(Protocol):
    """What a leg needs of `voice.conversation.session.Session`."""

    @property
    def ended(self) -> bool: ...

    def tick(self, frame: bytes | None, speech: float, queued: int) -> tuple[bytes, list[Request]]: ...

    def feed(self, event: Event) -> list[Request]: ...


class Tape(Protocol):
    """What a leg needs of `host.recorder.Recorder`; called on the beat, so it only notes down."""

    def tick(self, frame: bytes | None, written: bytes) -> None:
        """One tick: what was heard (None: lost) and what was handed to the line."""
        ...

    def flush(self) -> None:
        """The line was told to drop what is queued."""
        ...

    def flushed(self, samples: int) -> None:
        """The line dropped this many samples that it had been handed."""
        ...


class NoTape:
    """The tape of a call that is not recorded."""

    def tick(self, frame: bytes | None, written: bytes) -> None:
        return

    def flush(self) -> None:
        return

    def flushed(self, samples: int) -> None:
        return


class GatedTape:
    """A tape that runs only while it may: from the caller's consent on, or until somebody has taken the call over."""

    def __init__(self, tape: Tape, running: bool) -> None:
        self._tape = tape
        self.running = running

    def tick(self, frame: bytes | None, written: bytes) -> None:
        if self.running:
            self._tape.tick(frame, written)

    def flush(self) -> None:
        if self.running:
            self._tape.flush()

    def flushed(self, samples: int) -> None:
        if self.running:
            self._tape.flushed(samples)


class Owner(Protocol):
    """Whom a leg tells, on the work loop, what came of a tick."""

    def asked(self, requests: list[Request]) -> None:
        """The session wants this done."""
        ...

    def talk_ended(self) -> None:
        """The session has ended; told once."""
        ...

    def line_closed(self, event: LineClosed) -> None:
        """The line has gone; told once to each owner, also of a line that had gone before it was theirs."""
        ...

    def beat_failed(self, error: Exception) -> None:
        """A tick raised; the leg is not ticked again. Told once."""
        ...


News = tuple[Callable[..., None], tuple[object, ...]]
"""A method of an owner and what to call it with, on the work loop."""


class Leg:
    """A party's state between two ticks. All methods run on the beat thread."""

    def __init__(self, line: Line, talk: Talk, tape: Tape, owner: Owner, lock: threading.Lock) -> None:
        self._line = line
        self._talk = talk
        self._tape = tape
        self._owner = owner
        self._lock = lock
        self._queue = FrameQueue(line.rate)
        self._window = VadWindow(line.rate)
        self._frame: bytes | None = None
        self._next: tuple[Talk, Owner] | None = None
        self._ended = False
        self._closed: LineClosed | None = None
        self._told_closed = False
        self.slot: int | None = None
        """The VAD's slot, given by the beat."""
        self.speech = 0.0
        """The voice probability of the last whole window."""
        self.failed = False

    def pass_to(self, talk: Talk, owner: Owner) -> None:
        """Let another talk have the line from the next tick on, and another owner hear of it. From any thread."""
        self._next = talk, owner

    @property
    def frame(self) -> bytes | None:
        """What was heard in this tick; the same for all who ask until the next one."""
        return self._frame

    @property
    def missing(self) -> int:
        """Ticks so far in which no frame was there."""
        return self._queue.missing

    def hear(self, behind: int) -> bytes | None:
        """Read the line and set this tick's frame; a VAD window if one is whole.

        `behind`: ticks that the beat still has to catch up.
        """
        arrived = self._line.read()
        if arrived:
            self._queue.push(arrived)
        self._frame = self._queue.take(self.speech < QUIET, behind)
        return self._window.push(self._frame)

    def advance(self, news: list[News]) -> None:
        """Tell the session what happened on the line, give it its tick and do at once what cannot wait."""
        missed = self._change_hands()
        asked: list[Request] = []
        written = b""
        line, talk = self._line, self._talk
        for event in (*missed, *line.events()):
            if isinstance(event, Flushed | AudioRestarted):
                self._tape.flushed(event.samples)
            elif isinstance(event, LineClosed) and not self._told_closed:
                self._closed, self._told_closed = event, True
                news.append((self._owner.line_closed, (event,)))
            with self._lock:
                requests = talk.feed(event)
            self._sort(requests, asked)
        if not talk.ended:
            with self._lock:
                written, requests = talk.tick(self._frame, self.speech, line.queued())
            self._sort(requests, asked)
            if written:
                line.write(written)
        self._tape.tick(self._frame, written)
        if asked:
            news.append((self._owner.asked, (asked,)))
        if talk.ended and not self._ended:
            self._ended = True
            news.append((self._owner.talk_ended, ()))

    def fail(self, error: Exception, news: list[News]) -> None:
        """A tick raised: silence the line, leave the beat to the others."""
        self.failed = True
        with contextlib.suppress(Exception):  # the line may be what failed
            self._line.flush()
        news.append((self._owner.beat_failed, (error,)))

    def _change_hands(self) -> list[LineEvent]:
        """Let whoever was passed the line have it; what they have to be told of before: that it has closed already."""
        if self._next is None:
            return []
        (self._talk, self._owner), self._next = self._next, None
        self._ended = self._told_closed = False
        return [] if self._closed is None else [self._closed]

    def _sort(self, requests: list[Request], asked: list[Request]) -> None:
        """A flush happens now, before anything new is written; the rest is for the work loop."""
        for request in requests:
            if isinstance(request, Flush):
                self._tape.flush()
                self._line.flush()
            else:
                asked.append(request)
