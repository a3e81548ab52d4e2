"""A storm over whole calls, drawn from a seed, and what must hold behind it.

Callers speak, press keys, fall silent and leave when they like; lines lose and delay packets; the model, the voice and the
recogniser fail, drip and hang; the database goes away; the host is killed with its calls up, and another one comes.
"""

import asyncio
import inspect
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select

from tests.host.rig import Caller, Rig
from tests.resources.calls.conftest import NUMBER, active, outbound
from trunkline.errors import ProviderError, Unavailable
from trunkline.platform.storage.blobs import open_blobs
from trunkline.platform.storage.database import Database
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.calls.models import Call, CallEvent
from trunkline.resources.calls.status import TRANSITIONS, CallStatus
from trunkline.resources.calls.tasks import CallTasks
from trunkline.voice.conversation.profile import Tool
from trunkline.voice.language.ports import ReplyPart
from trunkline.voice.language.twins import Line, ScriptedLanguageModel
from trunkline.voice.lines.loopback import Impairments, LoopbackLine
from trunkline.voice.speech.ports import Voice
from trunkline.voice.speech.twins import ToneVoice

SPEED = 40
_TICKS = 450
"""After so many every caller has left."""
_PATIENCE = 120.0
"""Seconds of the wall clock in which a calm host has put down its last call."""
_WORDS = ("yes", "no wait", "do you open sundays", "one moment please", "stop", "I need to move my visit")


@dataclass
class Gate:
    """The store of live calls, in front of which the database may be away."""

    live: LiveCalls
    away: bool = False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.live, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def asked(*args: Any, **named: Any) -> Any:
            if self.away:
                raise Unavailable("The database is away.")
            return await found(*args, **named)

        return asked


class StormyModel(ScriptedLanguageModel):
    """Answers, ends the call, drips, fails in the middle, or never says a word."""

    def __init__(self, rng: Random) -> None:
        super().__init__(rule=self._said)
        self._rng = rng

    def _said(self, messages: Sequence[dict[str, Any]]) -> Line:
        words = f"You said {messages[-1]['content']}."
        match self._rng.choices(("well", "ends", "fails"), (8, 1, 1))[0]:
            case "ends":
                return Line("Goodbye.", tool="end_call")
            case "fails":
                return Line(words, fail="The model broke off.")
        return Line(words)

    async def reply(
        self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()
    ) -> AsyncIterator[ReplyPart]:
        pace = self._rng.choices((0.0, 0.01, 600.0), (16, 3, 1))[0]
        async for part in super().reply(model, messages, tools):
            await asyncio.sleep(pace)
            yield part


class StormyVoice(ToneVoice):
    """Speaks, drips, or dies in mid-sentence."""

    def __init__(self, rng: Random) -> None:
        super().__init__()
        self._rng = rng

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        fault = self._rng.choices(("", "drips", "dies"), (16, 2, 1))[0]
        async for sound in super().speak(text, voice):
            if fault == "drips":
                await asyncio.sleep(0.005)
            yield sound
            if fault == "dies":
                raise ProviderError("The voice died.")


@dataclass
class Guest:
    """The far end of one call, and what it will do at which of its ticks."""

    caller: Caller[LoopbackLine]
    deeds: dict[int, Callable[[], Any]]
    ticks: int = 0

    async def tick(self) -> None:
        self.caller.listen()
        self.ticks += 1
        deed = self.deeds.get(self.ticks)
        if deed is not None and self.caller.line.closed is None:
            done = deed()
            if inspect.isawaitable(done):
                await done


