"""One conversation on one line: who has the floor, tick by tick.

    listening  nobody speaks               caller     the caller speaks
    deciding   has the caller finished?    thinking   the turn is ours, nothing sent yet
    speaking   our sound is on the line    paused     we fell silent, not knowing why they spoke
    away       held                        ended      never left

The rules of the floor are here; what each side does with it is in `caller` and `agent`.
"""

from enum import StrEnum

from trunkline.voice.conversation.agent import Agent
from trunkline.voice.conversation.caller import Caller
from trunkline.voice.conversation.dialogue import Dialogue
from trunkline.voice.conversation.echo import EchoGuard
from trunkline.voice.conversation.events import (
    TICK_MS,
    AudioRestarted,
    ClosedBy,
    CloseLine,
    Digit,
    EndReason,
    Event,
    Flush,
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
    ToolResult,
    TurnVerdict,
    Words,
)
from trunkline.voice.conversation.hearing import BARGE_IN_TICKS, ONSET_TICKS, QUIET_TICKS
from trunkline.voice.conversation.interruption import ASK_AT_TICKS, Interruption, Outcome
from trunkline.voice.conversation.outbox import Outbox
from trunkline.voice.conversation.playout import Sentence
from trunkline.voice.conversation.profile import GreetingMode, Profile
from trunkline.voice.conversation.turns import interrupting_words, is_question, same_words, words_of

_TOGETHER_TICKS = 200 // TICK_MS
"""Both starting within this: we yield."""
_LAST_WORDS_TICKS = 1500 // TICK_MS
"""After the line has gone, the words that were just said are waited for this long."""
_HELLO_WORDS = 4
"""First words up to this many are answered by the greeting."""


class State(StrEnum):
    """Who has the floor."""

    LISTENING = "listening"
    CALLER = "caller"
    DECIDING = "deciding"
    THINKING = "thinking"
    SPEAKING = "speaking"
    PAUSED = "paused"
    AWAY = "away"
    ENDED = "ended"


