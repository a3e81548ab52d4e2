"""One live call: binds a line, a session, its driver and its recorder, from the answer to the closed line."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

import structlog

from trunkline.host.desk import Desk
from trunkline.host.handover import Handover, Talk
from trunkline.host.leg import GatedTape, Leg, Tape
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
from trunkline.voice.conversation.session import Session
from trunkline.voice.driver.wall import WallDriver
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
        self.fault: str | None = None
        """What broke in the host, if that is why the call ended."""
        lock = threading.Lock()
        profile = replace(plan.profile, thinking_deadline=desk.parts.thinking_deadline)
        speech = desk.parts.speech_for(plan.speech)
        self._tools = ToolRunner(
            replace(desk.means, transfer=self._transfer),
            Place(plan.workspace_id, plan.agent_id, str(plan.call_id), Medium.CALL, plan.timezone),
            plan.variables,
            offered(plan.equipment.actions),
            plan.results,
        )
        self._session = Session(profile, line.rate, speech.stt.has_partials, line.delay_ms)
        self._driver = WallDriver(
            self._session,
            rate=line.rate,
            profile=profile,
            stt=speech.stt,
            tts=speech.tts,
            llm=desk.parts.llm,
            turn=desk.parts.turn,
            run_tool=self._tools.run,
            on_note=self._note,
            close_line=self._close_line,
            send_digits=self._send_digits,
            lock=lock,
        )
        self._tape = GatedTape(tape, running=not profile.consent_message)
        self._leg = Leg(line, self._session, self._tape, self, lock)
        talk = Talk(self._session, self._leg, self, self._tape, self._driver.feed, self._add_note)
        self._handover = Handover(plan, line, desk, talk)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def id(self) -> UUID:
        return self.plan.call_id

    async def run(self) -> None:
        """Talk until the end; returns when the line is closed and nothing of the call runs any more."""
        desk = self._desk
        desk.writer.open(self.id, self.plan.workspace_id, self.plan.keep_transcript)
        for ran in self.plan.ran:
            self._note(Note(0, Kind.TOOL_STARTED.value, dict(ran.started)))
            self._note(Note(0, Kind.TOOL_FINISHED.value, dict(ran.finished)))
        desk.beat.add(self._leg)
        try:
            await self._over.wait()
            await self._handover.close()
            self._close_line("")
            assert self._hanging_up is not None
            await self._hanging_up
            self._add_note(Kind.LINE, asdict(self._line.stats()))
        finally:
            await desk.beat.remove(self._leg)
            await self._driver.close()
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
            "state": self._session.state.value,
            "at_ms": self._session.now_ms,
        }

    def control(self, event: HangUp | Say | Whisper) -> None:
        """Feed the conversation from outside. Of a call that somebody has taken over only the end is left to ask for."""
        if not (isinstance(event, HangUp) and self._handover.end_bridge()):
            self._driver.feed(event)

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
        try:
            self._driver.handle(requests)
        except Exception as error:  # noqa: BLE001 - one call's fault ends that call, never the loop's other work
            self.beat_failed(error)

    def talk_ended(self) -> None:
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

    # ---- what the driver asks of the host ----

    def _note(self, note: Note) -> None:
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
        self._note(Note(self._session.now_ms + int(data.get("talked_ms", 0)), kind.value, data))

    async def _transfer(
        self, action: PlannedAction, arguments: Mapping[str, Any], occasion: Occasion
    ) -> Outcome:
        return await self._handover.transfer(action, arguments, occasion)

    def _close_line(self, reason: str) -> None:
        """Hang up, once; safe to repeat. A line that was handed over stays."""
        if self._hanging_up is None and not self._handover.bridged:
            self._hanging_up = asyncio.create_task(self._hang_up(), name=f"hang up {self.id}")

    def _send_digits(self, digits: str) -> None:
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
