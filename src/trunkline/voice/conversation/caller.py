"""The caller's side of a session: segments for the recogniser, the turn they make up, when it is complete."""

from trunkline.voice.conversation.events import (
    TICK_MS,
    AskWords,
    DropHearing,
    FinishHearing,
    Hear,
    JudgeTurn,
    Kind,
    StartHearing,
)
from trunkline.voice.conversation.hearing import (
    PREROLL_TICKS,
    RING_TICKS,
    SEGMENT_TICKS,
    Ear,
    Segment,
    Turn,
)
from trunkline.voice.conversation.ledger import Ledger
from trunkline.voice.conversation.outbox import Outbox
from trunkline.voice.conversation.profile import Keypad, Patience
from trunkline.voice.conversation.turns import (
    Completeness,
    asks_model,
    completeness,
    ends_open,
    ends_whole,
    floor_ms,
)

INAUDIBLE = "[inaudible]"
"""Stands for a turn with voice in it and no word that could be made out."""
_INAUDIBLE_MS = 1000
JUDGE_AFTER_TICKS = 2
_LEANS = 0.5
"""Verdict from which a reply is worth beginning on speculation."""


class Caller:
    """What the caller does."""

    def __init__(self, outbox: Outbox, rate: int, patience: Patience, keypad: Keypad) -> None:
        self._out = outbox
        self._patience = patience
        self._keypad = keypad
        self.ear = Ear(rate)
        self.turn: Turn | None = None
        """What is being said and not yet on the record."""
        self.ledger: Ledger | None = None
        self._turns = 0
        self._segments = 0
        self._finished = 0
        """Tick at which the last segment was: its sound belongs to no other."""
        self._pause = 0
        self._verdict: float | None = None
        self._verdict_awaited = False
        self._judge_at = 0
        """Tick at which the turn model is asked; 0: not, or already."""

    # ---- sound ----

    def tick(self, frame: bytes | None, speech: float) -> None:
        """20 ms heard; an open segment passes it on."""
        heard = self.ear.tick(frame, speech)
        if (segment := self.segment) is not None:
            self._out.ask(Hear(segment.id, heard))
            if self.turn is not None and not self.ear.quiet_run:
                segment.voiced += 1
                self.turn.last_voice = self._out.tick
            if self._out.tick - segment.opened >= SEGMENT_TICKS:
                self.finish_segment()
                self._open_segment(preroll=0)

    @property
    def segment(self) -> Segment | None:
        """The open segment."""
        if self.turn is None or not self.turn.segments:
            return None
        last = self.turn.segments[-1]
        return last if last.open else None

    def speak_up(self, noticed_after: int) -> Segment:
        """Voice begins: open a segment, of a new turn where there is none. `noticed_after`: ticks of voice so far."""
        self.ledger = None
        self._judge_at = 0
        self._pause += 1  # a verdict on the pause before says nothing any more
        self._ensure_turn(noticed_after).last_voice = self._out.tick
        return self._open_segment(PREROLL_TICKS + noticed_after, noticed_after)

    def _ensure_turn(self, noticed_after: int = 0) -> Turn:
        if self.turn is None:
            self._turns += 1
            self.turn = Turn(self._turns, max(0, self._out.now_ms - noticed_after * TICK_MS))
        return self.turn

    def _open_segment(self, preroll: int, voiced: int = 0) -> Segment:
        assert self.turn is not None
        self._segments += 1
        segment = Segment(self._segments, self._out.tick, voiced)
        self.turn.segments.append(segment)
        preroll = min(preroll, self._out.tick - self._finished)
        self._out.ask(StartHearing(segment.id, self.ear.last(preroll) if preroll else b""))
        self._out.note(Kind.CALLER_SPEAKS, segment=segment.id)
        return segment

    def finish_segment(self) -> None:
        """The open segment is over; its final words are on their way."""
        if (segment := self.segment) is not None:
            segment.open = False
            self._finished = self._out.tick
            self._out.ask(FinishHearing(segment.id))

    def ask_words(self) -> None:
        """What has been said so far?"""
        if (segment := self.segment) is not None:
            self._out.ask(AskWords(segment.id))

    def forget(self) -> None:
        """The turn is on the record, or was none."""
        for segment in self.turn.segments if self.turn else ():
            if not segment.final:
                self._out.ask(DropHearing(segment.id))
        self.turn = None
        self.ledger = None

    # ---- words ----

    def words(self, segment_id: int, text: str, final: bool) -> None:
        """The recogniser's answer."""
        for segment in self.turn.segments if self.turn else ():
            if segment.id == segment_id and not segment.final:
                segment.text = text
                segment.final = final
        if self.ledger and self.turn and self.turn.words_known and self.ledger.words_ms is None:
            self.ledger.words_ms = self._out.now_ms

    def key(self, digit: str) -> None:
        """A key was pressed: it belongs to the turn."""
        turn = self._ensure_turn()
        turn.keys += digit
        turn.last_voice = self._out.tick

    # ---- has the caller finished? ----

    def pause(self) -> None:
        """Silence after voice: finish the segment, begin the ledger; the turn model is asked by `judge`."""
        assert self.turn is not None
        self.finish_segment()
        if not self.turn.keys:
            by_energy = self._out.tick - self.ear.since_last_voice()
            self.turn.last_voice = max(by_energy, self.turn.start_ms // TICK_MS)
        self._verdict, self._verdict_awaited = None, False
        self._judge_at = self._out.tick + JUDGE_AFTER_TICKS
        self.ledger = Ledger(self.turn.id, self.turn.last_voice * TICK_MS, pause_ms=self._out.now_ms)
        if self.turn.words_known:
            self.ledger.words_ms = self._out.now_ms

    def judge(self) -> None:
        """Ask the turn model, a moment after the pause: words that come at once may say it all, and it is dear."""
        turn = self.turn
        if turn is None or not self._judge_at or (self._out.tick < self._judge_at and not turn.words_known):
            return
        self._judge_at = 0
        if turn.words_known and not (turn.text and asks_model(turn.text, self._patience)):
            return
        self._pause += 1
        self._verdict_awaited = True
        ticks = self._out.tick - turn.start_ms // TICK_MS + PREROLL_TICKS
        self._out.ask(JudgeTurn(self._pause, self.ear.last(min(ticks, RING_TICKS))))

    def verdict(self, pause: int, probability: float | None) -> None:
        """The turn model's answer; one for an earlier pause says nothing any more."""
        if pause == self._pause:
            self._verdict, self._verdict_awaited = probability, False
            if self.ledger:
                self.ledger.verdict_ms = self._out.now_ms

    @property
    def text(self) -> str:
        """The turn's words so far."""
        if self.turn is None:
            return ""
        if not self.turn.text and self.turn.words_known and self.turn.voiced_ms >= _INAUDIBLE_MS:
            return INAUDIBLE
        return self.turn.text

    @property
    def words_known(self) -> bool:
        return self.turn is not None and self.turn.words_known

    @property
    def is_noise(self) -> bool:
        """There was voice or the like, and nothing was said."""
        return self.words_known and not self.text

    def likely_complete(self) -> bool:
        """Worth a reply on speculation? The text leans to complete and the turn model does not say otherwise.

        Its verdict takes longer than the words of a streaming recogniser; a reply begun in vain costs less than the
        wait.
        """
        if not self.words_known or not self.text:
            return False
        if self._verdict is None:
            return ends_whole(self.text)
        return self._verdict > _LEANS and not ends_open(self.text)

    def may_commit(self) -> bool:
        """Are the words in, and is the silence past the floor that they and the verdict ask for?"""
        if self.turn is None or not self.words_known:
            return False
        quiet_ms = (self._out.tick - self.turn.last_voice) * TICK_MS
        if self.turn.keys:
            return self._all_keyed(self.turn.keys) or quiet_ms >= self._keypad.timeout * 1000
        return quiet_ms >= floor_ms(self._completeness(), self._patience)

    def _all_keyed(self, keys: str) -> bool:
        keypad = self._keypad
        ended = bool(keypad.terminator) and keys.endswith(keypad.terminator)
        return ended or (keypad.expected is not None and len(keys) >= keypad.expected)

    def _completeness(self) -> Completeness:
        """By text and verdict; words that say it all wait for a verdict that is on its way."""
        asks = asks_model(self.text, self._patience)
        found = completeness(self.text, self._verdict if asks else None)
        return (
            Completeness.LIKELY
            if asks and self._verdict_awaited and found is Completeness.COMPLETE
            else found
        )
