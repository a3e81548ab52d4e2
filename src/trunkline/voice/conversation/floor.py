"""Who has the floor, tick by tick: the state machine of a conversation.

    listening  nobody speaks               caller     the caller speaks
    deciding   has the caller finished?    thinking   the turn is ours, nothing sent yet
    speaking   our sound is on the line    paused     we fell silent, not knowing why they spoke
    away       held                        ended      never left

The rules that pass the floor on are here; what each side does with it is in `caller` and `agent`.
"""

from collections.abc import Callable
from enum import StrEnum

from trunkline.voice.conversation.agent import Agent
from trunkline.voice.conversation.caller import Caller
from trunkline.voice.conversation.dialogue import Dialogue
from trunkline.voice.conversation.echo import EchoGuard
from trunkline.voice.conversation.events import TICK_MS, EndReason, Flush, Kind
from trunkline.voice.conversation.hearing import BARGE_IN_TICKS, ONSET_TICKS, QUIET_TICKS
from trunkline.voice.conversation.interruption import ASK_AT_TICKS, Interruption, Outcome
from trunkline.voice.conversation.outbox import Outbox
from trunkline.voice.conversation.playout import Sentence
from trunkline.voice.conversation.profile import GreetingMode, Profile
from trunkline.voice.conversation.turns import interrupting_words, is_question, same_words, words_of

_TOGETHER_TICKS = 200 // TICK_MS
"""Both starting within this: we yield."""
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


