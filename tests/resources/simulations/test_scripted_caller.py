"""A scripted caller whose recogniser is slow, and an agent that pauses between its sentences."""

import numpy as np

from trunkline.resources.simulations.persona import Cue
from trunkline.resources.simulations.scripted_caller import LOST, ScriptedCaller
from trunkline.voice.conversation.events import FinishHearing, Kind, Note, Request, Words

RATE = 8000
LOUD = (np.resize([4000, -4000], RATE // 50)).astype("<i2").tobytes()
SCRIPT = (Cue(to="help", say="A visit."), Cue(say="Bye.", hang_up=True))


class Call:
    """One caller, driven by hand."""

    def __init__(self) -> None:
        self.caller = ScriptedCaller(SCRIPT, dict.fromkeys(("A visit.", "Bye.", LOST), LOUD * 20), RATE)
        self.said: list[str] = []
        self.finished: list[int] = []

    def hears(self, ms: int, speech: bool) -> None:
        for _ in range(ms // 20):
            frame = LOUD if speech else bytes(len(LOUD))
            self.take(self.caller.tick(frame, 0.9 if speech else 0.1, 0)[1])

    def words(self, segment: int, text: str) -> None:
        self.take(self.caller.feed(Words(segment, text, final=True)))

    def take(self, requests: list[Request]) -> None:
        for each in requests:
            match each:
                case FinishHearing(segment):
                    self.finished.append(segment)
                case Note(kind=Kind.AGENT_SAID.value, data=data):
                    self.said.append(data["text"])


def test_what_is_said_while_words_are_awaited_is_heard_too() -> None:
    call = Call()
    for _ in range(2):
        call.hears(1000, speech=True)
        call.hears(800, speech=False)
    assert call.finished == [1, 2]
    call.words(2, "How can I help you?")
    call.hears(600, speech=False)
    assert call.said == [], "the first sentence has not come"
    call.words(1, "This is Ada.")
    call.hears(1000, speech=False)
    assert call.said == ["A visit."]


def test_a_cue_for_whatever_waits_longer_while_another_waits_for_its_words() -> None:
    call = Call()
    call.hears(1000, speech=True)
    call.hears(400, speech=False)
    call.words(1, "This is Ada.")
    call.hears(800, speech=False)
    assert call.said == []
    call.hears(1000, speech=True)
    call.hears(400, speech=False)
    call.words(2, "How can I help you?")
    call.hears(800, speech=False)
    assert call.said == ["A visit."]
    call.hears(1000, speech=True)
    call.hears(400, speech=False)
    call.words(3, "Anything else?")
    call.hears(900, speech=False)
    assert call.said == ["A visit.", "Bye."], "nothing else is waited for"
