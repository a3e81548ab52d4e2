"""A voice over ours: notice it, fall silent at once, then find out whether it was meant.

`floor` says when we speak; here is what happens from the first voiced tick over our sound to the decision.
"""

from trunkline.voice.conversation.caller import Caller
from trunkline.voice.conversation.echo import EchoGuard
from trunkline.voice.conversation.events import TICK_MS, Flush, Kind
from trunkline.voice.conversation.hearing import BARGE_IN_TICKS, ONSET_TICKS, QUIET_TICKS
from trunkline.voice.conversation.interruption import ASK_AT_TICKS, Interruption, Outcome
from trunkline.voice.conversation.outbox import Outbox
from trunkline.voice.conversation.playout import Playout
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.conversation.turns import interrupting_words, is_question

_TOGETHER_TICKS = 200 // TICK_MS
"""Both starting within this: we yield."""


class BargeIn:
    """The caller's voice while we speak."""

    def __init__(
        self, outbox: Outbox, profile: Profile, caller: Caller, playout: Playout, has_partials: bool
    ) -> None:
        self._out = outbox
        self._profile = profile
        self._caller = caller
        self._playout = playout
        self._has_partials = has_partials
        self._echo = EchoGuard()
        self._interruption: Interruption | None = None
        self._armed = True
        """May a voice pause us? Not the one that we just resumed against."""
        self._spoke_at = 0
        """Tick at which we began to speak."""

    def begin(self) -> None:
        """We begin to speak."""
        self._spoke_at = self._out.tick
        self._armed = True

    def sent(self, sound: bytes) -> None:
        """What goes out in this tick, while the turn is ours."""
        self._echo.tick(self._caller.ear.level, sound)

    def forget_sound(self) -> None:
        """Nothing of ours is on the line any more."""
        self._echo.clear()

    def noticed(self) -> bool:
        """While we speak: has the caller begun to? Then a segment is open for them."""
        ear, caller = self._caller.ear, self._caller
        if ear.quiet_run >= QUIET_TICKS:
            self._armed = True
            caller.finish_segment()
        if not self._armed or ear.barge_run < BARGE_IN_TICKS or caller.segment is not None:
            return False
        if self._echo.is_echo(ear.barge_run):
            return False
        caller.speak_up(ear.barge_run)
        return True

    def pause(self) -> None:
        """Fall silent; what it was is decided by `weigh`."""
        voice_began = self._out.tick - self._caller.ear.barge_run
        self._interruption = Interruption(
            began=self._out.tick,
            voice_began=voice_began,
            min_words=self._profile.min_words_to_interrupt,
            after_question=is_question(self._playout.last_finished()),
            at_once=voice_began - self._spoke_at < _TOGETHER_TICKS,
        )
        self._playout.pause(self._profile.interruption_fade_out)
        self._out.ask(Flush())

    def tick(self) -> Outcome | None:
        """While we are paused: follow their voice, ask for words; answers the decision once there is one."""
        assert self._interruption is not None
        ear, caller = self._caller.ear, self._caller
        if ear.quiet_run >= QUIET_TICKS and caller.segment is not None:
            caller.pause()
        if caller.segment is None and ear.onset_run >= ONSET_TICKS:
            caller.speak_up(ear.onset_run)
        if not self._has_partials and self._out.tick - self._interruption.began in ASK_AT_TICKS:
            caller.ask_words()
        return self.weigh()

    def weigh(self) -> Outcome | None:
        """The decision, as far as words and time tell; with it the pause is over."""
        interruption, turn = self._interruption, self._caller.turn
        assert interruption is not None and turn is not None
        outcome = interruption.decide(self._out.tick, turn)
        if outcome is None or (outcome is Outcome.YIELD and self._playout.flushing):
            return None
        paused_ms = (self._out.tick - interruption.began) * TICK_MS
        self._out.note(Kind.BARGE_IN, outcome=outcome.value, words=turn.text, paused_ms=paused_ms)
        self._interruption = None
        if outcome is Outcome.RESUME:
            self._resume()
        return outcome

    def drop(self) -> None:
        """The pause is over for another reason."""
        self._interruption = None

    def _resume(self) -> None:
        self._caller.finish_segment()
        if interrupting_words(self._caller.text) == 0:
            self._caller.forget()
        self._armed = False
        self._playout.resume()
