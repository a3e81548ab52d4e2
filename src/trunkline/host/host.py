"""The voice host: admits calls, keeps them through faults, drains."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import structlog

from trunkline.errors import NoFreeSlot, NotFound, SetupError, Unavailable
from trunkline.host.admission import Admission, Slot
from trunkline.host.call import LiveCall
from trunkline.host.holding import Holding, until_stored
from trunkline.host.media import MediaCalls
from trunkline.host.node import Node
from trunkline.host.outbound import Outbound
from trunkline.platform.telemetry import metrics
from trunkline.resources.calls.plan import CallPlan
from trunkline.voice.lines.line import IncomingCall, LineEngine

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0
"""Waiting calls are looked for this often, for wake-ups may be lost."""
_CUT_OFF_SECONDS = 10.0
"""Calls that are cut off have this long to be written down."""


@dataclass(frozen=True)
class Options:
    """How a host treats its calls. Times are in seconds."""

    ring_pause: float = 0.5
    """How long an incoming call rings where its agent does not say."""
    ring_for_model: float = 2.5
    """How much longer it may ring while the language model reads the prompt."""
    ring_timeout: float = 45.0
    """How long an outbound call may ring."""
    drain: float = 3600.0
    """How long live calls are waited for when the host is asked to stop."""


class VoiceHost:
    """Holds the calls of one process. Belongs to the work loop."""

    def __init__(self, holding: Holding, capacity: int, options: Options | None = None) -> None:
        self._holding = holding
        self._options = options or Options()
        self.admission = Admission(capacity)
        self._outbound = Outbound(holding, self.admission, self._options.ring_timeout)
        self._media: MediaCalls | None = None
        self._node: Node | None = None
        self._engine: LineEngine | None = None
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._draining = False
        self._looking: asyncio.Task[None] | None = None

    # ---- life ----

    async def start(self, engine: LineEngine, node: Node, media: MediaCalls | None = None) -> None:
        """Take calls from `engine` in the name of `node`; `media` calls end with the others.

        Raises PortTaken; Unavailable without a database.
        """
        self._media = media
        await engine.start(self.take)
        self._engine = engine
        self._holding.desk.exchange.open(engine)
        await node.start()  # only now: from here on others send calls
        self._node = node
        self._looking = asyncio.create_task(self._look(node, engine), name="look for waiting calls")

    async def drain(self) -> None:
        """No new calls; returns when the live ones have ended, the deadline has passed, or `hurry` was called."""
        assert self._node is not None
        self._draining = True
        await self._node.drain()
        log.info("draining", calls=self.admission.count)
        hurry = asyncio.create_task(self._hurry.wait())
        idle = asyncio.create_task(self.admission.idle.wait())
        await asyncio.wait((hurry, idle), timeout=self._options.drain, return_when=asyncio.FIRST_COMPLETED)
        for waiting in (hurry, idle):
            waiting.cancel()
        if self.admission.count:
            await self._cut_off()

    @property
    def draining(self) -> bool:
        return self._draining

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
        log.warning("calls_cut_off", calls=self.admission.count)
        self._outbound.stop_dialling()
        if self._media is not None:
            self._media.stop_waiting()
        for call in self._holding.calls.values():
            call.cut_off("The voice host was stopped in mid-call.")
        with suppress(TimeoutError):
            async with asyncio.timeout(_CUT_OFF_SECONDS):
                await self.admission.idle.wait()

    # ---- Board: what control sees ----

    def find(self, call_id: UUID) -> LiveCall | None:
        return self._holding.calls.get(call_id)

    def cancel(self, call_id: UUID) -> bool:
        return self._outbound.cancel(call_id)

    def live(self) -> Sequence[LiveCall]:
        return list(self._holding.calls.values())

    def not_ready(self) -> str | None:
        if self._node is None or self._engine is None:
            return "the host is starting"
        if self._draining:
            return "the host is draining"
        if not self._holding.desk.beat.alive:
            return "the beat has stopped; restart this process"
        if not self._node.reachable:
            return "the database is not reached"
        return None

    # ---- inbound ----

    async def take(self, incoming: IncomingCall) -> None:
        """An incoming call rings: answer and hold it, or refuse it. Returns when it is finished."""
        reason = self.not_ready() or self.admission.no_room
        if reason is not None:
            await _refuse(incoming, reason)
            return
        with self.admission.take() as slot:
            plan = await self._open(incoming)
            if plan is not None:
                async with self._holding.accounted(plan):
                    await self._answer(plan, incoming, slot)

    async def _open(self, incoming: IncomingCall) -> CallPlan | None:
        """The plan of a call that rings; None when it was refused."""
        assert self._node is not None
        try:
            try:
                return await self._routed(incoming, incoming.dialled)
            except NotFound:
                if not incoming.registered:
                    raise
                # A trunk may dial the name that we registered, or write the number in a way of its own.
                return await self._routed(incoming, incoming.registered)
        except (NotFound, NoFreeSlot, Unavailable) as error:
            await _refuse(incoming, str(error))
            return None

    async def _routed(self, incoming: IncomingCall, dialled: str) -> CallPlan:
        assert self._node is not None
        async with self._holding.openings:
            return await self._holding.live.open_inbound(
                dialled=dialled,
                caller=incoming.caller,
                host=self._node.identity.id,
                sip_call_id=incoming.call_id,
                headers=incoming.headers,
            )

    async def _answer(self, arrived: CallPlan, incoming: IncomingCall, slot: Slot) -> None:
        plan = await self._holding.asked(arrived)
        if plan is None:
            await _refuse(incoming, "the inbound webhook, or its silence, said so")
            return
        try:
            plan = await self._holding.prepare(plan)
        except SetupError as error:
            await _refuse(incoming, str(error))
            raise
        warming = self._holding.warm(plan)
        try:
            await self._ring(plan, warming)
            await incoming.line.answer()
        except Unavailable:
            log.info("caller_gave_up", call_id=str(plan.call_id))
            metrics.calls_ended.labels("inbound", "gave_up").inc()
            await until_stored(lambda: self._holding.live.finish(plan.call_id))
        else:
            await self._holding.hold(plan, incoming.line, slot)
        finally:
            warming.cancel()

    async def _ring(self, plan: CallPlan, warming: "asyncio.Task[None]") -> None:
        """As long as the agent asks; else a moment, and a little more while the model still reads the prompt."""
        if plan.ring_pause is not None:
            await asyncio.sleep(plan.ring_pause)
            return
        await asyncio.sleep(self._options.ring_pause)
        await asyncio.wait({warming}, timeout=self._options.ring_for_model)

    # ---- outbound ----

    def wake(self) -> None:
        """A call may wait for this host."""
        self._wake.set()

    async def _look(self, node: Node, engine: LineEngine) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            if self.not_ready() is None:
                with suppress(Unavailable):
                    await self._outbound.claim_waiting(node.identity.id, engine)


async def _refuse(incoming: IncomingCall, reason: str) -> None:
    metrics.calls_ended.labels("inbound", "refused").inc()
    log.warning("call_refused", sip_call_id=incoming.call_id, reason=reason)
    await incoming.line.hang_up()
