"""The voice host: admits calls, places those it is offered, keeps them through faults, drains."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from uuid import UUID

import structlog

from trunkline.errors import BadInput, DialFailed, NoFreeSlot, NotFound, Unavailable
from trunkline.host.call import Desk, LiveCall
from trunkline.host.leg import NoTape
from trunkline.host.node import Node
from trunkline.host.recorder import Recorder, RecordingWriter
from trunkline.platform.storage.blobs import Blobs
from trunkline.platform.telemetry import metrics
from trunkline.resources.calls import recordings
from trunkline.resources.calls.closing import Recording
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.calls.plan import CallPlan
from trunkline.voice.conversation.dialogue import Dialogue
from trunkline.voice.lines.line import IncomingCall, Line, LineEngine

log = structlog.get_logger(__name__)

T = TypeVar("T")

_LOOK_SECONDS = 1.0
"""Waiting calls are looked for this often, for wake-ups may be lost."""
_AGAIN_SECONDS = 1.0
"""What the database could not take is offered again after this."""
_CUT_OFF_SECONDS = 10.0
"""Calls that are cut off have this long to be written down."""


@dataclass(frozen=True)
class Options:
    """How a host treats its calls. Times are in seconds."""

    ring_pause: float = 0.5
    """How long an incoming call rings at least; meanwhile the prompt is put into the model's cache."""
    ring_timeout: float = 45.0
    """How long an outbound call may ring."""
    drain: float = 3600.0
    """How long live calls are waited for when the host is asked to stop."""


@dataclass(frozen=True)
class Archive:
    """Where recordings go: second by second while a call runs, joined at its end."""

    blobs: Blobs
    writer: RecordingWriter

    async def keep(self, recorder: Recorder) -> Recording | None:
        """Store the rest of a call's sound and join it; None when there is none. Raises Unavailable."""
        await self.writer.close(recorder)
        return await recordings.join(self.blobs, recorder.workspace_id, recorder.call_id)


