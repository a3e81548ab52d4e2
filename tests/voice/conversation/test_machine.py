"""A machine answers an outbound call: hung up on, or left a message; a person is talked to."""

from typing import Any

import pytest

from tests.voice.conversation.world import BEEP, Utterance, World
from trunkline.voice.conversation.events import (
    ClosedBy,
    Digit,
    Held,
    LineClosed,
    ReplyFailed,
    Resumed,
    Say,
    StartReply,
)
from trunkline.voice.conversation.profile import GreetingMode, Profile, Tool, Voicemail
from trunkline.voice.conversation.session import Session, State

GREETING = "You have reached Anna. Please leave a message after the tone."
MESSAGE = "This is Smith Dental. Please call us back."


def world(*utterances: Utterance, **changes: Any) -> World:
    base: dict[str, Any] = {
        "prompt": "You call patients.",
        "greeting": "Hello there.",
        "greeting_mode": GreetingMode.HUMAN,
        "voicemail": Voicemail(),
    }
    return World(Session(Profile(**(base | changes)), 8000), list(utterances))


def machine(beep: int = 215) -> list[Utterance]:
    """Speaks for 4 s and beeps for 400 ms."""
    return [Utterance(10, 200, GREETING), Utterance(beep, beep + 20, "", BEEP)]


def test_it_is_hung_up_on_and_what_it_said_is_kept() -> None:
    w = world(*machine()).run(600)
    assert w.transcript == [f"human: {GREETING}"]
    assert w.said("voicemail") == [{"signs": ["words"]}]
    assert w.said("ended") == [{"reason": "voicemail", "detail": ""}]
    assert w.now < 230 and not w.sent


@pytest.mark.parametrize("mode", list(GreetingMode))
def test_it_is_known_in_every_greeting_mode(mode: GreetingMode) -> None:
    w = world(*machine(), greeting_mode=mode).run(900)
    assert w.said("ended")[0]["reason"] == "voicemail"


def test_an_inbound_call_looks_for_none() -> None:
    w = world(*machine(), voicemail=None).run(600)
    assert not w.said("voicemail") and w.session.state is not State.ENDED


def test_the_exact_message_is_left_after_the_beep() -> None:
    w = world(*machine(), voicemail=Voicemail(message=MESSAGE)).run(900)
    assert w.transcript == [f"human: {GREETING}", f"bot: {MESSAGE}"]
    assert w.said("voicemail_message") == [{"beep": True}]
    assert 240 <= w.sent[0][0] <= 260  # the beep ends at 235
    assert w.said("ended") == [{"reason": "voicemail_left", "detail": ""}]
    assert all(not line.endswith("[interrupted]") for line in w.transcript)


def test_a_machine_without_a_beep_is_left_the_message_in_its_silence() -> None:
    w = world(machine()[0], voicemail=Voicemail(message=MESSAGE)).run(900)
    assert w.said("voicemail_message") == [{"beep": False}]
    assert w.sent[0][0] >= 345
    assert w.said("ended")[0]["reason"] == "voicemail_left"


def test_a_beep_after_a_greeting_without_telling_words() -> None:
    w = world(Utterance(10, 160, "Anna Miller"), Utterance(165, 185, "", BEEP)).run(400)
    assert w.said("voicemail")[0]["signs"] == ["beep"]
    assert w.said("ended")[0]["reason"] == "voicemail"


def test_the_message_of_the_model_is_ready_at_the_beep_and_runs_no_tool() -> None:
    tool = Tool("book", "Book it", {"type": "object", "properties": {}})
    w = world(*machine(), voicemail=Voicemail(prompt="Ask to call back."), tools=(tool,))
    asked: list[StartReply] = []

    def answer(request: StartReply) -> list[Any]:
        asked.append(request)
        return ["Hi, it is Smith Dental, please call back."]

    w.answer = answer
    w.run(900)
    assert w.transcript[-1] == "bot: Hi, it is Smith Dental, please call back."
    assert "Ask to call back." in asked[-1].messages[-1]["content"]
    assert asked[-1].messages[-2] == {"role": "user", "content": GREETING}
    assert asked[-1].tools == () and asked[-1].speculative
    assert 240 <= w.sent[0][0] <= 260
    assert w.said("ended")[0]["reason"] == "voicemail_left"


def test_no_message_of_the_model_no_message() -> None:
    w = world(*machine(), voicemail=Voicemail(prompt="Ask to call back."))
    w.answer = lambda request: [lambda reply: ReplyFailed(reply, "500")]
    w.run(900)
    assert not w.sent and w.said("ended")[0]["reason"] == "voicemail"


@pytest.mark.parametrize(("at", "reason"), [(225, "voicemail"), (300, "voicemail_cut_off")])
def test_a_machine_that_hangs_up(at: int, reason: str) -> None:
    w = world(*machine(), voicemail=Voicemail(message=MESSAGE)).run(at)
    w.feed(LineClosed(ClosedBy.REMOTE))
    w.run(200)
    assert w.said("ended")[0]["reason"] == reason
    spoken = [line for line in w.transcript if line.startswith("bot")]
    assert bool(spoken) is (reason == "voicemail_cut_off")
    assert not any(line.endswith("back.") for line in spoken)


def test_nothing_disturbs_the_message() -> None:
    w = world(*machine(), Utterance(270, 400, "stop wait no"), voicemail=Voicemail(message=MESSAGE)).run(260)
    w.feed(Digit("1"))
    w.feed(Say("Hello?"))
    w.feed(Held())
    w.run(100)
    w.feed(Resumed())
    w.run(600)
    assert w.transcript == [f"human: {GREETING}", f"bot: {MESSAGE}"]
    assert w.said("ended")[0]["reason"] == "voicemail_left"


def test_a_machine_that_never_stops_is_left_nothing() -> None:
    w = world(machine()[0], Utterance(202, 5000, "blah"), voicemail=Voicemail(message=MESSAGE)).run(4900)
    assert not w.sent and w.said("ended")[0]["reason"] == "voicemail"


def test_a_person_is_talked_to() -> None:
    w = world(
        Utterance(10, 40, "Hello?"),
        Utterance(200, 300, "She is not available right now, can I take a message?"),
        Utterance(600, 1000, "Well I was just about to call you because I had a question about my bill"),
    ).run(1400)
    assert not w.said("voicemail") and not w.session.ended
    assert len([line for line in w.transcript if line.startswith("bot")]) == 3
