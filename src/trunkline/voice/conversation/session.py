"""One conversation on one line, as a pure function of its ticks and events.

`floor` says who has the floor and passes it on; here time moves, events come in, and the talk ends.
"""

from trunkline.voice.conversation.dialogue import Dialogue
from trunkline.voice.conversation.events import (
    TICK_MS,
    AudioRestarted,
    ClosedBy,
    CloseLine,
    ComeBack,
    Digit,
    EndReason,
    Event,
    Flushed,
    HangUp,
    HearingFailed,
    Held,
    Kind,
    LineClosed,
    ReplyDone,
    ReplyFailed,
    ReplyText,
    ReplyTool,
    Request,
    Resumed,
    Say,
    SpeechAudio,
    SpeechFailed,
    StepAside,
    ToolResult,
    TurnVerdict,
    Whisper,
    Words,
)
from trunkline.voice.conversation.floor import Floor
from trunkline.voice.conversation.outbox import Outbox
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.conversation.state import State

__all__ = ["Session", "State"]

_LAST_WORDS_TICKS = 1500 // TICK_MS
"""After the line has gone, the words that were just said are waited for this long."""
_ENDS = {ClosedBy.REMOTE: EndReason.HUMAN_ENDED, ClosedBy.TRANSFER: EndReason.TRANSFERRED}
"""What a line that closed means; otherwise it was lost."""


class Session:
    """Not safe to enter from two threads at once."""

    def __init__(
        self, profile: Profile, rate: int, has_partials: bool = False, line_delay_ms: int = 0
    ) -> None:
        """`line_delay_ms`: what the line itself adds to each turn, for the ledger."""
        self.profile = profile
        self.dialogue = Dialogue(profile)
        self._out = Outbox()
        self._floor = Floor(self._out, rate, profile, self.dialogue, self._end, has_partials, line_delay_ms)
        self._caller = self._floor.caller
        self._agent = self._floor.agent
        self._line_open = True
        self._ending: tuple[EndReason, str, int] | None = None
        """Reason, detail, and the tick until which last words are waited for."""

    @property
    def state(self) -> State:
        return self._floor.state

    @property
    def ended(self) -> bool:
        return self.state is State.ENDED

    @property
    def now_ms(self) -> int:
        """The call's clock."""
        return self._out.now_ms

    # ---- time ----

    def tick(self, frame: bytes | None, speech: float, queued: int) -> tuple[bytes, list[Request]]:
        """20 ms pass.

        `frame`: what was heard (None: lost). `speech`: the VAD's probability. `queued`: samples that the line holds.
        Answers the sound that the line shall have now, and what is asked of the world.
        """
        if self.ended:
            return b"", []
        self._out.tick += 1
        if self._out.tick == 1:
            self._out.note(Kind.STARTED)
        self._caller.tick(frame, speech)
        if self._ending is not None:
            self._await_last_words()
            return b"", self._out.take()
        self._floor.listen()
        self._watch_clocks()
        sound = b""
        if not self._ending and self.state is not State.AWAY:
            sound = self._floor.speak(queued)
        return sound, self._out.take()

    def _watch_clocks(self) -> None:
        if self._ending:
            return
        longest = self.profile.max_duration
        if longest is not None and self.now_ms >= longest * 1000:
            self._end(EndReason.MAX_DURATION)
        else:
            self._floor.watch_deadline()

    # ---- events ----

    def feed(self, event: Event) -> list[Request]:
        """Something came back; time stands still. After the end nothing is applied."""
        if self.ended:
            return []
        if self._ending is not None:
            if isinstance(event, Words | HearingFailed):
                self._hear_words(event)
        else:
            self._apply(event)
        return self._out.take()

    def _apply(self, event: Event) -> None:
        match event:
            case Words() | HearingFailed():
                self._hear_words(event)
                self._floor.reconsider()
            case TurnVerdict(pause, probability):
                self._caller.verdict(pause, probability)
                self._floor.reconsider()
            case ReplyText():
                self._agent.text(event)
            case ReplyTool():
                self._agent.tool(event)
            case ReplyDone():
                if self.state is State.THINKING and self._agent.wants_tools(event.reply):
                    self._floor.settle_turn()
                self._agent.done(event)
            case ReplyFailed():
                self._agent.failed(event)
            case ToolResult():
                self._floor.tool_answered(event)
            case SpeechAudio():
                self._agent.sound(event)
            case SpeechFailed():
                self._agent.speech_failed(event)
            case Flushed(samples) | AudioRestarted(samples):
                self._agent.playout.flushed(samples)
            case _:
                self._apply_outside(event)

    def _apply_outside(
        self, event: Digit | Held | Resumed | LineClosed | HangUp | Say | Whisper | StepAside | ComeBack
    ) -> None:
        """The line or control wants something."""
        match event:
            case Digit(digit):
                self._floor.press(digit)
            case Held():
                self._floor.hold()
            case Resumed():
                self._floor.unhold()
            case StepAside():
                self._floor.step_aside()
            case ComeBack():
                self._floor.come_back()
            case LineClosed(by, reason, _):
                self._line_open = False
                self._end(self._floor.their_end or _ENDS[by] if by in _ENDS else EndReason.LINE_LOST, reason)
            case HangUp(reason):
                known = reason in {member.value for member in EndReason}
                self._end(EndReason(reason) if known else EndReason.USER_CANCELED, "" if known else reason)
            case Say(text):
                self._out.note(Kind.SAY, text=text)
                self._floor.say(text)
            case Whisper(text, reply):
                self._out.note(Kind.WHISPER, text=text)
                self._floor.whisper(text, reply)

    def _hear_words(self, event: Words | HearingFailed) -> None:
        if isinstance(event, HearingFailed):
            self._out.note(Kind.FAULT, part="speech_to_text", reason=event.reason)
            self._caller.words(event.segment, "", final=True)
        else:
            self._caller.words(event.segment, event.text, event.final)

    # ---- the end ----

    def _end(self, reason: EndReason, detail: str = "") -> None:
        """The first reason stays. Words that were just said are waited for, nothing else."""
        if self._ending is not None or self.ended:
            return
        self._ending = (reason, detail, self._out.tick + _LAST_WORDS_TICKS)
        self._agent.cut()
        self._caller.finish_segment()
        if self._line_open:
            self._out.ask(CloseLine(reason.value))
        self._await_last_words()

    def _await_last_words(self) -> None:
        assert self._ending is not None
        reason, detail, until = self._ending
        if self._caller.turn is not None and not self._caller.words_known and self._out.tick < until:
            return
        self._floor.settle_turn()
        self._out.note(Kind.ENDED, reason=reason.value, detail=detail)
        self._floor.state = State.ENDED