class VoiceHost:
    """Holds the calls of one process. Belongs to the work loop."""

    def __init__(
        self,
        desk: Desk,
        live: LiveCalls,
        archive: Archive,
        capacity: int,
        options: Options | None = None,
    ) -> None:
        self._desk = desk
        self._live = live
        self._archive = archive
        self._capacity = capacity
        metrics.calls_capacity.set(capacity)
        self._options = options or Options()
        self._node: Node | None = None
        self._engine: LineEngine | None = None
        self._calls: dict[UUID, LiveCall] = {}
        self._admitted = 0
        """Calls from their first ring or dial to their finished record."""
        self._placing: dict[UUID, asyncio.Task[None]] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._draining = False
        self._looking: asyncio.Task[None] | None = None

    # ---- life ----

    async def start(self, engine: LineEngine, node: Node) -> None:
        """Take calls from `engine` in the name of `node`. Raises PortTaken; Unavailable without a database."""
        await engine.start(self.take)
        self._engine = engine
        await node.start()  # only now: from here on others send calls
        self._node = node
        self._looking = asyncio.create_task(self._look(), name="look for waiting calls")

    async def drain(self) -> None:
        """No new calls; returns when the live ones have ended, the deadline has passed, or `hurry` was called."""
        assert self._node is not None
        self._draining = True
        await self._node.drain()
        log.info("draining", calls=self._admitted)
        hurry = asyncio.create_task(self._hurry.wait())
        idle = asyncio.create_task(self._idle.wait())
        await asyncio.wait((hurry, idle), timeout=self._options.drain, return_when=asyncio.FIRST_COMPLETED)
        for waiting in (hurry, idle):
            waiting.cancel()
        if not self._idle.is_set():
            await self._cut_off()

    def hurry(self) -> None:
        """Wait no longer for calls to end."""
        self._hurry.set()

    async def stop(self) -> None:
        """Leave the others, close the engine; after `drain`, or after a `start` that failed."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        if self._node is not None:
            await self._node.stop()
        if self._engine is not None:
            await self._engine.stop()

    async def _cut_off(self) -> None:
        log.warning("calls_cut_off", calls=self._admitted)
        for placing in self._placing.values():
            placing.cancel()
        for call in self._calls.values():
            call.cut_off("The voice host was stopped in mid-call.")
        with suppress(TimeoutError):
            async with asyncio.timeout(_CUT_OFF_SECONDS):
                await self._idle.wait()

    # ---- Board: what control sees ----

    def find(self, call_id: UUID) -> LiveCall | None:
        return self._calls.get(call_id)

    def live(self) -> list[LiveCall]:
        return list(self._calls.values())

    def not_ready(self) -> str | None:
        if self._node is None or self._engine is None:
            return "the host is starting"
        if self._draining:
            return "the host is draining"
        if not self._desk.beat.alive:
            return "the beat has stopped; restart this process"
        if not self._node.reachable:
            return "the database is not reached"
        return None

    def held(self) -> list[UUID]:
        """The calls on this host whose line is up."""
        return list(self._calls)

    def found_closed(self, call_id: UUID) -> None:
        """The database says that a call of ours is over: end it."""
        call = self._calls.get(call_id)
        if call is not None:
            log.warning("call_closed_elsewhere", call_id=str(call_id))
            call.cut_off("The call was closed while its voice host could not be reached.")

    # ---- inbound ----

    async def take(self, incoming: IncomingCall) -> None:
        """An incoming call rings: answer and hold it, or refuse it. Returns when it is finished."""
        reason = self.not_ready()
        if reason is None and self._admitted >= self._capacity:
            reason = f"all {self._capacity} slots are taken; TRUNKLINE_MAX_CALLS sets how many there are"
        if reason is not None:
            await self._refuse(incoming, reason)
            return
        self._admit()
        try:
            await self._take(incoming)
        finally:
            self._dismiss()

    async def _take(self, incoming: IncomingCall) -> None:
        assert self._node is not None
        try:
            plan = await self._live.open_inbound(
                dialled=incoming.dialled,
                caller=incoming.caller,
                host=self._node.identity.id,
                sip_call_id=incoming.call_id,
                headers=incoming.headers,
            )
        except (NotFound, NoFreeSlot, Unavailable) as error:
            await self._refuse(incoming, str(error))
            return
        warming = self._warm(plan)
        try:
            await asyncio.sleep(self._options.ring_pause)
            await incoming.line.answer()
        except Unavailable:
            log.info("caller_gave_up", call_id=str(plan.call_id))
            metrics.calls_ended.labels("inbound", "gave_up").inc()
            await self._until_stored(lambda: self._live.finish(plan.call_id))
        else:
            await self._hold(plan, incoming.line)
        finally:
            warming.cancel()

    async def _refuse(self, incoming: IncomingCall, reason: str) -> None:
        metrics.calls_ended.labels("inbound", "refused").inc()
        log.warning("call_refused", sip_call_id=incoming.call_id, reason=reason)
        await incoming.line.hang_up()

    # ---- outbound ----

    def wake(self) -> None:
        """A call may wait for this host."""
        self._wake.set()

    async def _look(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            if self.not_ready() is None:
                with suppress(Unavailable):
                    await self._claim_waiting()

    async def _claim_waiting(self) -> None:
        assert self._node is not None
        for call_id, n in await self._live.pending_attempts(self._node.identity.id):
            if call_id not in self._placing:
                task = asyncio.create_task(self._place(call_id, n), name=f"place {call_id}")
                self._placing[call_id] = task
                task.add_done_callback(partial(self._placed, call_id))

    def _placed(self, call_id: UUID, _: asyncio.Task[None]) -> None:
        del self._placing[call_id]

    async def _place(self, call_id: UUID, n: int) -> None:
        assert self._node is not None
        self._admit()
        try:
            plan = await self._live.claim(call_id, n, self._node.identity.id)
            if plan is not None:
                await self._dial(plan, n)
        except Unavailable:
            log.warning(
                "attempt_left", call_id=str(call_id), reason="the database went away before the claim"
            )
        finally:
            self._dismiss()

    async def _dial(self, plan: CallPlan, n: int) -> None:
        """Claimed: from here the call is placed once or not at all."""
        assert self._engine is not None and plan.target is not None
        if not await self._until_stored(lambda: self._live.ringing(plan.call_id)):
            return
        warming = self._warm(plan)
        try:
            line = await self._engine.dial(plan.target, plan.trunk, plan.headers, self._options.ring_timeout)
        except (DialFailed, BadInput, Unavailable) as error:
            metrics.calls_ended.labels("outbound", "not_reached").inc()
            failed = error if isinstance(error, DialFailed) else DialFailed(str(error), "unreachable")
            log.info("dial_failed", call_id=str(plan.call_id), outcome=failed.outcome, code=failed.code)
            await self._until_stored(
                lambda: self._live.dial_failed(plan.call_id, n, failed.outcome, failed.code, str(failed))
            )
        else:
            await self._hold(plan, line)
        finally:
            warming.cancel()

    # ---- both ----

    async def _hold(self, plan: CallPlan, line: Line) -> None:
        """The line is up: talk, then write down what was said. The conversation waits for no database."""
        recorder: Recorder | None = None
        if plan.record:
            recorder = self._archive.writer.open(plan.workspace_id, plan.call_id, line.rate)
        call = LiveCall(plan, line, self._desk, recorder or NoTape())
        self._calls[plan.call_id] = call
        answered = asyncio.create_task(self._answered(call))
        log.info("call_started", call_id=str(plan.call_id), direction=plan.direction.value)
        try:
            await call.run()
            await answered
            await self._write_down(call, recorder)
        finally:
            answered.cancel()
            del self._calls[plan.call_id]
        metrics.calls_ended.labels(plan.direction.value, "failed" if call.fault else "ended").inc()
        log.info("call_finished", call_id=str(plan.call_id), fault=call.fault)

    async def _write_down(self, call: LiveCall, recorder: Recorder | None) -> None:
        """First what was said and heard, then the end, which promises that both can be read."""
        recording, fault = None, call.fault
        if recorder is not None:
            try:
                recording = await self._archive.keep(recorder)
            except Unavailable as error:
                fault = str(error)
                log.error("recording_not_kept", call_id=str(call.id), reason=fault)
        await self._desk.writer.close(call.id)
        await self._until_stored(lambda: self._live.finish(call.id, recording=recording, fault=fault))

    async def _answered(self, call: LiveCall) -> None:
        if not await self._until_stored(lambda: self._live.answered(call.id)):
            self.found_closed(call.id)

    async def _until_stored(self, store: Callable[[], Awaitable[T]]) -> T:
        """Offer something to the database until it takes it."""
        while True:
            try:
                return await store()
            except Unavailable:
                await asyncio.sleep(_AGAIN_SECONDS)

    def _warm(self, plan: CallPlan) -> asyncio.Task[None]:
        dialogue = Dialogue(plan.profile)
        return asyncio.create_task(
            self._desk.parts.llm.warm(plan.profile.model, dialogue.messages(), dialogue.tools),
            name=f"warm {plan.call_id}",
        )

    def _admit(self) -> None:
        self._admitted += 1
        self._idle.clear()
        metrics.calls_active.set(self._admitted)

    def _dismiss(self) -> None:
        self._admitted -= 1
        metrics.calls_active.set(self._admitted)
        if not self._admitted:
            self._idle.set()
