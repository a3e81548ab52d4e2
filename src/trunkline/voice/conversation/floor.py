"""Who has the floor, tick by tick: the rules that pass it on from one `state` to the next.

What each side does with it is in `caller` and `agent`.
"""

from collections.abc import Callable

from trunkline.voice.conversation.agent import Agent
from trunkline.voice.conversation.aside import Aside
from trunkline.voice.conversation.barge_in import BargeIn
from trunkline.voice.conversation.caller import Caller
from trunkline.voice.conversation.dialogue import Dialogue
from trunkline.voice.conversation.events import TICK_MS, EndReason, Flush, Kind, ToolResult
from trunkline.voice.conversation.hearing import ONSET_TICKS, QUIET_TICKS
from trunkline.voice.conversation.interruption import Outcome
from trunkline.voice.conversation.opening import Opening
from trunkline.voice.conversation.outbox import Outbox
from trunkline.voice.conversation.playout import Sentence
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.conversation.screening import Screening
from trunkline.voice.conversation.state import State
from trunkline.voice.conversation.turns import same_words
from trunkline.voice.conversation.waiting import Deadline, Idleness


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
        self.caller = Caller(outbox, rate, profile.patience, profile.keypad)
        self.agent = Agent(outbox, rate, dialogue)
        self._opening = Opening(outbox, dialogue, self.agent)
        self._screening = Screening(outbox, rate, profile.voicemail, dialogue, self.caller, self.agent)
        self._barge_in = BargeIn(outbox, profile, self.caller, self.agent.playout, has_partials)
        self._out = outbox
        self._end = end
        self._line_delay_ms = line_delay_ms
        self._was_thinking = False
        """Before we were away."""
        self._aside = Aside(outbox)
        self._idleness = Idleness(profile)
        self._deadline = Deadline(outbox, profile, self.agent)

    # ---- a tick ----

    def listen(self) -> None:
        """What this tick's voice or silence means for the floor."""
        self._watch_exit()
        self._watch_answerer()
        match self.state:
            case State.LISTENING | State.DECIDING if self._voice_began():
                self._take_back()
                self._hear_caller()
            case State.LISTENING:
                self._while_listening()
            case State.CALLER if self.caller.ear.quiet_run >= QUIET_TICKS:
                self.caller.pause()
                self.state = State.DECIDING
            case State.DECIDING:
                self._decide()
            case State.THINKING if self._voice_began() and not self._says_own_words():
                self._take_back()
                self._hear_caller()
            case State.SPEAKING:
                self._while_speaking()
            case State.PAUSED:
                self._settle(self._barge_in.tick())
            case State.VOICEMAIL:
                self._at_machine()
            case _:
                pass

    def speak(self, queued: int) -> bytes:
        """Hand over what is to be said."""
        playout = self.agent.playout
        playout.work(self.agent.tool_sound if self.state in (State.THINKING, State.SPEAKING) else "")
        sound, began = playout.tick(queued, self._out.now_ms)
        self._barge_in.sent(sound)
        if began is not None:
            self._begin_speaking(began, queued)
        if self.state is State.SPEAKING and not playout.idle:
            self._deadline.restart()
        if self.state in (State.THINKING, State.SPEAKING) and not self.agent.busy:
            self._all_said()
        return sound

    # ---- the caller speaks ----

    def _voice_began(self) -> bool:
        return self.caller.ear.onset_run >= ONSET_TICKS and not self._barge_in.is_echo()

    def _hear_caller(self) -> None:
        self._idleness.end()
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
        elif self.agent.reply is None and self.caller.likely_complete() and self._opening_is_past():
            self.agent.answer(self.dialogue.preview(self.caller.text), self.caller.text, committed=False)

    def _opening_is_past(self) -> bool:
        """Will the model answer this turn, rather than words of our own?"""
        return not self._opening.asks and not self._opening.wants_greeting(self.caller.text)

    def _commit(self) -> None:
        """The turn is ours."""
        text = self.caller.text
        if self.caller.ledger:
            self.caller.ledger.commit_ms = self._out.now_ms
        self._deadline.restart()
        self.state = State.THINKING
        early = self.agent.reply
        self._screening.said(text)
        if self._opening.asks:
            self.agent.drop()
            self.dialogue.user_said(text)
            self._opening.hear(text)
        elif self._opening.wants_greeting(text):
            self.agent.drop()
            self.dialogue.user_said(text)
            self._opening.greet()
        elif early is not None and same_words(early.words, text):
            self.dialogue.user_said(text)
            if early.done and early.tools:
                self.settle_turn()
            self.agent.commit()
        else:
            self.agent.drop()
            self.dialogue.user_said(text)
            self.agent.answer(self.dialogue.messages(), text, committed=True)
        if not self._opening.asks:
            self._opening.greeted = True

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

    def _await_sound(self) -> None:
        """If something is to be said now, the turn is ours."""
        if self.agent.reply is not None:
            self._deadline.restart()
            self.state = State.THINKING

    def _says_own_words(self) -> bool:
        """A greeting or the like is about to sound: a voice now is met when it does."""
        return self.agent.reply is not None and self.agent.reply.scripted

    def _begin_speaking(self, sentence: Sentence, queued: int) -> None:
        """The first sound of a sentence was handed over."""
        if self.state is not State.THINKING:
            return
        self.state = State.SPEAKING
        self._barge_in.begin()
        ledger, reply = self.caller.ledger, self.agent.reply
        if ledger is not None and reply is not None:
            ledger.filler = sentence.reply != reply.id
            ledger.token_ms, ledger.sentence_ms = reply.token_ms, reply.sentence_ms
            ledger.audio_ms, ledger.sent_ms = reply.audio_ms, self._out.now_ms
            ledger.line_ms = self._line_delay_ms
            ledger.queue_ms = queued * TICK_MS // self.agent.playout.frame_samples
        self.settle_turn()
        if ledger is not None:
            self._out.note(Kind.TURN, **ledger.data())

    def _while_speaking(self) -> None:
        if self._barge_in.noticed(self._interruptible) and self._interruptible:
            self._barge_in.pause()
            self.state = State.PAUSED

    @property
    def _interruptible(self) -> bool:
        """The question about the recording is heard out, whatever the agent's setting."""
        return self.profile.interruptible and not self._opening.asks

    def _all_said(self) -> None:
        """Nothing is left to say: the floor is free, or the call is over."""
        self.agent.finish()
        self._screening.listened()
        if self.agent.closing:
            own = EndReason.CUSTOM if self.agent.end_reason else EndReason.AGENT_ENDED
            reason = EndReason.ERROR if self.agent.gave_up else own
            self._end(reason, "the language model failed" if self.agent.gave_up else self.agent.end_reason)
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

    def _settle(self, outcome: Outcome | None) -> None:
        """What the caller's voice over ours was, if that is known now."""
        if outcome is Outcome.YIELD:
            self.agent.cut()
            self.state = State.CALLER if self.caller.segment is not None else State.DECIDING
        elif outcome is Outcome.RESUME:
            self.state = State.SPEAKING

    # ---- clocks ----

    def _while_listening(self) -> None:
        self._idleness.tick()
        if not self._opening.over:
            if self._opening.is_due(self._idleness.seconds):
                self._idleness.restart()
                self._opening.go_on()
                self._await_sound()
        elif self._idleness.is_enough:
            self._end(EndReason.IDLE, "")
        elif self._idleness.reminder_is_due():
            self._out.note(Kind.IDLE_REMINDER)
            self.say(self.profile.reminder_message)

    def watch_deadline(self) -> None:
        """Thinking too long, or falling silent in the middle: say so."""
        if self.agent.watch_tools(ours=self.state in (State.THINKING, State.SPEAKING)):
            self._deadline.restart()
        if self.state is State.THINKING or (self.state is State.SPEAKING and self.agent.stalled):
            self._deadline.watch()

    def tool_answered(self, event: ToolResult) -> None:
        """A tool's outcome is there: the model has its time anew."""
        self._deadline.restart()
        self.agent.tool_answered(event)

    # ---- what happens ----

    def reconsider(self) -> None:
        """News of what was said: decide now, not at the next tick."""
        self._weigh_answerer()
        if self.state is State.DECIDING:
            self._decide()
        elif self.state is State.PAUSED:
            self._settle(self._barge_in.weigh())

    def press(self, digit: str) -> None:
        """A key: it takes the floor like a word that was surely meant."""
        self._out.note(Kind.DIGIT, digit=digit)
        if self._screening.found:
            return
        self._idleness.restart()
        if self.state is State.THINKING and not self._says_own_words():
            self._take_back()
            self.state = State.LISTENING
        elif self.state in (State.SPEAKING, State.PAUSED, State.THINKING) and self._interruptible:
            if self.state is not State.PAUSED:
                self._out.ask(Flush())
            self.agent.cut()
            self._barge_in.drop()
            self.state = State.LISTENING
        self.caller.key(digit)
        if self.state is State.LISTENING:
            self.state = State.CALLER if self.caller.segment is not None else State.DECIDING

    def say(self, text: str) -> None:
        """Speak this now, as the agent; a machine is left its message and nothing else."""
        if self._screening.found:
            return
        self.agent.say(text)
        if self.state is State.LISTENING:
            self.state = State.THINKING
            self._deadline.restart()

    def whisper(self, text: str, reply: bool) -> None:
        """The model reads this from now on; a reply that was made on speculation did not, and is made anew.

        `reply`: speak on it at once if nobody has the floor.
        """
        self.dialogue.told(text)
        if self.state is State.DECIDING:
            self.agent.drop()
        elif reply and self.state is State.LISTENING and not self._opening.asks:
            self._opening.greeted = True
            self.agent.answer(self.dialogue.messages(), "", committed=True)
            self._await_sound()

    def hold(self) -> None:
        """The other side put us on hold."""
        if self.state is State.AWAY:
            return
        self._out.note(Kind.HELD)
        self._leave()

    def unhold(self) -> None:
        """The hold is over: go on where we were; the time of it counts for nothing."""
        if self.state is not State.AWAY or self._aside.on:
            return
        self._out.note(Kind.RESUMED)
        self._return()

    def step_aside(self) -> None:
        """Leave the caller to others, as soon as what is being said is said."""
        self._aside.want()

    def come_back(self) -> None:
        """The caller is ours again."""
        if self._aside.end():
            self._return()

    def _watch_exit(self) -> None:
        away = self.state is State.AWAY
        if self._aside.begin(silent=away or self.agent.playout.idle) and not away:
            self._leave()

    def _leave(self) -> None:
        self.caller.finish_segment()
        self._barge_in.drop()
        if self.state in (State.DECIDING, State.CALLER):
            self.agent.drop()
        self._was_thinking = self.state is State.THINKING
        self.state = State.AWAY

    def _return(self) -> None:
        self._idleness.end()
        self.agent.playout.resume()
        if self._screening.found:
            self.state = State.VOICEMAIL
        elif self.agent.reply is not None:
            self.state = State.THINKING if self._was_thinking else State.SPEAKING
            self._deadline.restart()
        elif self.caller.turn is not None:
            self.caller.pause()
            self.state = State.DECIDING
        else:
            self.state = State.LISTENING

    # ---- a machine answered ----

    def _watch_answerer(self) -> None:
        if self.state is not State.AWAY and self._screening.tick():
            self._weigh_answerer()

    def _weigh_answerer(self) -> None:
        """Is it a machine? Then nobody has the floor any more: hang up, or wait to leave the message."""
        if self.state is State.AWAY or not self._screening.is_machine():
            return
        if self.state in (State.THINKING, State.SPEAKING):
            self._out.ask(Flush())
        thinking, self.state = self.state is State.THINKING, State.VOICEMAIL
        self._barge_in.drop()
        self.agent.cut()
        self._screening.take(thinking, self._end)

    def _at_machine(self) -> None:
        ended = self._screening.attend()
        if self.caller.words_known:
            self.settle_turn()
        if ended is not None:
            self._end(ended, "")

    @property
    def their_end(self) -> EndReason | None:
        """What it means if the other side hangs up now, when that is not the end of a talk."""
        return self._screening.their_end
