"""A persona that says what its script says, as the agent gives occasion.

A talk that the tick driver drives like a session. All that it says is sound before the call begins, so that it is on
the line at the very tick it is meant for.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from trunkline.resources.simulations.mouth import Mouth
from trunkline.resources.simulations.persona import Cue
from trunkline.resources.simulations.watch import Watch
from trunkline.voice.conversation.events import (
    TICK_MS,
    AskWords,
    CloseLine,
    Event,
    FinishHearing,
    HangUp,
    Hear,
    HearingFailed,
    Kind,
    LineClosed,
    Note,
    Request,
    StartHearing,
    Words,
)

LOST = "Sorry, what was that?"
"""Said to what no cue fits, after a while."""
_LOST_MS = 4000
_UNSURE_MS = 1500
"""Silence before a cue that fits everything, where one that waits for certain words was not said yet."""
PATIENCE = 4
"""Who said the same thing so often hangs up."""
_FINISH_MS = 300
"""Silence after which the words of the agent are asked for."""
_ASK_AHEAD_MS = 3 * TICK_MS
"""So much sooner than a cue breaks in, what was said so far is asked for."""
_PREROLL_TICKS = 10

Sounds = Mapping[str, bytes]
"""What is said, as sound at the line's rate."""


class ScriptedCaller:
    """Fulfils Talk: says its cues as the agent gives occasion. Talked over, it goes on."""

    def __init__(self, script: Sequence[Cue], sounds: Sounds, rate: int) -> None:
        """`sounds` has each `say` and `rest`, and LOST."""
        self._script = script
        self._sounds = sounds
        self._rate = rate
        self._watch = Watch()
        self._mouth = Mouth(rate)
        self._ring: list[bytes] = []
        self._now = 0
        self._out: list[Request] = []
        self._segment = 0
        self._open = False
        self._awaited: set[int] = set()
        """Segments that were finished and whose words have not come."""
        self._pieces: dict[int, str] = {}
        """What the agent has said since it was last answered, by segment."""
        self._so_far = ""
        self._next: tuple[Cue, int] | None = None
        """A cue and when it is due."""
        self._broke_in = 0
        """The agent's turn that was broken into last."""
        self._cut_short = 0
        """The segment that was broken into: what else is in it has had its answer."""
        self._said: dict[Cue, int] = {}
        self._leaving = False
        self._began = 0
        self.ended = False

    def tick(self, frame: bytes | None, speech: float, queued: int) -> tuple[bytes, list[Request]]:
        """20 ms pass."""
        if self.ended:
            return b"", []
        self._now += TICK_MS
        if self._now == TICK_MS:
            self._note(Kind.STARTED)
            self._next = self._to_silence()
        heard = frame or bytes(self._rate * TICK_MS // 500)
        self._watch.tick(frame, speech)
        self._hear(heard)
        self._break_in()
        if self._next is not None and self._now >= self._next[1] and not self._mouth.speaks:
            self._say(self._next[0])
        spoke = self._mouth.speaks
        sound = self._mouth.tick()
        if spoke and not self._mouth.speaks:
            self._spoken()
        return sound, self._take()

    def feed(self, event: Event) -> list[Request]:
        """Something came back."""
        match event:
            case Words(segment, text, final=True):
                self._words(segment, text)
            case Words(segment, text) if segment == self._segment:
                self._so_far = text
            case HearingFailed(segment):
                self._words(segment, "")
            case HangUp():
                self._out.append(CloseLine("hung_up"))
            case LineClosed(by):
                self._mouth.stop()
                self._note(Kind.ENDED, reason=by.value, detail="")
                self.ended = True
        return self._take()

    # ---- hearing ----

    def _hear(self, frame: bytes) -> None:
        watch = self._watch
        if self._open:
            self._out.append(Hear(self._segment, frame))
            if watch.quiet_ms >= _FINISH_MS:
                self._open = False
                self._awaited.add(self._segment)
                self._out.append(FinishHearing(self._segment))
        elif watch.speaks:
            self._segment += 1
            self._open = True
            self._so_far = ""
            if self._next is not None:
                self._next = None  # it goes on, or has begun: what was to be said does not fit any more
            self._out.append(StartHearing(self._segment, b"".join([*self._ring, frame])))
        self._ring = [*self._ring[1 - _PREROLL_TICKS :], frame]

    def _words(self, segment: int, text: str) -> None:
        """All of a segment. A slow recogniser may still be at one when the next has begun."""
        self._awaited.discard(segment)
        if text:
            self._note(Kind.CALLER_SAID, text=text, end_ms=self._now - self._watch.quiet_ms)
            if segment != self._cut_short:
                self._pieces[segment] = text
        if self._pieces and not self._awaited and not self._watch.speaks:
            self._answer()

    @property
    def _heard(self) -> str:
        return " ".join(self._pieces[segment] for segment in sorted(self._pieces))

    # ---- answering ----

    def _answer(self) -> None:
        silent_since = self._now - self._watch.quiet_ms
        cue = self._fitting(self._heard)
        if cue is None:
            lost = Cue(say=LOST, hang_up=not self._left())
            self._next = (lost, silent_since + _LOST_MS)
        else:
            self._next = (cue, silent_since + max(cue.after_ms, _UNSURE_MS if self._is_early(cue) else 0))

    def _is_early(self, cue: Cue) -> bool:
        """Does it fit whatever was said, while one before it still waits for its occasion? The agent may go on."""
        before = self._script[: self._script.index(cue)]
        return not cue.to and any(each.to and each not in self._said for each in before)

    def _to_silence(self) -> tuple[Cue, int] | None:
        first = next((cue for cue in self._script if cue.to == "^$"), None)
        return None if first is None else (first, first.after_ms)

    def _left(self) -> list[Cue]:
        return [cue for cue in self._script if cue not in self._said]

    def _fitting(self, heard: str) -> Cue | None:
        fitting = [cue for cue in self._script if cue.to != "^$" and re.search(cue.to, heard, re.IGNORECASE)]
        fresh = [cue for cue in fitting if cue not in self._said]
        again = [cue for cue in self._said if cue in fitting and cue.to]
        return fresh[0] if fresh else again[-1] if again else None

    def _break_in(self) -> None:
        """Cues that do not wait until the agent has finished."""
        watch = self._watch
        if not self._open or self._mouth.speaks or self._broke_in == watch.turn:
            return
        for cue in self._left():
            if cue.breaks_in_ms is None:
                continue
            if watch.since_ms == max(TICK_MS, (cue.breaks_in_ms - _ASK_AHEAD_MS) // TICK_MS * TICK_MS):
                self._out.append(AskWords(self._segment))
            if watch.since_ms >= cue.breaks_in_ms and re.search(
                cue.to, f"{self._heard} {self._so_far}", re.IGNORECASE
            ):
                self._broke_in, self._cut_short = watch.turn, self._segment
                self._say(cue)
                return

    def _say(self, cue: Cue) -> None:
        self._next = None
        if self._said.get(cue, 0) >= PATIENCE:
            self._out.append(CloseLine("hung_up"))
            return
        self._said[cue] = self._said.pop(cue, 0) + 1
        self._pieces.clear()
        self._began = self._now
        self._mouth.say(self._sounds[cue.say])
        if cue.rest:
            self._mouth.pause(cue.pause_ms)
            self._mouth.say(self._sounds[cue.rest])
        if cue.hang_up:
            # The line still holds the last frames when they have been handed over.
            self._mouth.pause(200)
            self._leaving = True
        self._speaking = cue

    def _spoken(self) -> None:
        self._note(
            Kind.AGENT_SAID, text=self._speaking.text, start_ms=self._began, end_ms=self._now, cut=False
        )
        if self._leaving:
            self._out.append(CloseLine("hung_up"))

    def _note(self, kind: Kind, **data: Any) -> None:
        self._out.append(Note(self._now, kind.value, data))

    def _take(self) -> list[Request]:
        out, self._out = self._out, []
        return out
