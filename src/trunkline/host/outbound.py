"""Calls that this host was offered: claimed, then dialled once or not at all."""

import asyncio
from contextlib import suppress
from functools import partial
from uuid import UUID

import structlog

from trunkline.errors import BadInput, DialFailed, Unavailable
from trunkline.host.admission import Admission, Slot
from trunkline.host.holding import Holding, until_stored
from trunkline.platform.telemetry import metrics
from trunkline.resources.calls.plan import CallPlan
from trunkline.voice.lines.line import Line, LineEngine

log = structlog.get_logger(__name__)

_LOST = "The voice host lost the database while it took the call, which was not dialled. Place it anew."
_CANCELED = "The call was canceled while it rang."
_STOPPED = "The voice host was stopped while it dialled. Place the call anew."


class Outbound:
    """Places what waits for one host. Belongs to the work loop."""

    def __init__(self, holding: Holding, admission: Admission, ring_timeout: float) -> None:
        self._holding = holding
        self._admission = admission
        self._ring_timeout = ring_timeout
        self._placing: dict[UUID, asyncio.Task[None]] = {}
        self._ringing: set[UUID] = set()
        """Calls that are about to be dialled or ring, and are not answered yet."""
        self._canceled: set[UUID] = set()
        self._dialling: dict[UUID, asyncio.Task[Line]] = {}

    async def claim_waiting(self, host: UUID, engine: LineEngine) -> None:
        """Begin with the calls that wait for `host`, as far as there is room. Raises Unavailable.

        The others wait here until there is, or are offered to another host.
        """
        for call_id, n in await self._holding.live.pending_attempts(host):
            if self._admission.no_room is not None:
                return
            if call_id not in self._placing:
                placing = self._place(call_id, n, host, engine, self._admission.take())
                task = asyncio.create_task(placing, name=f"place {call_id}")
                self._placing[call_id] = task
                task.add_done_callback(partial(self._placed, call_id))

    def stop_dialling(self) -> None:
        """Give up the calls that nobody has answered yet."""
        for dialling in self._dialling.values():
            dialling.cancel()

    def cancel(self, call_id: UUID) -> bool:
        """Give up a call that nobody has answered yet; False when there is none of this id."""
        if call_id not in self._ringing:
            return False
        self._canceled.add(call_id)
        if dialling := self._dialling.get(call_id):
            dialling.cancel()
        return True

    def _placed(self, call_id: UUID, _: "asyncio.Task[None]") -> None:
        del self._placing[call_id]

    async def _place(self, call_id: UUID, n: int, host: UUID, engine: LineEngine, slot: Slot) -> None:
        live = self._holding.live
        with slot:
            try:
                plan = await live.claim(call_id, n, host)
            except Unavailable:
                # Perhaps it was claimed and only the answer lost; if it was not, this changes nothing.
                log.warning("claim_uncertain", call_id=str(call_id))
                await until_stored(lambda: live.dial_failed(call_id, n, "unreachable", None, _LOST))
                return
            if plan is not None:
                self._ringing.add(call_id)
                try:
                    async with self._holding.accounted(plan):
                        await self._dial(plan, n, engine, slot)
                finally:
                    self._ringing.discard(call_id)
                    self._canceled.discard(call_id)

    async def _dial(self, plan: CallPlan, n: int, engine: LineEngine, slot: Slot) -> None:
        live = self._holding.live
        plan = await self._holding.prepare(plan)
        with suppress(Unavailable):  # claimed is claimed: it is dialled now or not at all
            if not await live.ringing(plan.call_id):
                return
        warming = self._holding.warm(plan)
        try:
            line = await self._answer(plan, engine)
        except DialFailed as failed:
            metrics.calls_ended.labels("outbound", "not_reached").inc()
            log.info("dial_failed", call_id=str(plan.call_id), outcome=failed.outcome, code=failed.code)
            outcome, code, text = failed.outcome, failed.code, str(failed)
            await until_stored(lambda: live.dial_failed(plan.call_id, n, outcome, code, text))
        else:
            await self._holding.hold(plan, line, slot)
        finally:
            warming.cancel()

    async def _answer(self, plan: CallPlan, engine: LineEngine) -> Line:
        """Dial until somebody answers; raises DialFailed, also when the call was canceled or we were stopped."""
        assert plan.target is not None
        if plan.call_id in self._canceled:
            raise DialFailed(_CANCELED, "canceled")
        dialling = asyncio.create_task(engine.dial(plan.target, plan.trunk, plan.headers, self._ring_timeout))
        self._dialling[plan.call_id] = dialling
        try:
            line = await dialling
        except (BadInput, Unavailable) as error:
            raise DialFailed(str(error), "unreachable") from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            if plan.call_id in self._canceled:
                raise DialFailed(_CANCELED, "canceled") from None
            raise DialFailed(_STOPPED, "unreachable") from None
        finally:
            del self._dialling[plan.call_id]
        self._ringing.discard(plan.call_id)
        if plan.call_id in self._canceled:  # it was answered in the same moment
            await line.hang_up()
            raise DialFailed(_CANCELED, "canceled")
        return line