class Floor:
    """The state, and what moves it. `end` is called when the agent, the clock or a fault ends the talk."""

    def __init__(
        self,
        outbox: Outbox,
        rate: int,
        profile: Profile,
        dialogue: Dialogue,
        end: Callable[[EndReason, str], None],
        has_partials: bool,
        line_delay_ms: int,
    ) -> None:
        self.profile = profile
        self.state = State.LISTENING
        self.dialogue = dialogue
        self.caller = Caller(outbox, rate, profile.patience)
        self.agent = Agent(outbox, rate, dialogue)
        self._out = outbox
        self._end = end
        self._has_partials = has_partials
        self._line_delay_ms = line_delay_ms
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

    # ---- a tick ----

    def listen(self) -> None:
        """What this tick's voice or silence means for the floor."""
        match self.state:
            case State.LISTENING | State.DECIDING if self.caller.ear.onset_run >= ONSET_TICKS:
                self._take_back()
                self._hear_caller()
            case State.LISTENING:
                self._while_listening()
            case State.CALLER if self.caller.ear.quiet_run >= QUIET_TICKS:
                self.caller.pause()
                self.state = State.DECIDING
            case State.DECIDING:
                self._decide()
            case State.THINKING if self.caller.ear.onset_run >= ONSET_TICKS and not self._says_own_words():
                self._take_back()
                self._hear_caller()
            case State.SPEAKING:
                self._while_speaking()
            case State.PAUSED:
                self._while_paused()
            case _:
                pass

    def speak(self, queued: int) -> bytes:
        """Hand over what is to be said."""
        playout = self.agent.playout
        sound, began = playout.tick(queued, self._out.now_ms)
        if self.state is State.THINKING or self.state is State.SPEAKING:
            self._echo.tick(self.caller.ear.level, sound)
        if began is not None:
            self._begin_speaking(began, queued)
        if self.state in (State.THINKING, State.SPEAKING) and not self.agent.busy:
            self._all_said()
        return sound

    # ---- the caller speaks ----

    def _hear_caller(self) -> None:
        self._idle_ticks = 0
        self._reminders = 0
        self.caller.speak_up(self.caller.ear.onset_run)
        self.state = State.CALLER

    def _take_back(self) -> None:
        """The caller goes on: the reply is dropped, the words become one turn."""
        if self.state is State.THINKING and self.caller.turn is not None:
            self.dialogue.retract_user()
        if self.agent.reply is not None:
            self.agent.drop()

    def _decide(self) -> None:
        """Silence after voice: noise, a turn, or not yet."""
        self.caller.judge()
        if self.caller.is_noise:
            self._out.note(Kind.NOISE)
            self.caller.forget()
            self.state = State.LISTENING
        elif self.caller.may_commit():
            self._commit()
        elif self.agent.reply is None and self.caller.likely_complete() and not self._wants_greeting():
            self.agent.answer(self.dialogue.preview(self.caller.text), self.caller.text, committed=False)

    def _commit(self) -> None:
        """The turn is ours."""
        text = self.caller.text
        if self.caller.ledger:
            self.caller.ledger.commit_ms = self._out.now_ms
        self._committed_at = self._out.tick
        self.state = State.THINKING
        early = self.agent.reply
        if self._wants_greeting():
            self.agent.drop()
            self.dialogue.user_said(text)
            self._greet()
        elif early is not None and same_words(early.words, text):
            self.dialogue.user_said(text)
            if early.done and early.tools:
                self.settle_turn()
            self.agent.commit()
        else:
            self.agent.drop()
            self.dialogue.user_said(text)
            self.agent.answer(self.dialogue.messages(), text, committed=True)
        self._greeted = True

    def settle_turn(self) -> None:
        """The caller's turn is surely over: it goes on the record."""
        turn, caller = self.caller.turn, self.caller
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
        return own_words and not self._greeted and len(words_of(self.caller.text)) <= _HELLO_WORDS

    def _greet(self) -> None:
        self._greeted = True
        if self.profile.greeting_mode is GreetingMode.AGENT_DYNAMIC:
            self.agent.answer(self.dialogue.messages(), "", committed=True)
        elif self.profile.greeting:
            self.agent.say(self.profile.greeting)
        if self.agent.reply is not None:
            self._committed_at = self._out.tick
            self.state = State.THINKING

    def _says_own_words(self) -> bool:
        """A greeting or the like is about to sound: a voice now is met when it does."""
        return self.agent.reply is not None and self.agent.reply.scripted

    def _begin_speaking(self, sentence: Sentence, queued: int) -> None:
        """The first sound of a sentence was handed over."""
        if self.state is not State.THINKING:
            return
        self.state = State.SPEAKING
        self._spoke_at = self._out.tick
        self._armed = True
        ledger, reply = self.caller.ledger, self.agent.reply
        if ledger is not None and reply is not None:
            ledger.token_ms, ledger.sentence_ms, ledger.audio_ms = (
                reply.token_ms,
                reply.sentence_ms,
                reply.audio_ms,
            )
            ledger.sent_ms = self._out.now_ms
            ledger.line_ms = self._line_delay_ms
            ledger.queue_ms = queued * TICK_MS // self.agent.playout.frame_samples
        self.settle_turn()
        if ledger is not None:
            self._out.note(Kind.TURN, **ledger.data())

    def _while_speaking(self) -> None:
        ear = self.caller.ear
        if ear.quiet_run >= QUIET_TICKS:
            self._armed = True
            self.caller.finish_segment()
        if not self._armed or ear.barge_run < BARGE_IN_TICKS or self.caller.segment is not None:
            return
        if self._echo.is_echo(ear.barge_run):
            return
        self.caller.speak_up(ear.barge_run)
        if self.profile.interruptible:
            self._pause()

    def _all_said(self) -> None:
        """Nothing is left to say: the floor is free, or the call is over."""
        self.agent.finish()
        self._echo.clear()
        if self.agent.closing:
            reason = EndReason.ERROR if self.agent.gave_up else EndReason.AGENT_ENDED
            self._end(reason, "the language model failed" if self.agent.gave_up else "")
        elif self.agent.gave_up:
            self._end(EndReason.ERROR, "the text-to-speech failed")
        elif self.caller.segment is not None:
            self.state = State.CALLER
        elif self.caller.turn is not None:
            if self.state is State.THINKING:
                self.settle_turn()
                self.state = State.LISTENING
            else:
                self.caller.pause()
                self.state = State.DECIDING
        else:
            self.state = State.LISTENING

    # ---- the caller speaks while we do ----

    def _pause(self) -> None:
        ear, playout = self.caller.ear, self.agent.playout
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
        interruption, turn = self._interruption, self.caller.turn
        assert interruption is not None and turn is not None
        if self.caller.ear.quiet_run >= QUIET_TICKS and self.caller.segment is not None:
            self.caller.pause()
        if self.caller.segment is None and self.caller.ear.onset_run >= ONSET_TICKS:
            self.caller.speak_up(self.caller.ear.onset_run)
        if not self._has_partials and self._out.tick - interruption.began in ASK_AT_TICKS:
            self.caller.ask_words()
        self._weigh_interruption()

    def _weigh_interruption(self) -> None:
        interruption, turn = self._interruption, self.caller.turn
        assert interruption is not None and turn is not None
        match interruption.decide(self._out.tick, turn):
            case Outcome.YIELD if not self.agent.playout.flushing:
                self._yield()
            case Outcome.RESUME:
                self._resume()
            case _:
                pass

    def _yield(self) -> None:
        self._note_interruption(Outcome.YIELD)
        self.agent.cut()
        self._echo.clear()
        self.state = State.CALLER if self.caller.segment is not None else State.DECIDING

    def _resume(self) -> None:
        self._note_interruption(Outcome.RESUME)
        self.caller.finish_segment()
        if interrupting_words(self.caller.text) == 0:
            self.caller.forget()
        self._armed = False
        self.agent.playout.resume()
        self.state = State.SPEAKING

    def _note_interruption(self, outcome: Outcome) -> None:
        assert self._interruption is not None
        words = self.caller.turn.text if self.caller.turn else ""
        paused_ms = (self._out.tick - self._interruption.began) * TICK_MS
        self._out.note(Kind.BARGE_IN, outcome=outcome.value, words=words, paused_ms=paused_ms)
        self._interruption = None

    # ---- clocks ----

    def _while_listening(self) -> None:
        if not self._greeted:
            wait = self.profile.initial_pause
            if self.profile.greeting_mode is GreetingMode.HUMAN:
                wait = self.profile.human_talk_timeout
            if self._out.now_ms > wait * 1000:
                self._greet()
            return
        self._idle_ticks += 1
        idle = self._idle_ticks * TICK_MS / 1000
        if idle >= self.profile.allowed_idle:
            self._end(EndReason.IDLE, "")
            return
        every = self.profile.reminder_after_idle
        if every and self._reminders < self.profile.max_reminders and idle >= every * (self._reminders + 1):
            self._reminders += 1
            self._out.note(Kind.IDLE_REMINDER)
            self.say(self.profile.reminder_message)

    def watch_deadline(self) -> None:
        """Thinking too long: say so. Never silence."""
        waited = (self._out.tick - self._committed_at) * TICK_MS / 1000
        patience_over = waited >= self.profile.thinking_deadline
        if self.state is State.THINKING and patience_over and not self.agent.waits_for_tool:
            self._out.note(Kind.FAULT, part="reply", reason="nothing to say within the deadline")
            self._committed_at = self._out.tick
            self.agent.apologise()

    # ---- what happens ----

    def reconsider(self) -> None:
        """News of what was said: decide now, not at the next tick."""
        if self.state is State.DECIDING:
            self._decide()
        elif self.state is State.PAUSED:
            self._weigh_interruption()

    def press(self, digit: str) -> None:
        """A key: it takes the floor like a word that was surely meant."""
        self._out.note(Kind.DIGIT, digit=digit)
        self._idle_ticks = 0
        if self.state is State.THINKING and not self._says_own_words():
            self._take_back()
            self.state = State.LISTENING
        elif self.state in (State.SPEAKING, State.PAUSED, State.THINKING) and self.profile.interruptible:
            if self.state is not State.PAUSED:
                self._out.ask(Flush())
            self.agent.cut()
            self._interruption = None
            self.state = State.LISTENING
        self.caller.key(digit)
        if self.state is State.LISTENING:
            self.state = State.CALLER if self.caller.segment is not None else State.DECIDING

    def say(self, text: str) -> None:
        """Speak this now, as the agent."""
        self.agent.say(text)
        if self.state is State.LISTENING:
            self.state = State.THINKING
            self._committed_at = self._out.tick

    def whisper(self, text: str, reply: bool) -> None:
        """The model reads this from now on; a reply that was made on speculation did not, and is made anew.

        `reply`: speak on it at once if nobody has the floor.
        """
        self.dialogue.told(text)
        if self.state is State.DECIDING:
            self.agent.drop()
        elif reply and self.state is State.LISTENING:
            self._greeted = True
            self.agent.answer(self.dialogue.messages(), "", committed=True)
            self._committed_at = self._out.tick
            self.state = State.THINKING

    def hold(self) -> None:
        """The other side put us on hold."""
        if self.state is State.AWAY:
            return
        self.caller.finish_segment()
        self._interruption = None
        if self.state in (State.DECIDING, State.CALLER):
            self.agent.drop()
        self._was_thinking = self.state is State.THINKING
        self.state = State.AWAY

    def unhold(self) -> None:
        """The hold is over: go on where we were."""
        if self.state is not State.AWAY:
            return
        self.agent.playout.resume()
        if self.agent.reply is not None:
            self.state = State.THINKING if self._was_thinking else State.SPEAKING
            self._committed_at = self._out.tick
        elif self.caller.turn is not None:
            self.caller.pause()
            self.state = State.DECIDING
        else:
            self.state = State.LISTENING
