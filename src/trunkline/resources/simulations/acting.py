"""What a persona does at set moments besides talking: interrupts, coughs, presses keys, falls silent, hangs up."""

from collections.abc import Mapping, Sequence

from trunkline.resources.simulations.persona import Deed, Doing
from trunkline.resources.simulations.room import Room
from trunkline.resources.simulations.watch import Watch
from trunkline.voice.conversation.events import (
    TICK_MS,
    EndReason,
    Event,
    HangUp,
    Note,
    Request,
    SendDigits,
    Whisper,
)
from trunkline.voice.driver.ticked import Talk


class Acting:
    """Fulfils Talk: somebody who talks, and does things at set moments besides."""

    def __init__(
        self, talk: Talk, doings: Sequence[Doing], sounds: Mapping[Doing, bytes], room: Room
    ) -> None:
        self._talk = talk
        self._left = list(doings)
        self._sounds = sounds
        self._room = room
        self._watch = Watch()
        self._now = 0

    @property
    def ended(self) -> bool:
        """Is the talk over?"""
        return self._talk.ended

    def tick(self, frame: bytes | None, speech: float, queued: int) -> tuple[bytes, list[Request]]:
        """20 ms pass. What is done now is on the wire with the next frame."""
        self._now += TICK_MS
        self._watch.tick(frame, speech)
        sound, requests = self._talk.tick(frame, speech, queued)
        for doing in [doing for doing in self._left if self._is_due(doing)]:
            self._left.remove(doing)
            requests = [*requests, *self._do(doing)]
        return sound, requests

    def feed(self, event: Event) -> list[Request]:
        """Something came back."""
        return self._talk.feed(event)

    def _is_due(self, doing: Doing) -> bool:
        if doing.at_ms is not None:
            return self._now >= doing.at_ms
        assert doing.agent_turn is not None
        if self._watch.turn != doing.agent_turn:
            return self._watch.turn > doing.agent_turn
        return self._watch.since_ms >= doing.after_ms

    def _do(self, doing: Doing) -> list[Request]:
        over = doing.do in (Deed.INTERRUPT, Deed.BACK_CHANNEL) and doing.agent_turn is not None
        if over and (self._watch.turn != doing.agent_turn or not self._watch.speaks):
            return [self._note(doing, done=False)]
        done: list[Request] = [self._note(doing, done=True)]
        match doing.do:
            case Deed.INTERRUPT | Deed.BACK_CHANNEL:
                self._room.play(self._sounds[doing])
                done += self._talk.feed(Whisper(f'[While the other one spoke, you said: "{doing.say}"]'))
            case Deed.NOISE:
                self._room.play(self._sounds[doing])
            case Deed.MUTE:
                self._room.mute(doing.for_ms)
            case Deed.PRESS:
                done.append(SendDigits(doing.keys))
            case Deed.HANG_UP:
                done += self._talk.feed(HangUp(EndReason.AGENT_ENDED.value))
        return done

    def _note(self, doing: Doing, done: bool) -> Note:
        data = {"do": doing.do.value, "done": done}
        if doing.do in (Deed.INTERRUPT, Deed.BACK_CHANNEL):
            data["text"] = doing.say
        elif doing.do is Deed.NOISE:
            data["sound"] = doing.sound
        return Note(self._now, "deed", data)