@dataclass
class Storm:
    """One round: so many calls, in and out, over one host after another."""

    seed: int
    database: Database
    live: LiveCalls
    agent: Agent
    folder: Path
    calls: int = 40
    rings: Counter[str] = field(default_factory=Counter)
    """By whom we dialled."""

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.gate = Gate(self.live)
        self.guests: list[Guest] = []
        self.dialled: list[UUID] = []
        self.blobs = open_blobs(self.folder / "blobs")
        self.tasks = CallTasks(self.database, self.blobs)

    async def blow(self) -> None:
        """The whole round. On return nothing of it is up any more."""
        before = asyncio.all_tasks()
        rig = await self._host()
        arrivals = sorted(self.rng.randrange(_TICKS // 2) for _ in range(self.calls))
        away = self.rng.randrange(_TICKS)
        killed = self.rng.randrange(100, _TICKS) if self.rng.random() < 0.3 else None
        for tick in range(_TICKS):
            self.gate.away = away <= tick < away + 60
            while arrivals and arrivals[0] == tick and not self.gate.away:
                arrivals.pop(0)
                await self._begin(rig)
            if tick == killed:
                await self._kill(rig, before)
                rig = await self._host()
            await self._tick(rig)
        self.gate.away = False
        await self._calm(rig)

    async def _calm(self, rig: Rig) -> None:
        async with asyncio.timeout(_PATIENCE):
            while (
                await self._waiting()
            ):  # offers that went by while the database was away or the host was dead
                await self.tasks.look()
                rig.host.wake()
                await self._tick(rig)
            draining = asyncio.ensure_future(rig.host.drain())
            while not draining.done():
                for guest in self.guests:
                    await guest.caller.line.hang_up()
                await self._tick(rig)
            await draining
        assert await active(self.database, rig.node.identity.id) == 0, "a slot is still taken"
        await rig.host.stop()
        await rig.close()

    async def _waiting(self) -> bool:
        """Is there a call that nobody has dialled yet?"""
        undialled = select(Call.id).where(Call.status.in_((CallStatus.PENDING, CallStatus.QUEUE)))
        async with self.database.system() as session:
            return (await session.execute(undialled.limit(1))).first() is not None

    async def _host(self) -> Rig:
        live = cast(LiveCalls, self.gate)
        model, voice = StormyModel(self.rng), StormyVoice(self.rng)
        rig = Rig(self.database, live, self.folder, self.calls, llm=model, voice=voice)
        rig.speed = SPEED
        await rig.start()
        return rig

    async def _kill(self, rig: Rig, before: set[asyncio.Task[Any]]) -> None:
        """As kill -9 does: nothing of it is stored any more, its files are let go, its lines are dead."""
        self.gate.away = True
        await asyncio.sleep(0)  # what has just rung has begun
        ours = asyncio.all_tasks() - before
        while ours:
            for task in ours:
                task.cancel()
            await asyncio.wait(ours, timeout=1)
            ours = {task for task in asyncio.all_tasks() - before if not task.done()}
        rig.writer._journal.close()
        rig.pool.shutdown()
        await rig.outbound.close()
        for guest in self.guests:
            await guest.caller.line.hang_up()
        self.gate.away = False
        await self.tasks.close_calls_of_dead_hosts([str(rig.node.identity.id)])

    async def _begin(self, rig: Rig) -> None:
        if self.rng.random() < 0.7:
            line = await rig.engine.call(
                NUMBER, "+15550199", to_near=self._impaired(), to_far=self._impaired()
            )
            self._welcome(line)
            return
        target = f"sip:guest-{len(self.dialled)}@127.0.0.1"
        rig.engine.phones[target] = self._phone(target)
        call_id = await outbound(self.database, self.agent, target)
        self.dialled.append(call_id)
        for _ in range(self.rng.choice((1, 2))):  # a job may run twice
            await self.tasks.place(call_id)
        rig.host.wake()

    def _phone(self, target: str) -> Callable[[LoopbackLine], Any]:
        async def rung(line: LoopbackLine) -> None:
            self.rings[target] += 1
            if self.rng.random() < 0.2:
                await line.hang_up()
                return
            await line.answer()
            self._welcome(line)

        return rung

    def _welcome(self, line: LoopbackLine) -> None:
        caller = Caller(line)
        deeds: dict[int, Callable[[], Any]] = {}
        for _ in range(self.rng.randrange(4)):
            deeds[self.rng.randrange(5, _TICKS)] = self._deed(caller)
        deeds[self.rng.randrange(5, _TICKS)] = line.hang_up
        self.guests.append(Guest(caller, deeds))

    def _deed(self, caller: Caller[LoopbackLine]) -> Callable[[], Any]:
        words = self.rng.choice(_WORDS)
        if self.rng.random() < 0.2:
            return lambda: _press(caller.line)
        return lambda: caller.say(words)

    def _impaired(self) -> Impairments:
        loss, jitter = self.rng.choice((0.0, 0.0, 0.02, 0.1)), self.rng.choice((0, 0, 40))
        return Impairments(loss=loss, burst=2.0, jitter_ms=jitter, seed=self.rng.randrange(1 << 30))

    async def _tick(self, rig: Rig) -> None:
        await rig._tick()
        for guest in self.guests:
            await guest.tick()


async def _press(line: LoopbackLine) -> None:
    with suppress(Unavailable):  # it rings yet
        await line.send_digits("5")


async def check(storm: Storm, checked: set[UUID]) -> None:
    """Every call that is not among the checked ones holds to the rules; then it is."""
    async with storm.database.system() as session:
        calls = (await session.execute(select(Call).where(Call.id.not_in(checked)))).scalars().all()
        told = select(CallEvent).where(CallEvent.call_id.not_in(checked))
        by_call: dict[UUID, list[CallEvent]] = {call.id: [] for call in calls}
        for event in (await session.execute(told.order_by(CallEvent.call_id, CallEvent.seq))).scalars():
            by_call[event.call_id].append(event)
    for call in calls:
        _is_over_once(call, by_call[call.id])
        await _agrees(call, by_call[call.id], storm.blobs)
    assert not [target for target, times in storm.rings.items() if times > 1], "somebody was dialled twice"
    checked.update(by_call)


def _is_over_once(call: Call, events: Sequence[CallEvent]) -> None:
    told = f"call {call.id}, {call.status}"
    assert not TRANSITIONS[CallStatus(call.status)], f"{told}: it is not over"
    assert call.ended_at is not None, told
    assert [event.seq for event in events] == list(range(len(events))), f"{told}: a note is missing"
    times = [event.at_ms for event in events]
    assert times == sorted(times), f"{told}: notes out of order"
    kinds = [event.kind for event in events]
    assert kinds.count("started") <= 1 and kinds.count("ended") <= 1, f"{told}: {kinds}"
    after = kinds[kinds.index("ended") + 1 :] if "ended" in kinds else []
    assert set(after) <= {"line"}, f"{told}: {after} after its end"


async def _agrees(call: Call, events: Sequence[CallEvent], blobs: Any) -> None:
    """Record, recording and transcript tell of the same talk."""
    told = f"call {call.id}, {call.status}"
    said = [event.data["text"] for event in events if event.kind in ("caller_said", "agent_said")]
    lines = [line.partition(": ")[2] for line in (call.transcript or "").splitlines() if line]
    assert lines == [text for text in said if text], f"{told}: the transcript is another"
    if call.recording_key is None:
        return
    wav = await blobs.get(call.recording_key)
    seconds = (len(wav) - 44) / (8000 * 2 * 2)
    assert call.recording_s is not None and abs(call.recording_s - seconds) < 0.1, told
    ended = [event.at_ms for event in events if event.kind == "ended"]
    if ended:
        assert seconds <= ended[0] / 1000 + 1.5, f"{told}: recorded longer than it lasted"
