"""One transfer at work: the caller waits, somebody is sought, and both are joined, or the agent goes on.

    blind       REFER on the caller's line; success is what the other side tells in the end, not that it took the
                request. Where it refuses or cannot, we call the person ourselves and join both.
    warm        the person is called, briefed, asked if wanted, and joined with the caller: on this host, or by their
                own systems (REFER with Replaces) where that is wanted and works.

Whatever fails, the agent has the caller back at once. When the caller hangs up, all of it is taken back.
"""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar
from uuid import uuid4

import structlog

from trunkline.errors import BadInput, DialFailed, NoFreeSlot, ProviderError, Unavailable
from trunkline.host.consult import Consult, Verdict
from trunkline.host.desk import Desk
from trunkline.host.recorder import Recorder
from trunkline.host.switchboard import Bridge, Party
from trunkline.resources.actions.work import PlannedAction
from trunkline.resources.calls.plan import CallPlan
from trunkline.resources.transfers.destinations import Route, route
from trunkline.resources.transfers.order import (
    SUMMARY,
    Mode,
    TransferOrder,
    closed,
    order_of,
    with_summary,
)
from trunkline.resources.transfers.outcome import Attempt, Failure, Reason, Transferred, of_code, of_dial
from trunkline.voice.conversation.dialogue import clean
from trunkline.voice.language.ports import TextPart
from trunkline.voice.lines.line import Line

log = structlog.get_logger(__name__)

T = TypeVar("T")

_SUMMARY_SECONDS = 10.0
"""A summary that is not there by then is done without: somebody waits on the line."""
_SUMMARY = (
    "Summarise this call in at most three short spoken sentences for the person who takes it over now: who calls, what "
    "they want, what was done. {steering} Write the summary and nothing else."
)
_LEFT = Failure(Reason.CALLER_HUNG_UP, text="The caller hung up before somebody took the call.")
_VERDICTS = {
    Verdict.DECLINED: Failure(Reason.DECLINED, text="The person did not take the call."),
    Verdict.MACHINE: Failure(Reason.ANSWERED_BY_MACHINE, text="A machine answered."),
    Verdict.SILENT: Failure(Reason.NOT_ANSWERED, text="Whoever answered said nothing."),
    Verdict.FAILED: Failure(Reason.NOT_SENT, text="The briefing failed in the voice host; its log says why."),
}


class Caller(Protocol):
    """What a transfer needs of the call that it hands over."""

    @property
    def plan(self) -> CallPlan: ...

    @property
    def gone(self) -> asyncio.Event:
        """Set when the call is over: the caller has hung up, or somebody has ended it."""
        ...

    @property
    def line(self) -> Line: ...

    @property
    def party(self) -> Party: ...

    @property
    def messages(self) -> tuple[dict[str, Any], ...]:
        """What was said so far, as the model reads it."""
        ...

    async def step_aside(self, music: bool) -> None:
        """Returns when the agent has said what it was saying; from then on the caller waits."""
        ...

    async def say(self, text: str) -> None:
        """Words of the agent to a caller who waits; returns when they were said."""
        ...

    def come_back(self) -> None:
        """The agent hears and speaks again."""
        ...


class _CallerLeft(Exception):
    """The caller hung up before the transfer was done."""


