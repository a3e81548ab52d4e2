"""One live call: binds a line, a session, its driver and its recorder, from the answer to the closed line."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

import structlog

from trunkline.host.attendant import Attendant
from trunkline.host.desk import Desk
from trunkline.host.handover import Handover, Talk
from trunkline.host.leg import GatedTape, Tape
from trunkline.platform.telemetry import metrics
from trunkline.resources.actions.offering import offered
from trunkline.resources.actions.running import Place, ToolRunner
from trunkline.resources.actions.work import Occasion, Outcome, PlannedAction
from trunkline.resources.calls.plan import CallPlan
from trunkline.voice.conversation.events import (
    EndReason,
    HangUp,
    Kind,
    LineClosed,
    Note,
    Request,
    Say,
    Whisper,
)
from trunkline.voice.conversation.profile import Medium
from trunkline.voice.lines.line import Line, Referred

log = structlog.get_logger(__name__)

_HANG_UP_SECONDS = 3.0
"""A line that does not report its end by then is left to itself."""


class LiveCall:
    """A call while its line is up. Belongs to the work loop; its leg to the beat."""

    def __init__(self, plan: CallPlan, line: Line, desk: Desk, tape: Tape) -> None:
        self.plan = plan
        self._line = line
        self._desk = desk
        self._notes: list[Note] = []
        self._news = asyncio.Event()
        self._over = asyncio.Event()
        self._line_gone = asyncio.Event()
        self._finished = False
        self._hanging_up: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.fault: str | None = None
        """What broke in the host, if that is why the call ended."""
        self._tools = ToolRunner(
            replace(desk.means, transfer=self._transfer),
            Place(plan.workspace_id, plan.agent_id, str(plan.call_id), Medium.CALL, plan.timezone),
            plan.variables,
            offered(plan.equipment.actions),
            plan.results,
        )
        profile = replace(plan.profile, thinking_deadline=desk.parts.thinking_deadline)
        self._tape = GatedTape(tape, running=not profile.consent_message)
        self._agent = Attendant(line, profile, plan.speech, desk, self._tape, self, self._tools.run)
        talk = Talk(self._agent, self, self._tape, self._add_note, self._over.set)
        self._handover = Handover(plan, line, desk, talk)

    @property
    def id(self) -> UUID:
        return self.plan.call_id

    async def run(self) -> None:
        """Talk until the end; returns when the line is closed and nothing of the call runs any more."""
        desk = self._desk
        desk.writer.open(self.id, self.plan.workspace_id, self.plan.keep_transcript)
        for ran in self.plan.ran:
            self.note(Note(0, Kind.TOOL_STARTED.value, dict(ran.started)))
            self.note(Note(0, Kind.TOOL_FINISHED.value, dict(ran.finished)))
        desk.beat.add(self._agent.leg)
        try:
            await self._over.wait()
            await self._handover.close()
            self.close_line("")
            assert self._hanging_up is not None
            await self._hanging_up
            self._add_note(Kind.LINE, asdict(self._line.stats()))
        finally:
            await desk.beat.remove(self._agent.leg)
            await self._agent.close()
            await self._tools.close()
            for task in self._tasks:
                task.cancel()
            self._finished = True
            self._news.set()

    # ---- control ----

    def describe(self) -> dict[str, Any]:
        """For control: nothing of what was said, and nobody's number."""
        return {
            "id": str(self.id),
            "workspace_id": str(self.plan.workspace_id),
            "direction": self.plan.direction.value,
            "state": self._agent.session.state.value,
            "at_ms": self._agent.session.now_ms,
        }

    def control(self, event: HangUp | Say | Whisper) -> None:
        """Feed the conversation from outside. Of a call that somebody has taken over only the end is left to ask for."""
        if not (isinstance(event, HangUp) and self._handover.end_bridge()):
            self._agent.feed(event)

    async def transfer(self, target: str, seconds: float) -> Referred:
        """Send the other side to a `sip:` URI, at most so many seconds; when that fails the agent goes on with it.

        Raises Conflict while another transfer is on.
        """
        return await self._handover.refer(target, seconds)

    def cut_off(self, fault: str) -> None:
        """End the call for a reason that lies in the host."""
        self.fault = self.fault or fault
        self.control(HangUp(EndReason.ERROR.value))

    async def watch(self) -> AsyncIterator[Note]:
        """Every note, those of before first; ends with the call."""
        at = 0
        while True:
            while at < len(self._notes):
                yield self._notes[at]
                at += 1
            if self._finished:
                return
            await self._news.wait()

    # ---- Owner: what the beat tells ----

    def asked(self, requests: list[Request]) -> None:
        self._agent.do(requests)

    def talk_ended(self) -> None:
        if not self._handover.bridged:  # else it was for that; what the two say to each other goes on
            self._over.set()

    def line_closed(self, event: LineClosed) -> None:
        self._line_gone.set()

    def beat_failed(self, error: Exception) -> None:
        """The conversation broke: the call ends with what was heard so far."""
        log.error("call_failed", call_id=str(self.id), error=type(error).__name__, exc_info=error)
        if self.fault is not None:
            return
        self.fault = f"The conversation failed in the voice host ({type(error).__name__})."
        self._add_note(Kind.ENDED, {"reason": EndReason.ERROR.value, "detail": self.fault})
        self._line_gone.set()  # nobody reads the line's events any more
        self._over.set()

    # ---- Employer: what the conversation wants of the host ----

    def note(self, note: Note) -> None:
        self._notes.append(note)
        self._desk.writer.add(self.id, [note])
        if note.kind == Kind.TURN:
            _measure(note.data)
        elif note.kind == Kind.CONSENT:
            self._tape.running = bool(note.data["given"])
        elif note.kind == Kind.STEPPED_ASIDE:
            self._handover.stepped_aside()
        self._news.set()
        self._news = asyncio.Event()

    def _add_note(self, kind: Kind, data: dict[str, Any]) -> None:
        self.note(Note(self._agent.session.now_ms + int(data.get("talked_ms", 0)), kind.value, data))

    async def _transfer(
        self, action: PlannedAction, arguments: Mapping[str, Any], occasion: Occasion
    ) -> Outcome:
        return await self._handover.transfer(action, arguments, occasion)

    def close_line(self, reason: str) -> None:
        """Hang up, once; safe to repeat. A line that was handed over stays."""
        if self._hanging_up is None and not self._handover.bridged:
            self._hanging_up = asyncio.create_task(self._hang_up(), name=f"hang up {self.id}")

    def send_digits(self, digits: str) -> None:
        task = asyncio.create_task(self._press(digits), name=f"digits {self.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _press(self, digits: str) -> None:
        try:
            await self._line.send_digits(digits)
        except Exception as error:  # noqa: BLE001 - whatever ails the line, the call goes on
            log.warning("digits_not_sent", call_id=str(self.id), error=type(error).__name__)

    async def _hang_up(self) -> None:
        try:
            async with asyncio.timeout(_HANG_UP_SECONDS):
                await self._line.hang_up()
                await self._line_gone.wait()
        except TimeoutError:
            log.warning("line_did_not_close", call_id=str(self.id))
        except Exception as error:  # noqa: BLE001 - whatever ails the line, the call ends
            log.warning("line_did_not_close", call_id=str(self.id), error=type(error).__name__)
        # A session that broke does not end by itself.
        self._over.set()


def _measure(turn: dict[str, Any]) -> None:
    """Count the ledger of a turn."""
    for stage, ms in {"heard": turn["heard_gap_ms"], **turn["stages"]}.items():
        if ms is not None:
            metrics.turn_latency.labels(stage).observe(ms / 1000)