class Session:
    """A pure function of its ticks and events; not safe to enter from two threads at once."""

    def __init__(
        self, profile: Profile, rate: int, has_partials: bool = False, line_delay_ms: int = 0
    ) -> None:
        """`line_delay_ms`: what the line itself adds to each turn, for the ledger."""
        self.profile = profile
        self.state = State.LISTENING
        self.dialogue = Dialogue(profile)
        self._has_partials = has_partials
        self._line_delay_ms = line_delay_ms
        self._out = Outbox()
        self._caller = Caller(self._out, rate, profile.patience)
        self._agent = Agent(self._out, rate, self.dialogue)
        self._echo = EchoGuard()
        self._interruption: Interruption | None = None
        self._was_thinking = False
        """Before the hold."""
        self._armed = True
        """May a voice pause us? Not the one that we just resumed against."""
        self._greeted = False
        self._spoke_at = 0
        """Tick at which we began to speak."""
        self._committed_at = 0
        self._idle_ticks = 0
        self._reminders = 0
        self._line_open = True
        self._ending: tuple[EndReason, str, int] | None = None
        """Reason, detail, and the tick until which last words are waited for."""

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
        self._listen()
        self._watch_clocks()
        sound = b""
        if not self._ending and self.state is not State.AWAY:
            sound = self._speak(queued)
        return sound, self._out.take()

    def _listen(self) -> None:
        """What this tick's voice or silence means for the floor."""
        match self.state:
            case State.LISTENING | State.DECIDING if self._caller.ear.onset_run >= ONSET_TICKS:
                self._take_back()
                self._hear_caller()
            case State.LISTENING:
                self._while_listening()
            case State.CALLER if self._caller.ear.quiet_run >= QUIET_TICKS:
                self._caller.pause()
                self.state = State.DECIDING
            case State.DECIDING:
                self._decide()
            case State.THINKING if self._caller.ear.onset_run >= ONSET_TICKS and not self._says_own_words():
                self._take_back()
                self._hear_caller()
            case State.SPEAKING:
                self._while_speaking()
            case State.PAUSED:
                self._while_paused()
            case _:
                pass

    def _speak(self, queued: int) -> bytes:
        """Hand over what is to be said."""
        playout = self._agent.playout
        sound, began = playout.tick(queued, self.now_ms)
        if self.state is State.THINKING or self.state is State.SPEAKING:
            self._echo.tick(self._caller.ear.level, sound)
        if began is not None:
            self._begin_speaking(began, queued)
        if self.state in (State.THINKING, State.SPEAKING) and not self._agent.busy:
            self._all_said()
        return sound

    # ---- the caller speaks ----

    def _hear_caller(self) -> None:
        self._idle_ticks = 0
        self._reminders = 0
        self._caller.speak_up(self._caller.ear.onset_run)
        self.state = State.CALLER

    def _take_back(self) -> None:
        """The caller goes on: the reply is dropped, the words become one turn."""
        if self.state is State.THINKING and self._caller.turn is not None:
            self.dialogue.retract_user()
        if self._agent.reply is not None:
            self._agent.drop()

    def _decide(self) -> None:
        """Silence after voice: noise, a turn, or not yet."""
        self._caller.judge()
        if self._caller.is_noise:
            self._out.note(Kind.NOISE)
            self._caller.forget()
            self.state = State.LISTENING
        elif self._caller.may_commit():
            self._commit()
        elif self._agent.reply is None and self._caller.likely_complete() and not self._wants_greeting():
            self._agent.answer(self.dialogue.preview(self._caller.text), self._caller.text, committed=False)

    def _commit(self) -> None:
        """The turn is ours."""
        text = self._caller.text
        if self._caller.ledger:
            self._caller.ledger.commit_ms = self.now_ms
        self._committed_at = self._out.tick
        self.state = State.THINKING
        early = self._agent.reply
        if self._wants_greeting():
            self._agent.drop()
            self.dialogue.user_said(text)
            self._greet()
        elif early is not None and same_words(early.words, text):
            self.dialogue.user_said(text)
            if early.done and early.tools:
                self._settle_turn()
            self._agent.commit()
        else:
            self._agent.drop()
            self.dialogue.user_said(text)
            self._agent.answer(self.dialogue.messages(), text, committed=True)
        self._greeted = True

    def _settle_turn(self) -> None:
        """The caller's turn is surely over: it goes on the record."""
        turn, caller = self._caller.turn, self._caller
        if turn is not None and caller.text:
            self._out.note(
                Kind.CALLER_SAID,
                text=caller.text,
                turn=turn.id,
                segments=[segment.id for segment in turn.segments],
                start_ms=turn.start_ms,
                end_ms=turn.last_voice * TICK_MS,
            )
        ledger = caller.ledger
        caller.forget()
        if self.state is State.THINKING:
            caller.ledger = ledger

    # ---- we speak ----

    def _wants_greeting(self) -> bool:
        """The other side's first "hello?" is answered by the greeting."""
        own_words = self.profile.greeting_mode is not GreetingMode.AGENT_DYNAMIC and bool(
            self.profile.greeting
        )
        return own_words and not self._greeted and len(words_of(self._caller.text)) <= _HELLO_WORDS

    def _greet(self) -> None:
        self._greeted = True
        if self.profile.greeting_mode is GreetingMode.AGENT_DYNAMIC:
            self._agent.answer(self.dialogue.messages(), "", committed=True)
        elif self.profile.greeting:
            self._agent.say(self.profile.greeting)
        if self._agent.reply is not None:
            self._committed_at = self._out.tick
            self.state = State.THINKING

    def _says_own_words(self) -> bool:
        """A greeting or the like is about to sound: a voice now is met when it does."""
        return self._agent.reply is not None and self._agent.reply.scripted

    def _begin_speaking(self, sentence: Sentence, queued: int) -> None:
        """The first sound of a sentence was handed over."""
        if self.state is not State.THINKING:
            return
        self.state = State.SPEAKING
        self._spoke_at = self._out.tick
        self._armed = True
        ledger, reply = self._caller.ledger, self._agent.reply
        if ledger is not None and reply is not None:
            ledger.token_ms, ledger.sentence_ms, ledger.audio_ms = (
                reply.token_ms,
                reply.sentence_ms,
                reply.audio_ms,
            )
            ledger.sent_ms = self.now_ms
            ledger.line_ms = self._line_delay_ms
            ledger.queue_ms = queued * TICK_MS // self._agent.playout.frame_samples
        self._settle_turn()
        if ledger is not None:
            self._out.note(Kind.TURN, **ledger.data())

    def _while_speaking(self) -> None:
        ear = self._caller.ear
        if ear.quiet_run >= QUIET_TICKS:
            self._armed = True
            self._caller.finish_segment()
        if not self._armed or ear.barge_run < BARGE_IN_TICKS or self._caller.segment is not None:
            return
        if self._echo.is_echo(ear.barge_run):
            return
        self._caller.speak_up(ear.barge_run)
        if self.profile.interruptible:
            self._pause()

    def _all_said(self) -> None:
        """Nothing is left to say: the floor is free, or the call is over."""
        self._agent.finish()
        self._echo.clear()
        if self._agent.closing:
            reason = EndReason.ERROR if self._agent.gave_up else EndReason.AGENT_ENDED
            self._end(reason, "the language model failed" if self._agent.gave_up else "")
        elif self._agent.gave_up:
            self._end(EndReason.ERROR, "the text-to-speech failed")
        elif self._caller.segment is not None:
            self.state = State.CALLER
        elif self._caller.turn is not None:
            if self.state is State.THINKING:
                self._settle_turn()
                self.state = State.LISTENING
            else:
                self._caller.pause()
                self.state = State.DECIDING
        else:
            self.state = State.LISTENING

    # ---- the caller speaks while we do ----

    def _pause(self) -> None:
        ear, playout = self._caller.ear, self._agent.playout
        voice_began = self._out.tick - ear.barge_run
        self._interruption = Interruption(
            began=self._out.tick,
            voice_began=voice_began,
            min_words=self.profile.min_words_to_interrupt,
            after_question=is_question(playout.last_finished()),
            at_once=voice_began - self._spoke_at < _TOGETHER_TICKS,
        )
        playout.pause(self.profile.interruption_fade_out)
        self._out.ask(Flush())
        self.state = State.PAUSED

    def _while_paused(self) -> None:
        interruption, turn = self._interruption, self._caller.turn
        assert interruption is not None and turn is not None
        if self._caller.ear.quiet_run >= QUIET_TICKS and self._caller.segment is not None:
            self._caller.pause()
        if self._caller.segment is None and self._caller.ear.onset_run >= ONSET_TICKS:
            self._caller.speak_up(self._caller.ear.onset_run)
        if not self._has_partials and self._out.tick - interruption.began in ASK_AT_TICKS:
            self._caller.ask_words()
        self._weigh_interruption()

    def _weigh_interruption(self) -> None:
        interruption, turn = self._interruption, self._caller.turn
        assert interruption is not None and turn is not None
        match interruption.decide(self._out.tick, turn):
            case Outcome.YIELD if not self._agent.playout.flushing:
                self._yield()
            case Outcome.RESUME:
                self._resume()
            case _:
                pass

    def _yield(self) -> None:
        self._note_interruption(Outcome.YIELD)
        self._agent.cut()
        self._echo.clear()
        self.state = State.CALLER if self._caller.segment is not None else State.DECIDING

    def _resume(self) -> None:
        self._note_interruption(Outcome.RESUME)
        self._caller.finish_segment()
        if interrupting_words(self._caller.text) == 0:
            self._caller.forget()
        self._armed = False
        self._agent.playout.resume()
        self.state = State.SPEAKING

    def _note_interruption(self, outcome: Outcome) -> None:
        assert self._interruption is not None
        words = self._caller.turn.text if self._caller.turn else ""
        paused_ms = (self._out.tick - self._interruption.began) * TICK_MS
        self._out.note(Kind.BARGE_IN, outcome=outcome.value, words=words, paused_ms=paused_ms)
        self._interruption = None

    # ---- clocks ----

    def _while_listening(self) -> None:
        if not self._greeted:
            wait = self.profile.initial_pause
            if self.profile.greeting_mode is GreetingMode.HUMAN:
                wait = self.profile.human_talk_timeout
            if self.now_ms > wait * 1000:
                self._greet()
            return
        self._idle_ticks += 1
        idle = self._idle_ticks * TICK_MS / 1000
        if idle >= self.profile.allowed_idle:
            self._end(EndReason.IDLE)
            return
        every = self.profile.reminder_after_idle
        if every and self._reminders < self.profile.max_reminders and idle >= every * (self._reminders + 1):
            self._reminders += 1
            self._out.note(Kind.IDLE_REMINDER)
            self._agent.say(self.profile.reminder_message)
            self.state = State.THINKING
            self._committed_at = self._out.tick

    def _watch_clocks(self) -> None:
        if self.ended or self._ending:
            return
        longest = self.profile.max_duration
        if longest is not None and self.now_ms >= longest * 1000:
            self._end(EndReason.MAX_DURATION)
            return
        waited = (self._out.tick - self._committed_at) * TICK_MS / 1000
        if (
            self.state is State.THINKING
            and waited >= self.profile.thinking_deadline
            and not self._agent.waits_for_tool
        ):
            self._out.note(Kind.FAULT, part="reply", reason="nothing to say within the deadline")
            self._committed_at = self._out.tick
            self._agent.apologise()

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
                self._reconsider()
            case TurnVerdict(pause, probability):
                self._caller.verdict(pause, probability)
                self._reconsider()
            case ReplyText():
                self._agent.text(event)
            case ReplyTool():
                self._agent.tool(event)
            case ReplyDone():
                if self.state is State.THINKING and self._agent.wants_tools(event.reply):
                    self._settle_turn()
                self._agent.done(event)
            case ReplyFailed():
                self._agent.failed(event)
            case ToolResult():
                self._agent.tool_answered(event)
            case SpeechAudio():
                self._agent.sound(event)
            case SpeechFailed():
                self._agent.speech_failed(event)
            case Flushed(samples) | AudioRestarted(samples):
                self._agent.playout.flushed(samples)
            case Digit(digit):
                self._press(digit)
            case Held():
                self._hold()
            case Resumed():
                self._unhold()
            case LineClosed(by, reason, _):
                self._line_open = False
                self._end(EndReason.HUMAN_ENDED if by is ClosedBy.REMOTE else EndReason.LINE_LOST, reason)
            case HangUp(reason):
                known = reason in {member.value for member in EndReason}
                self._end(EndReason(reason) if known else EndReason.USER_CANCELED, "" if known else reason)
            case Say(text):
                self._agent.say(text)
                if self.state is State.LISTENING:
                    self.state = State.THINKING
                    self._committed_at = self._out.tick

    def _hear_words(self, event: Words | HearingFailed) -> None:
        if isinstance(event, HearingFailed):
            self._out.note(Kind.FAULT, part="speech_to_text", reason=event.reason)
            self._caller.words(event.segment, "", final=True)
        else:
            self._caller.words(event.segment, event.text, event.final)

    def _reconsider(self) -> None:
        """News of what was said: decide now, not at the next tick."""
        if self.state is State.DECIDING:
            self._decide()
        elif self.state is State.PAUSED:
            self._weigh_interruption()

    def _press(self, digit: str) -> None:
        """A key: it takes the floor like a word that was surely meant."""
        self._out.note(Kind.DIGIT, digit=digit)
        self._idle_ticks = 0
        if self.state is State.THINKING and not self._says_own_words():
            self._take_back()
            self.state = State.LISTENING
        elif self.state in (State.SPEAKING, State.PAUSED, State.THINKING) and self.profile.interruptible:
            if self.state is not State.PAUSED:
                self._out.ask(Flush())
            self._agent.cut()
            self._interruption = None
            self.state = State.LISTENING
        self._caller.key(digit)
        if self.state is State.LISTENING:
            self.state = State.CALLER if self._caller.segment is not None else State.DECIDING

    def _hold(self) -> None:
        if self.state is State.AWAY:
            return
        self._caller.finish_segment()
        self._interruption = None
        if self.state in (State.DECIDING, State.CALLER):
            self._agent.drop()
        self._was_thinking = self.state is State.THINKING
        self.state = State.AWAY

    def _unhold(self) -> None:
        if self.state is not State.AWAY:
            return
        self._agent.playout.resume()
        if self._agent.reply is not None:
            self.state = State.THINKING if self._was_thinking else State.SPEAKING
            self._committed_at = self._out.tick
        elif self._caller.turn is not None:
            self._caller.pause()
            self.state = State.DECIDING
        else:
            self.state = State.LISTENING

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
        self._settle_turn()
        self._out.note(Kind.ENDED, reason=reason.value, detail=detail)
        self.state = State.ENDED
