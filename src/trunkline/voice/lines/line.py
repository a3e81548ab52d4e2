"""The port that every line fulfils. A host knows nothing else of telephony.

A `Line` is one party's sound plus the events of its signalling. The methods under "beat" are called from the
beat thread every 20 ms: they never block, never raise for a line that has gone, and cost microseconds. The
coroutines run on the work loop.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from trunkline.voice.conversation.events import LineClosed, LineEvent


@dataclass(frozen=True)
class LineStats:
    """What the line knows of itself; None where it cannot tell."""

    packets_received: int | None = None
    packets_sent: int | None = None
    packets_lost: int | None = None
    jitter_ms: float | None = None
    round_trip_ms: float | None = None


@dataclass(frozen=True)
class Referred:
    """What came of a blind transfer."""

    ok: bool
    """The other side has told that its new call was answered; that it took the request is not enough."""
    reason: str = ""
    """In plain words, when not ok."""
    code: int | None = None
    """SIP status, where there was one."""


class Line(Protocol):
    """One party on one call."""

    @property
    def rate(self) -> int:
        """Samples a second of the PCM both ways; fixed from the answer on, and not known before."""
        ...

    @property
    def delay_ms(self) -> int:
        """What this kind of line adds to a turn when nothing is queued: wire to `read()` and `write()` to wire."""
        ...

    @property
    def closed(self) -> LineClosed | None:
        """How the line ended, once it has; known on the work loop, before `events()` tells the beat."""
        ...

    # ---- beat ----

    def read(self) -> bytes:
        """All PCM that arrived since the last read (mono s16le); b"" when none."""
        ...

    def write(self, pcm: bytes) -> int:
        """Queue PCM to be sent; answers the samples accepted."""
        ...

    def queued(self) -> int:
        """Samples written and not yet on the wire."""
        ...

    def flush(self) -> None:
        """Drop what is queued; the samples dropped come back as `Flushed` from `events()` within two beats."""
        ...

    def events(self) -> list[LineEvent]:
        """What happened since the last call, in order."""
        ...

    # ---- work loop ----

    async def answer(self) -> None:
        """Take an incoming call; returns when sound flows."""
        ...

    async def hang_up(self) -> None:
        """End the line (or refuse it, while it rings); `LineClosed` follows. Safe to repeat."""
        ...

    async def send_digits(self, digits: str) -> None:
        """Send DTMF (RFC 4733)."""
        ...

    async def hold(self) -> None:
        """Put the other side on hold; safe to repeat. What is written goes on being sent (music, if you like).

        Raises Unavailable when it could not be told. A line without signalling of its own does nothing.
        """
        ...

    async def resume(self) -> None:
        """Take the other side off hold. Raises like `hold`."""
        ...

    async def refer(self, target: str, seconds: float) -> Referred:
        """Ask the other side to call `target` (a `sip:` URI) in our place; returns when it has told the outcome.

        At most so many seconds. When it is ok, `LineClosed` by TRANSFER follows; otherwise the line stays up. Never
        raises for what the other side does.
        """
        ...

    async def replace(self, other: "Line", seconds: float) -> Referred:
        """Ask this line's other side to take our place towards that of `other` (REFER with Replaces, RFC 3891).

        Both are put on hold. When it is ok both lines close, ours by TRANSFER; otherwise both stay up, and may be on
        hold. At most so many seconds; never raises for what the other sides do.
        """
        ...

    def stats(self) -> LineStats:
        """Packets and jitter so far."""
        ...


@dataclass(frozen=True)
class IncomingCall:
    """A call that rings. `dialled` and `caller` are the user parts of To and From (E.164 where they are numbers)."""

    dialled: str
    caller: str
    line: Line
    call_id: str
    """SIP Call-ID (or the like of other lines)."""
    transport: str = "udp"
    headers: dict[str, str] = field(default_factory=dict)
    """X- headers of the INVITE."""
    registered: str = ""
    """The number whose registration brought the call; "" when it came by itself."""


IncomingHandler = Callable[[IncomingCall], Awaitable[None]]


@dataclass(frozen=True)
class Trunk:
    """Where outbound calls go out; `host` may carry a port."""

    host: str
    transport: str = "udp"
    username: str = ""
    password: str = field(default="", repr=False)
    caller_id: str = ""
    """User part of From."""


class LineEngine(Protocol):
    """Makes lines: one a voice process and kind."""

    async def start(self, on_incoming: IncomingHandler) -> None:
        """Listen; raises PortTaken when another program holds the port."""
        ...

    async def dial(
        self, target: str, trunk: Trunk | None, headers: dict[str, str], ring_timeout: float
    ) -> Line:
        """Call `target` (a `sip:` URI, or a number sent through `trunk`); returns when it is answered.

        Raises DialFailed with the SIP status when it is not; cancelling the coroutine cancels the call.
        """
        ...

    async def stop(self) -> None:
        """Refuse what is new; then close."""
        ...
