"""Holds calls whose line is up, and sees to it that each is written down, whatever happens."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar
from uuid import UUID

import structlog

from trunkline.errors import SetupError, Unavailable
from trunkline.host.admission import Slot
from trunkline.host.archive import Archive
from trunkline.host.call import LiveCall
from trunkline.host.desk import Desk
from trunkline.host.leg import NoTape
from trunkline.host.recorder import Recorder
from trunkline.platform.telemetry import metrics
from trunkline.resources.calls.inbound_webhook import InboundWebhook
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.calls.plan import CallPlan, begun
from trunkline.voice.conversation.dialogue import Dialogue
from trunkline.voice.lines.line import Line

log = structlog.get_logger(__name__)

T = TypeVar("T")

_AGAIN_SECONDS = 1.0
"""What the database could not take is offered again after this."""
_OPENINGS = 5
"""Half of the connections: when more callers ring at once they ring a little longer, instead of waiting for a connection,
which is given up after seconds and the caller refused, and those who write down what is said find one."""


class Holding:
    """The live calls of a process. Belongs to the work loop."""

    def __init__(self, desk: Desk, live: LiveCalls, archive: Archive, inbound: InboundWebhook) -> None:
        self.desk = desk
        self.live = live
        self.calls: dict[UUID, LiveCall] = {}
        """Until their record is finished."""
        self.openings = asyncio.Semaphore(_OPENINGS)
        """Entered while an incoming call is looked up and written down."""
        self._archive = archive
        self._inbound = inbound

    @asynccontextmanager
    async def accounted(self, plan: CallPlan) -> AsyncIterator[None]:
        """While a call is begun and held: a fault of ours closes its record as failed, and so does a missing part."""
        try:
            yield
        except SetupError as error:
            log.error("call_not_possible", call_id=str(plan.call_id), reason=str(error))
            metrics.calls_ended.labels(plan.direction.value, "failed").inc()
            fault = str(error)
            await until_stored(lambda: self.live.finish(plan.call_id, fault=fault))
        except Exception as error:
            log.exception("call_broke", call_id=str(plan.call_id))
            with suppress(KeyError):  # it had not come so far
                await self.desk.writer.close(plan.call_id)
            fault = f"The voice host failed ({type(error).__name__}); its log says where."
            await until_stored(lambda: self.live.finish(plan.call_id, fault=fault))

    async def asked(self, plan: CallPlan) -> CallPlan | None:
        """The plan as the agent's inbound webhook wants it, before the call is answered; None: the call was ended."""
        if not plan.ask_first:
            return plan
        answered = await until_stored(lambda: self._inbound.ask(plan))
        return await until_stored(lambda: self._inbound.settle(plan, answered))

    async def prepare(self, plan: CallPlan) -> CallPlan:
        """Find who hears and speaks for the agent, and run what is to run before the call is answered or dialled.

        The other side waits meanwhile as before any answer, or is not dialled yet: nobody listens to silence.

        Raises SetupError, which says what to set, where nobody does.
        """
        # In a thread: a vendor's SDK takes up to a second to load when a workspace's own key is first used.
        await asyncio.to_thread(self.desk.parts.speech_for, plan.speech)
        return await begun(plan, self.desk.means)

    async def hold(self, plan: CallPlan, line: Line, slot: Slot) -> None:
        """The line is up: talk, then write down what was said. The conversation waits for no database.

        The slot is free again when the line is closed: no caller is refused because another call is being written down.
        """
        try:
            await self._hold(plan, line, slot)
        finally:
            await line.hang_up()

    def warm(self, plan: CallPlan) -> "asyncio.Task[None]":
        """Put the agent's prompt into the model's cache while it rings."""
        dialogue = Dialogue(plan.profile)
        return asyncio.create_task(
            self.desk.parts.llm.warm(plan.profile.model, dialogue.messages(), dialogue.tools),
            name=f"warm {plan.call_id}",
        )

    def found_closed(self, call_id: UUID) -> None:
        """The database says that a call of ours is over: end it."""
        call = self.calls.get(call_id)
        if call is not None:
            log.warning("call_closed_elsewhere", call_id=str(call_id))
            call.cut_off("The call was closed while its voice host could not be reached.")

    async def _hold(self, plan: CallPlan, line: Line, slot: Slot) -> None:
        recorder: Recorder | None = None
        if plan.record:
            recorder = self._archive.writer.open(plan.workspace_id, plan.call_id, line.rate)
        call = LiveCall(plan, line, self.desk, recorder or NoTape())
        self.calls[plan.call_id] = call
        answered = asyncio.create_task(self._answered(call))
        log.info("call_started", call_id=str(plan.call_id), direction=plan.direction.value)
        try:
            await call.run()
            slot.free()
            await answered
            await self._write_down(call, recorder)
        finally:
            answered.cancel()
            del self.calls[plan.call_id]
        metrics.calls_ended.labels(plan.direction.value, "failed" if call.fault else "ended").inc()
        log.info("call_finished", call_id=str(plan.call_id), fault=call.fault)

    async def _answered(self, call: LiveCall) -> None:
        if not await until_stored(lambda: self.live.answered(call.id)):
            self.found_closed(call.id)

    async def _write_down(self, call: LiveCall, recorder: Recorder | None) -> None:
        """First what was said and heard, then the end, which promises that both can be read."""
        recording, fault = None, call.fault
        if recorder is not None:
            try:
                recording = await self._archive.keep(recorder)
            except Unavailable as error:
                fault = fault or str(error)
                log.error("recording_not_kept", call_id=str(call.id), reason=str(error))
        await self.desk.writer.close(call.id)
        await until_stored(lambda: self.live.finish(call.id, recording=recording, fault=fault))


async def until_stored(store: Callable[[], Awaitable[T]]) -> T:
    """Offer something to the database until it takes it."""
    while True:
        try:
            return await store()
        except Unavailable:
            await asyncio.sleep(_AGAIN_SECONDS)
