"""Joins two parties of this host: what the one says the other hears, and keys go across.

The beat hears all lines before it moves any of them on, so a frame reaches the other line in the tick in which it was
read: a bridge adds nothing but what the lines themselves take.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np
import structlog

from trunkline.host.leg import Leg, Owner
from trunkline.voice.conversation.events import Digit, Event, LineClosed, Request, SendDigits
from trunkline.voice.lines.halfband import rate_change
from trunkline.voice.lines.line import Line

log = structlog.get_logger(__name__)

_SURPLUS_TICKS = 1
"""Frames (20 ms) that may wait in a line; late beats and slow clocks add to them, and one more is left out …"""
_SILENCE_PEAK = 300
"""… once nobody speaks, or when as many wait as …"""
_CEILING_TICKS = 10
"""… these (200 ms)."""


@dataclass(frozen=True)
class Party:
    """Somebody on a line of this host."""

    leg: Leg
    line: Line
    owner: Owner
    """Who is told that the line has closed."""


class Bridge:
    """Two parties joined, until one of them leaves. Belongs to the work loop; its sides to the beat."""

    def __init__(self, one: Party, other: Party) -> None:
        self._parties = (one, other)
        self._over = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._left: Line | None = None

    def join(self) -> None:
        """From the next tick on they hear each other."""
        one, other = self._parties
        one.leg.pass_to(_Side(one, other), _SideOwner(self, one, other))
        other.leg.pass_to(_Side(other, one), _SideOwner(self, other, one))

    async def over(self) -> Line | None:
        """Returns when one has left, with the line that closed; None: they were parted.

        A line that is still up is whoever's who opened it.
        """
        try:
            await self._over.wait()
        finally:
            for task in self._tasks:
                task.cancel()
        return self._left

    def part(self, left: Line | None = None) -> None:
        """Let go of both; `left`: the line that closed, where it is for that."""
        if not self._over.is_set():
            self._left = left
            self._over.set()

    def press(self, line: Line, digits: str) -> None:
        """Keys that one pressed, for the other."""
        task = asyncio.create_task(_pressed(line.send_digits(digits)), name="keys across a bridge")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Side:
    """What the beat ticks in place of a conversation: gives a line what the other side said."""

    def __init__(self, party: Party, other: Party) -> None:
        self._other = other.leg
        self._rate_change: Callable[[bytes], bytes] = rate_change(other.line.rate, party.line.rate)
        self._tick_samples = party.line.rate // 50
        self.ended = False

    def tick(self, frame: bytes | None, speech: float, queued: int) -> tuple[bytes, list[Request]]:
        said = self._other.frame
        if said is None:
            return b"", []
        sound = self._rate_change(said)
        surplus = queued > _SURPLUS_TICKS * self._tick_samples
        if surplus and (queued > _CEILING_TICKS * self._tick_samples or _is_silent(sound)):
            return b"", []
        return sound, []

    def feed(self, event: Event) -> list[Request]:
        match event:
            case Digit(digit):
                return [SendDigits(digit)]
            case LineClosed():
                self.ended = True
        return []


class _SideOwner:
    """Hears on the work loop what became of a side."""

    def __init__(self, bridge: Bridge, party: Party, other: Party) -> None:
        self._bridge = bridge
        self._party = party
        self._other = other

    def asked(self, requests: list[Request]) -> None:
        for request in requests:
            if isinstance(request, SendDigits):
                self._bridge.press(self._other.line, request.digits)

    def talk_ended(self) -> None:
        self._bridge.part(self._party.line)

    def line_closed(self, event: LineClosed) -> None:
        self._party.owner.line_closed(event)
        self._bridge.part(self._party.line)

    def beat_failed(self, error: Exception) -> None:
        log.error("bridge_failed", error=type(error).__name__, exc_info=error)
        self._bridge.part()


def _is_silent(pcm: bytes) -> bool:
    sound = np.frombuffer(pcm, "<i2")
    return not sound.size or int(sound.max()) - int(sound.min()) < 2 * _SILENCE_PEAK


async def _pressed(sending: Awaitable[None]) -> None:
    try:
        await sending
    except Exception as error:  # noqa: BLE001 - whatever ails the line, the talk goes on
        log.warning("digits_not_sent", error=type(error).__name__)
