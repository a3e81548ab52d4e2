"""A storm over whole calls, drawn from a seed.

Callers speak, press keys, hold, fall silent and leave when they like; lines lose and delay packets; the model, the voice,
the recogniser and the turn model fail, drip and hang; operators hang up and cancel; the database and the store of
recordings go away, and answers of theirs are lost; the host is taken for dead, or killed with its calls up, and another one
comes. `storm_rules` says what holds behind it.

It blows over a host on PostgreSQL (`storm_database`), and over one whose rows are in memory and whose time is virtual
(`storm_ledger`), where a thousand calls are a matter of seconds.
"""

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Protocol, cast
from uuid import UUID

from tests.host.rig import Rig
from tests.host.storm_rules import Told
from trunkline.errors import Unavailable
from trunkline.platform.storage.blobs import Blobs
from trunkline.resources.calls.live import LiveCalls
from trunkline.voice.conversation.events import EndReason, HangUp, Say, Whisper
from trunkline.voice.lines.loopback import Impairments, LoopbackLine
from trunkline.voice.speech import tones

NUMBER = "+15550100"
RATE = 8000
_PATIENCE = 120.0
"""Seconds of the clock that is used in which a calm host has put down its last call."""
_UNHEARD = Impairments(mulaw=False)
"""Nobody listens at the far end; what the agent says is on the recording."""
_WORDS = ("yes", "no wait", "stop", "go on", "do you open sundays", "I move")


class Books(Protocol):
    """Where a storm is written down."""

    seed: int
    blobs: Blobs
    """Where recordings are kept."""
    away: bool
    """The database is, for hosts; set by the storm."""
    store_away: bool
    """The store of recordings is, for everybody; set by the storm."""

    @property
    def live(self) -> LiveCalls:
        """What hosts ask."""
        ...

    def rig(self, live: LiveCalls, folder: Path, capacity: int) -> Rig:
        """A host that has not started."""
        ...

    async def accept(self, target: str) -> UUID:
        """A call that is to be placed."""
        ...

    async def place(self, call_id: UUID) -> None:
        """Offer it to a host."""
        ...

    async def look(self) -> None:
        """What the worker does every second."""
        ...

    async def bury(self, host: UUID) -> None:
        """The host is taken for dead: what it held is closed."""
        ...

    async def undialled(self) -> bool:
        """Is there a call that nobody has dialled yet?"""
        ...

    async def held(self, host: UUID) -> int:
        """Calls that are open there."""
        ...

    async def told(self, checked: set[UUID]) -> list[Told]:
        """Of every call that is not among those checked."""
        ...


class Gate:
    """Stands in front of something that may be away, or whose answer may be lost on the way back."""

    def __init__(self, behind: object, is_away: Callable[[], bool], dice: Random | None = None) -> None:
        """`dice`: draws which answers are lost; None: none is."""
        self._behind = behind
        self._is_away = is_away
        self._dice = dice

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._behind, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def asked(*args: Any, **named: Any) -> Any:
            if self._is_away():
                raise Unavailable("It is away.")
            done = await found(*args, **named)
            if self._dice is not None and name in _REPEATABLE and self._dice.random() < 0.01:
                raise Unavailable("It was done, and the answer lost.")
            return done

        return asked


_REPEATABLE = frozenset({"claim", "ringing", "answered", "append", "append_late", "dial_failed", "finish"})


@dataclass
class Guest:
    """The far end of one call, and what it will do at which of its ticks."""

    line: LoopbackLine
    deeds: dict[int, Callable[[], Any]]
    ticks: int = 0

    async def tick(self) -> None:
        self.line.read()
        self.ticks += 1
        deed = self.deeds.get(self.ticks)
        if deed is not None and self.line.closed is None:
            done = deed()
            if inspect.isawaitable(done):
                await done


