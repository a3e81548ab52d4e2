"""The line of a person who shall take a call over: a session of its own with a briefing agent.

It finds out whether a person has answered, says the message, asks whether they take the call where that is wanted,
and hands the line over. No language model decides here: a yes, a no, a key or the end of the message does.
"""

import asyncio
from dataclasses import replace
from enum import Enum

import structlog

from trunkline.errors import Unavailable
from trunkline.host.attendant import Attendant
from trunkline.host.desk import Desk
from trunkline.host.leg import GatedTape, NoTape, Tape
from trunkline.host.switchboard import Party
from trunkline.host.waiting import Silence
from trunkline.resources.calls.plan import CallPlan
from trunkline.resources.transfers.order import Mode, TransferOrder
from trunkline.voice.conversation.events import EndReason, HangUp, Kind, LineClosed, Note, Request
from trunkline.voice.conversation.phrases import phrases_of
from trunkline.voice.conversation.profile import GreetingMode, Profile, Voicemail
from trunkline.voice.driver.ports import ToolAnswer
from trunkline.voice.lines.line import Line

log = structlog.get_logger(__name__)

_TAKES = "1"
_DECLINES = "2"
_PAUSES = {",": 1.0, "w": 0.5, "W": 1.0}
"""Seconds of silence among the keys of an extension."""
_LONGEST = 120.0
"""Seconds beyond the wait for a person after which a briefing is given up."""
_CLOSE_SECONDS = 3.0
_BRIEF = "You hand a telephone call over to the person on the line. Answer in one short sentence what they ask about it. {summary}"


class Verdict(Enum):
    """What came of a briefing."""

    TAKEN = "taken"
    DECLINED = "declined"
    MACHINE = "machine"
    SILENT = "silent"
    """Nobody said a word."""
    FAILED = "failed"


class Consult:
    """One person on one line, from the answer until the line is handed over or closed. Belongs to the work loop."""

    def __init__(
        self,
        line: Line,
        plan: CallPlan,
        order: TransferOrder,
        summary: str,
        desk: Desk,
        tape: Tape | None = None,
    ) -> None:
        """`tape`: of the briefing alone; None: it is not recorded. Raises SetupError like `Attendant`."""
        self._line = line
        self._order = order
        self._desk = desk
        self._verdict: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._line_gone = asyncio.Event()
        self._spoke = False
        self._tape = GatedTape(tape or NoTape(), running=True)
        profile = briefing(plan.profile, order, summary)
        self._agent = Attendant(line, profile, plan.speech, desk, self._tape, self, _no_tool)

    async def ask(self) -> Verdict:
        """Say what there is to say, and find out whether they take the call. The line stays up."""
        self._agent.leg.pass_to(Silence(), self)  # of a menu that asks for the extension nothing counts
        self._desk.beat.add(self._agent.leg)
        beginning = asyncio.create_task(self._begin(), name="transfer extension")
        try:
            verdict = await self._verdict
        finally:
            beginning.cancel()
        self._tape.running = False
        if verdict is Verdict.TAKEN:
            self._agent.feed(HangUp(EndReason.TRANSFERRED.value))  # of the briefing: the line is handed over
        return verdict

    @property
    def party(self) -> Party:
        """To be joined with the caller."""
        return Party(self._agent.leg, self._line, self)

    @property
    def left(self) -> bool:
        """Has the person hung up?"""
        return self._line_gone.is_set() or self._line.closed is not None

    async def close(self) -> None:
        """Hang up and let go of everything; safe to repeat."""
        await self._line.hang_up()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._line_gone.wait()
        except TimeoutError:
            log.warning("consult_line_did_not_close")
        await self._desk.beat.remove(self._agent.leg)
        await self._agent.close()

    async def _begin(self) -> None:
        """Press the keys of the extension, then let the briefing have the line."""
        try:
            await self._dial_extension()
        except Unavailable as error:
            if self._line.closed is None:  # else the beat tells that they have left
                log.warning("extension_not_sent", reason=str(error))
                self._decide(Verdict.FAILED)
            return
        if self._order.mode is Mode.BLIND:  # they were to have the caller at once
            self._decide(Verdict.TAKEN)
        else:
            self._agent.leg.pass_to(self._agent.session, self)

    async def _dial_extension(self) -> None:
        for key in self._order.digits:
            if key in _PAUSES:
                await asyncio.sleep(_PAUSES[key])
            else:
                await self._line.send_digits(key.upper())

    def _decide(self, verdict: Verdict) -> None:
        if not self._verdict.done():
            self._verdict.set_result(verdict)

    # ---- Employer: what comes of the briefing ----

    def note(self, note: Note) -> None:
        match note.kind:
            case Kind.CALLER_SPEAKS:
                self._spoke = True
            case Kind.VOICEMAIL:
                self._decide(Verdict.MACHINE)
            case Kind.DIGIT if note.data["digit"] == _TAKES:
                self._decide(Verdict.TAKEN)
            case Kind.DIGIT if note.data["digit"] == _DECLINES:
                self._decide(Verdict.DECLINED)
            case Kind.CONSENT if self._order.screened:
                self._decide(Verdict.TAKEN if note.data["given"] else self._untaken())
            case Kind.AGENT_SAID if not self._order.screened:
                silent = self._order.detect_human and not self._spoke
                self._decide(Verdict.SILENT if silent else Verdict.TAKEN)
            case Kind.ENDED:
                self._decide(self._untaken())

    def close_line(self, reason: str) -> None:
        return  # whoever asked closes it

    def send_digits(self, digits: str) -> None:
        return

    def _untaken(self) -> Verdict:
        return Verdict.DECLINED if self._spoke else Verdict.SILENT

    # ---- Owner: what the beat tells ----

    def asked(self, requests: list[Request]) -> None:
        self._agent.do(requests)

    def talk_ended(self) -> None:
        self._decide(self._untaken())

    def line_closed(self, event: LineClosed) -> None:
        self._line_gone.set()
        briefed = self._spoke or not self._order.detect_human  # then the message had begun
        self._decide(Verdict.DECLINED if briefed else Verdict.SILENT)

    def beat_failed(self, error: Exception) -> None:
        log.error("briefing_failed", error=type(error).__name__, exc_info=error)
        self._line_gone.set()  # nobody reads the line's events any more
        self._decide(Verdict.FAILED)


def briefing(profile: Profile, order: TransferOrder, summary: str) -> Profile:
    """How the briefing agent talks: as the agent of the call does, but it only says the message and waits.

    The message takes the place of the question about the recording: it comes whatever their first words are, and is
    heard out.
    """
    phrases = phrases_of(profile.language)
    message = " ".join(part for part in (order.message, summary) if part) or phrases.you_have_a_call
    question = f"{message} {phrases.will_you_take_it}" if order.screened else message
    return replace(
        profile,
        prompt=_BRIEF.format(summary=summary),
        greeting="",
        greeting_mode=GreetingMode.HUMAN if order.detect_human else GreetingMode.AGENT_STATIC,
        human_talk_timeout=order.detect_timeout,
        initial_pause=0.0,
        consent_message=question,
        max_duration=order.detect_timeout + _LONGEST,
        can_end_call=False,
        can_send_digits=False,
        background=None,
        voicemail=Voicemail(menus=True) if order.detect_human else None,
        tools=(),
    )


async def _no_tool(name: str, arguments: dict[str, object]) -> ToolAnswer:
    return ToolAnswer(f"There is no tool {name!r}.", ok=False)
