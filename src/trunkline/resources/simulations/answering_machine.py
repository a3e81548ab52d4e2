"""A recorded voice that answers: a voicemail's greeting, or a menu of keys. It fulfils Talk like a session."""

from typing import Any

from trunkline.resources.simulations.mouth import Mouth
from trunkline.resources.simulations.persona import Recorded
from trunkline.resources.simulations.scripted_caller import Sounds
from trunkline.voice.conversation.events import (
    TICK_MS,
    CloseLine,
    Digit,
    Event,
    HangUp,
    Kind,
    LineClosed,
    Note,
    Request,
)
from trunkline.voice.driver.ticked import Talk

_REPEATS = 1
"""Times that a menu is said once more."""


class AnsweringMachine:
    """Fulfils Talk: a recorded voice that waits for keys or a message; perhaps the persona is behind it."""

    def __init__(self, recorded: Recorded, sounds: Sounds, beep: bytes, rate: int, behind: Talk) -> None:
        self._at = recorded
        self._sounds = sounds
        self._beep = beep
        self._behind = behind
        self._mouth = Mouth(rate)
        self._now = 0
        self._waited = 0
        self._played = 0
        self._through = False
        self._ended = False
        self._out: list[Request] = []
        self._play()

    @property
    def ended(self) -> bool:
        """Has it hung up, or was it hung up on?"""
        return self._behind.ended if self._through else self._ended

    def tick(self, frame: bytes | None, speech: float, queued: int) -> tuple[bytes, list[Request]]:
        """20 ms pass."""
        self._now += TICK_MS
        if self._through:
            return self._behind.tick(frame, speech, queued)
        if self._ended:
            return b"", []
        if not self._mouth.speaks:
            self._wait()
        out, self._out = self._out, []
        return self._mouth.tick(), out

    def feed(self, event: Event) -> list[Request]:
        """A key, or the end; the rest is for who is behind."""
        if self._through:
            return self._behind.feed(event)
        match event:
            case Digit(digit):
                self._note(Kind.DIGIT, digit=digit)
                if digit in self._at.keys:
                    self._at = self._at.keys[digit]
                    self._played = 0
                    self._mouth.stop()
                    self._play()
            case HangUp():
                self._out.append(CloseLine("hung_up"))
            case LineClosed(by):
                self._note(Kind.ENDED, reason=by.value, detail="")
                self._ended = True
        out, self._out = self._out, []
        return out

    def _play(self) -> None:
        self._waited = 0
        self._played += 1
        self._note(Kind.SAY, text=self._at.says)
        self._mouth.pause(400)
        self._mouth.say(self._sounds[self._at.says])
        if self._at.beep:
            self._mouth.pause(300)
            self._mouth.say(self._beep)

    def _wait(self) -> None:
        if self._at.person:
            self._through = True
            self._out.append(Note(self._now, "put_through", {}))
            return
        self._waited += TICK_MS
        if self._waited < self._at.listens * 1000:
            return
        if self._at.keys and self._played <= _REPEATS:
            self._play()
        else:
            self._waited = 0
            self._out.append(CloseLine("hung_up"))

    def _note(self, kind: Kind, **data: Any) -> None:
        self._out.append(Note(self._now, kind.value, data))
