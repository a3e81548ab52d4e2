"""A voice over ours: notice it, fall silent at once, then find out whether it was meant.

`floor` says when we speak; here is what happens from the first voiced tick over our sound to the decision.
"""

from trunkline.voice.conversation.caller import Caller
from trunkline.voice.conversation.echo import EchoGuard
from trunkline.voice.conversation.events import TICK_MS, Flush, Kind
from trunkline.voice.conversation.hearing import ONSET_TICKS, QUIET_TICKS
from trunkline.voice.conversation.interruption import ASK_AT_TICK, Interruption, Outcome
from trunkline.voice.conversation.onset import Onset, has_pitch
from trunkline.voice.conversation.outbox import Outbox
from trunkline.voice.conversation.playout import Playout
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.conversation.turns import interrupting_words, is_question

_TOGETHER_TICKS = 200 // TICK_MS
"""Both starting within this: we yield."""
_COMPARED_TICKS = 8
"""Of what is heard, to tell it from our echo."""


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
        self._echo = EchoGuard(playout.rate)
        self._echoes = 0
        """Ticks in a row of voice that are our echo."""
        self._onset = Onset(caller.ear, playout.rate)
        self._interruption: Interruption | None = None
        self._armed = True
        """May a voice pause us? Not the one that we just resumed against."""
        self._spoke_at = 0
        """Tick at which we began to speak."""

    def begin(self) -> None:
        """We begin to speak."""
        self._spoke_at = self._out.tick
        self._armed = True
        self._onset.clear()

    def sent(self, sound: bytes) -> None:
        """What we hand to the line in this tick."""
        self._echo.tick(sound)

    def flushed(self) -> None:
        """The line drops what it holds of ours."""
        self._echo.flushed()

    def is_echo(self) -> bool:
        """Is the voice on the line only our own coming back?"""
        return self._echo.possible and self._echo.explains(self._caller.ear.last(_COMPARED_TICKS))

    def noticed(self, interruptible: bool) -> bool:
        """While we speak: has the caller begun to? Then a segment is open for them.

        Where we are not `interruptible` only surely a voice counts.
        """
        ear, caller = self._caller.ear, self._caller
        self._onset.tick()
        if ear.quiet_run >= QUIET_TICKS or self._echoes >= QUIET_TICKS:
            self._armed = True
            caller.finish_segment()
        known = self._armed and caller.segment is None
        if known and not (self._onset.enough if interruptible else ear.onset_run >= ONSET_TICKS):
            return False
        if (ear.onset_run or known) and self.is_echo():
            self._echoes += 1
            self._onset.restart()
            return False
        self._echoes = 0
        if not known:
            return False
        caller.speak_up(self._began_ago)
        return True

    @property
    def _began_ago(self) -> int:
        """Ticks for which the voice has been there."""
        return max(self._onset.run, 1)

    def pause(self) -> None:
        """Fall silent; what it was is decided by `weigh`."""
        voice_began = self._out.tick - self._began_ago
        self._interruption = Interruption(
            began=self._out.tick,
            voice_began=voice_began,
            min_words=self._profile.min_words_to_interrupt,
            after_question=is_question(self._playout.last_finished()),
            at_once=voice_began - self._spoke_at < _TOGETHER_TICKS,
            confirmed=self._caller.ear.onset_run >= ONSET_TICKS,
            voiced=self._caller.ear.onset_run,
            pitched=self._onset.pitched,
        )
        self._playout.pause(self._profile.interruption_fade_out)
        self.flushed()
        self._out.ask(Flush())

    def tick(self) -> Outcome | None:
        """While we are paused: follow their voice, ask for words; answers the decision once there is one."""
        interruption = self._interruption
        assert interruption is not None
        ear, caller = self._caller.ear, self._caller
        interruption.confirmed |= ear.onset_run >= ONSET_TICKS
        interruption.voiced += ear.onset_run > 0
        interruption.noisy = ear.noisy
        interruption.pitched += ear.loud and has_pitch(ear.last(2), self._playout.rate)
        silent = ear.quiet_run if interruption.confirmed else ear.still_run
        if silent >= QUIET_TICKS and caller.segment is not None:
            caller.pause()
        if caller.segment is None and ear.onset_run >= ONSET_TICKS:
            caller.speak_up(ear.onset_run)
        if not self._has_partials and self._out.tick - interruption.began == ASK_AT_TICK:
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
            self._resume(interruption.spoken)
        return outcome

    def drop(self) -> None:
        """The pause is over for another reason."""
        self._interruption = None

    def _resume(self, spoken: bool) -> None:
        self._caller.finish_segment()
        if not spoken or interrupting_words(self._caller.text) == 0:
            self._caller.forget()
        self._armed = False
        self._echoes = 0
        self._onset.clear()
        self._onset.by_sound = False
        self._playout.resume()