@dataclass
class Storm:
    """One round: so many calls, in and out, over one host after another."""

    seed: int
    books: Books
    folder: Path
    calls: int = 40
    ticks: int = 450
    """In which callers come; after as many no caller is left."""
    stay: float = 150.0
    """Ticks that a caller stays, at the mean."""
    rings: Counter[str] = field(default_factory=Counter)
    """By whom we dialled."""

    def __post_init__(self) -> None:
        self.dice = Random(self.seed)
        self.guests: list[Guest] = []
        self.dialled: list[UUID] = []
        gate = Gate(self.books.live, lambda: self.books.away, Random(self.seed))
        self.live = cast(LiveCalls, gate)

    async def blow(self) -> None:
        """The whole round. On return nothing of it is up any more."""
        before = asyncio.all_tasks()
        rig = await self._host()
        arrivals = Counter(self.dice.randrange(self.ticks // 2) for _ in range(self.calls))
        operated = {self.dice.randrange(self.ticks) for _ in range(self.calls // 5)}
        away = self.dice.randrange(self.ticks)
        lost = self.dice.randrange(self.ticks)
        buried = away + 30 if self.dice.random() < 0.3 else None
        killed = self.dice.randrange(100, self.ticks) if self.dice.random() < 0.3 else None
        for tick in range(self.ticks):
            self.books.away = away <= tick < away + 60
            self.books.store_away = lost <= tick < lost + 60
            for _ in range(arrivals[tick]):
                await self._begin(rig)
            if tick in operated:
                self._operate(rig)
            if tick == buried:
                await self._bury(rig)
            if tick == killed:
                await self._kill(rig, before)
                rig = await self._host()
            if tick % 50 == 0:
                await self._look()
            await self._tick(rig)
        self.books.away = self.books.store_away = False
        await self._calm(rig, before)

    async def _calm(self, rig: Rig, before: set[asyncio.Task[Any]]) -> None:
        async with asyncio.timeout(_PATIENCE):
            while await self.books.undialled():  # offers that went by while the host was away or dead
                await self._look()
                rig.host.wake()
                await self._tick(rig)
            draining = asyncio.ensure_future(rig.host.drain())
            while not draining.done():
                for guest in self.guests:
                    await guest.line.hang_up()
                await self._tick(rig)
            await draining
        assert not rig.host.admission.count and not rig.holding.calls, "a call is still held"
        assert not await self.books.held(rig.node.identity.id), "a call is still open"
        await rig.host.stop()
        await rig.close()
        assert not list(self.folder.glob("journal/*.jsonl")), "notes are left in the journal"
        left = [task for task in asyncio.all_tasks() - before if not task.done()]
        assert not left, f"tasks are left: {left}"

    async def _host(self) -> Rig:
        rig = self.books.rig(self.live, self.folder, capacity=self.dice.choice((self.calls, self.calls // 4)))
        await rig.start()
        return rig

    async def _kill(self, rig: Rig, before: set[asyncio.Task[Any]]) -> None:
        """As kill -9 does: nothing of it is stored any more, its files are let go, its lines are dead."""
        self.books.away = True
        await asyncio.sleep(0)  # what has just rung has begun
        ours = asyncio.all_tasks() - before
        while ours:
            for task in sorted(ours, key=_age):
                task.cancel()
            await asyncio.wait(ours, timeout=1)
            ours = {task for task in asyncio.all_tasks() - before if not task.done()}
        await rig.drop()
        for guest in self.guests:
            await guest.line.hang_up()
        self.books.away = self.books.store_away = False
        await self._bury(rig)

    async def _bury(self, rig: Rig) -> None:
        with suppress(Unavailable):  # what could not be closed now is found by a later look
            await self.books.bury(rig.node.identity.id)

    async def _look(self) -> None:
        with suppress(Unavailable):
            await self.books.look()

    async def _begin(self, rig: Rig) -> None:
        if self.dice.random() < 0.7:
            line = await rig.engine.call(NUMBER, "+15550199", to_near=self._impaired(), to_far=_UNHEARD)
            self._welcome(line, self.dice)
            return
        target = f"sip:guest-{len(self.dialled)}@127.0.0.1"
        rig.engine.phones[target] = self._phone(target)
        call_id = await self.books.accept(target)
        self.dialled.append(call_id)
        for _ in range(self.dice.choice((1, 2))):  # a job may run twice
            await self.books.place(call_id)
        rig.host.wake()

    def _phone(self, target: str) -> Callable[[LoopbackLine], Any]:
        dice = Random(f"{self.seed}/{target}")

        async def rung(line: LoopbackLine) -> None:
            self.rings[target] += 1
            if dice.random() < 0.2:
                await line.hang_up()
                return
            with suppress(Unavailable):  # who called has given up
                await line.answer()
                self._welcome(line, dice)

        return rung

    def _welcome(self, line: LoopbackLine, dice: Random) -> None:
        leaves = min(self.ticks, 5 + int(dice.expovariate(1 / self.stay)))
        deeds = {dice.randint(1, leaves): _deed(line, dice) for _ in range(dice.randrange(4))}
        self.guests.append(Guest(line, deeds | {leaves: line.hang_up}))

    def _impaired(self) -> Impairments:
        loss, jitter = self.dice.choice((0.0, 0.0, 0.02, 0.1)), self.dice.choice((0, 0, 40))
        return Impairments(loss=loss, burst=2.0, jitter_ms=jitter, seed=self.dice.randrange(1 << 30))

    def _operate(self, rig: Rig) -> None:
        """Somebody who looks after the calls does something to one of them."""
        deed, live = self.dice.randrange(4), rig.host.live()
        if deed == 0 and self.dialled:
            rig.host.cancel(self.dice.choice(self.dialled))
        elif live:
            asked = (HangUp(EndReason.USER_CANCELED.value), Say("One moment."), Whisper("Be kind."))
            self.dice.choice(live).control(asked[deed - 1])

    async def _tick(self, rig: Rig) -> None:
        await rig.tick()
        for guest in self.guests:
            await guest.tick()
        if rig.beat.counts.ticks % 50 == 0:
            self.guests = [guest for guest in self.guests if guest.line.closed is None]


def _age(task: asyncio.Task[Any]) -> tuple[int, str]:
    """Tasks come in sets, whose order is another each time; unnamed ones are counted."""
    name = task.get_name()
    return len(name), name


def _deed(line: LoopbackLine, dice: Random) -> Callable[[], Any]:
    match dice.choices(("says", "presses", "holds"), (16, 3, 1))[0]:
        case "presses":
            return lambda: _press(line)
        case "holds":
            return line.hold
    words = tones.speak(dice.choice(_WORDS), RATE)
    return lambda: line.write(words)


async def _press(line: LoopbackLine) -> None:
    with suppress(Unavailable):  # it rings yet
        await line.send_digits("5")