class Transfer:
    """One transfer of one call. Belongs to the work loop."""

    def __init__(self, caller: Caller, action: PlannedAction, desk: Desk) -> None:
        self._caller = caller
        self._action = action
        self._desk = desk
        self._exchange = desk.exchange
        self._attempts: list[Attempt] = []
        self._summary: asyncio.Task[str] | None = None
        self._taken = AsyncExitStack()
        """What is to be given back: a place among the lines, the person's line and all that hangs on it."""
        self.bridge: Bridge | None = None
        """There once somebody has taken the call: to be run until one of them leaves."""

    async def run(self, arguments: Mapping[str, Any], variables: Mapping[str, Any]) -> Transferred:
        """Seek somebody who takes the caller; never raises for what others do. `close` it afterwards."""
        failure = closed(self._action, datetime.now(UTC), variables)
        if failure is not None:
            return Transferred((), failure)
        try:
            order = order_of(self._action, arguments, variables)
            way = route(order.destination, self._caller.plan.way_out)
        except BadInput as error:
            return Transferred((), Failure(Reason.NOT_SENT, text=str(error)))
        try:
            return await self._sought(order, way)
        except _CallerLeft:
            return Transferred(self._attempts, _LEFT, chosen=order.chosen)
        finally:
            if self._summary is not None:
                self._summary.cancel()

    async def close(self) -> None:
        """Hang up on whoever was asked, keep what they were told, give back their line; safe to repeat."""
        await self._taken.aclose()

    async def _sought(self, order: TransferOrder, way: Route) -> Transferred:
        await self._unless_gone(self._caller.step_aside(order.music))
        if order.mode is Mode.BLIND and await self._refer(order, way):
            return Transferred(self._attempts, chosen=order.chosen)
        if order.mode is Mode.WARM_WITH_CONTEXT:
            self._summary = asyncio.create_task(self._summarised(order), name="summary")
        failure = await self._called(order, way)
        summary = self._summary.result() if self._summary is not None and self._summary.done() else ""
        if failure is None:
            connected_at = datetime.now(UTC)
            return Transferred(
                self._attempts, None, connected_at, summary, order.chosen, keep_recording=order.record
            )
        self._caller.come_back()
        return Transferred(self._attempts, failure, None, summary, order.chosen, others=order.others)

    # ---- by REFER ----

    async def _refer(self, order: TransferOrder, way: Route) -> bool:
        """Send the caller there; False: it did not work, and the line is up."""
        line = self._caller.line
        with self._attempt(order, way.uri, "refer", f"REFER {way.uri}") as attempt:
            # Their sound is nobody's meanwhile; who cannot be held is transferred all the same.
            with suppress(Unavailable):
                await self._unless_gone(line.hold())
            outcome = await self._unless_gone(line.refer(way.uri, order.ring_timeout))
            if outcome.ok:
                attempt.step(datetime.now(UTC), "NOTIFY 200")
                return True
            self._unless_left()
            attempt.step(datetime.now(UTC), f"{outcome.code or ''} {outcome.reason}".strip())
            attempt.failure = of_code(outcome.code, outcome.reason)
        with suppress(Unavailable):
            await self._unless_gone(line.resume())
        return False

    # ---- by a call of ours ----

    async def _called(self, order: TransferOrder, way: Route) -> Failure | None:
        """Call the person, brief them; None: they are to be joined now."""
        self._unless_left()
        with self._attempt(order, way.uri, "dial", f"INVITE {way.uri}") as attempt:
            attempt.failure = await self._reached(order, way, attempt)
        return attempt.failure

    async def _reached(self, order: TransferOrder, way: Route, attempt: Attempt) -> Failure | None:
        headers = dict(order.headers or {})
        if any(SUMMARY in value for value in headers.values()):  # only then does the phone ring later for it
            headers = with_summary(headers, await self._unless_gone(self._told_summary()))
        if order.preserve_caller_id:
            headers |= identity(self._caller.plan)
        try:
            self._taken.enter_context(self._exchange.line())
            dialling = self._exchange.engine.dial(way.dial, way.trunk, headers, order.ring_timeout)
            line = await self._unless_gone(dialling)
        except DialFailed as failed:
            attempt.step(datetime.now(UTC), f"{failed.code or ''} {failed}".strip())
            return of_dial(failed)
        except (BadInput, NoFreeSlot, Unavailable) as error:
            return Failure(Reason.NOT_SENT, text=str(error))
        self._taken.push_async_callback(line.hang_up)
        attempt.answered_at = datetime.now(UTC)
        attempt.step(attempt.answered_at, "200")
        return await self._briefed(order, line, attempt)

    async def _briefed(self, order: TransferOrder, line: Line, attempt: Attempt) -> Failure | None:
        """Somebody has answered: talk with them alone."""
        summary = await self._unless_gone(self._told_summary())
        plan, recorder = self._caller.plan, None
        if plan.record and order.mode is not Mode.BLIND:
            recorder = self._exchange.archive.writer.open(plan.workspace_id, uuid4(), line.rate)
            self._taken.push_async_callback(self._keep, recorder)
            attempt.recording = str(recorder.call_id)
        consult = Consult(line, plan, order, summary, self._desk, recorder)
        self._taken.push_async_callback(consult.close)
        verdict = await self._unless_gone(consult.ask())
        if verdict is not Verdict.TAKEN:
            return _VERDICTS[verdict]
        if order.goodbye:
            await self._unless_gone(self._caller.say(order.goodbye))
        if order.release_media and order.mode is not Mode.BLIND and await self._released(order, line):
            return None
        self._unless_left()
        if consult.left:
            return _VERDICTS[Verdict.DECLINED]
        self.bridge = Bridge(self._caller.party, consult.party)
        return None

    async def _released(self, order: TransferOrder, person: Line) -> bool:
        """Have the caller's system join them without us; False: it did not work, and both lines are ours."""
        caller = self._caller.line
        with self._attempt(order, self._attempts[-1].uri, "replaces", "REFER with Replaces") as attempt:
            outcome = await self._unless_gone(caller.replace(person, order.ring_timeout))
            if outcome.ok:
                attempt.step(datetime.now(UTC), "NOTIFY 200")
                return True
            self._unless_left()
            attempt.step(datetime.now(UTC), f"{outcome.code or ''} {outcome.reason}".strip())
            if outcome.code is None:  # their systems do not say that they can
                attempt.failure = Failure(Reason.NOT_SENT, text=outcome.reason)
            else:
                attempt.failure = of_code(outcome.code, outcome.reason)
        for line in (caller, person):
            with suppress(Unavailable):
                await self._unless_gone(line.resume())
        return False

    async def _told_summary(self) -> str:
        return await self._summary if self._summary is not None else ""

    async def _keep(self, recorder: Recorder) -> None:
        try:
            await self._exchange.archive.keep(recorder)
        except Unavailable as error:
            log.error("briefing_not_kept", call_id=str(self._caller.plan.call_id), reason=str(error))

    async def _summarised(self, order: TransferOrder) -> str:
        """What the call was about, in the model's words; "" where it fails or takes too long."""
        asked = {"role": "user", "content": f"[{_SUMMARY.format(steering=order.summary_prompt)}]"}
        model, text = self._caller.plan.profile.model, ""
        try:
            async with asyncio.timeout(_SUMMARY_SECONDS):
                async for part in self._desk.parts.llm.reply(model, (*self._caller.messages, asked)):
                    if isinstance(part, TextPart):
                        text += part.text
        except (ProviderError, Unavailable, TimeoutError) as error:
            log.warning("no_summary", reason=type(error).__name__)
        return clean(text)

    # ---- both ----

    @contextmanager
    def _attempt(self, order: TransferOrder, uri: str, method: str, first: str) -> Iterator[Attempt]:
        """An attempt on the record, from its `first` message to the end of the block."""
        attempt = Attempt(order.destination, uri, method, datetime.now(UTC))
        attempt.step(attempt.started_at, first)
        self._attempts.append(attempt)
        try:
            yield attempt
        except _CallerLeft:
            attempt.failure = _LEFT
            raise
        finally:
            attempt.ended_at = datetime.now(UTC)

    def _unless_left(self) -> None:
        """Raises _CallerLeft also where the line tells and the call has not heard yet: nobody is called for nothing."""
        if self._caller.gone.is_set() or self._caller.line.closed is not None:
            raise _CallerLeft

    async def _unless_gone(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it; raises _CallerLeft, with the work taken back, as soon as the caller has gone."""
        doing = asyncio.create_task(work)
        leaving = asyncio.create_task(self._caller.gone.wait())
        try:
            await asyncio.wait((doing, leaving), return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                return doing.result()
            raise _CallerLeft
        finally:
            for task in (doing, leaving):
                task.cancel()
            await asyncio.wait((doing, leaving))


def identity(plan: CallPlan) -> dict[str, str]:
    """Headers that show the caller's number to a system that trusts us (RFC 3325, RFC 5806).

    The From stays the trunk's: most trunks refuse a call with another, and the stack keeps an agent for each for good.
    """
    host = plan.way_out.host if plan.way_out else "anonymous.invalid"
    if not plan.other_party:
        return {}
    return {
        "P-Asserted-Identity": f"<sip:{plan.other_party}@{host}>",
        "Diversion": f"<sip:{plan.own_number}@{host}>;reason=unconditional",
    }
