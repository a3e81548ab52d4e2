"""Small stand-ins on either side of the beat: a line, a talk, a VAD, a tape and an owner."""

from collections.abc import Callable
from dataclasses import dataclass, field

from trunkline.voice.conversation.events import Event, LineClosed, LineEvent, Request
from trunkline.voice.lines.line import Line, LineStats, Referred


@dataclass
class StubLine:
    """A line fed by hand."""

    rate: int = 8000
    delay_ms: int = 0
    arriving: list[bytes] = field(default_factory=list)
    happening: list[LineEvent] = field(default_factory=list)
    acts: list[object] = field(default_factory=list)
    """What was done to the line, in order: the bytes written, and "flush"."""
    closed: LineClosed | None = None

    def read(self) -> bytes:
        arrived = b"".join(self.arriving)
        self.arriving.clear()
        return arrived

    def write(self, pcm: bytes) -> int:
        self.acts.append(pcm)
        return len(pcm) // 2

    def queued(self) -> int:
        return 0

    def flush(self) -> None:
        self.acts.append("flush")

    def events(self) -> list[LineEvent]:
        happened = list(self.happening)
        self.happening.clear()
        return happened

    async def answer(self) -> None: ...

    async def hang_up(self) -> None: ...

    async def send_digits(self, digits: str) -> None: ...

    async def hold(self) -> None: ...

    async def resume(self) -> None: ...

    async def refer(self, target: str, seconds: float) -> Referred:
        return Referred(False, "not here")

    async def replace(self, other: Line, seconds: float) -> Referred:
        return Referred(False, "not here")

    def stats(self) -> LineStats:
        return LineStats()


@dataclass
class StubTalk:
    """A session that does as it is told by `on_tick` and `on_feed`."""

    ended: bool = False
    ticks: list[tuple[bytes | None, float, int]] = field(default_factory=list)
    fed: list[Event] = field(default_factory=list)
    on_tick: Callable[[], tuple[bytes, list[Request]]] = lambda: (b"", [])
    on_feed: Callable[[Event], list[Request]] = lambda event: []

    def tick(self, frame: bytes | None, speech: float, queued: int) -> tuple[bytes, list[Request]]:
        self.ticks.append((frame, speech, queued))
        return self.on_tick()

    def feed(self, event: Event) -> list[Request]:
        self.fed.append(event)
        return self.on_feed(event)


@dataclass
class StubTape:
    ticks: list[tuple[bytes | None, bytes]] = field(default_factory=list)
    flushes: int = 0
    dropped: int = 0

    def tick(self, frame: bytes | None, written: bytes) -> None:
        self.ticks.append((frame, written))

    def flush(self) -> None:
        self.flushes += 1

    def flushed(self, samples: int) -> None:
        self.dropped += samples


@dataclass
class StubOwner:
    requests: list[Request] = field(default_factory=list)
    ended: int = 0
    closed: list[LineClosed] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def asked(self, requests: list[Request]) -> None:
        self.requests += requests

    def talk_ended(self) -> None:
        self.ended += 1

    def line_closed(self, event: LineClosed) -> None:
        self.closed.append(event)

    def beat_failed(self, error: Exception) -> None:
        self.errors.append(error)


@dataclass
class StubVad:
    """Answers `speech` for every window and remembers each batch."""

    speech: float = 0.0
    batches: list[list[int]] = field(default_factory=list)
    open_slots: set[int] = field(default_factory=set)
    _next: int = 0

    def open(self) -> int:
        self._next += 1
        self.open_slots.add(self._next)
        return self._next

    def close(self, slot: int) -> None:
        self.open_slots.remove(slot)

    def run(self, slots: list[int], chunks: list[bytes]) -> list[float]:
        assert all(len(chunk) == 512 for chunk in chunks)
        self.batches.append(list(slots))
        return [self.speech] * len(slots)
