"""How a call begins: the pause, who greets, the question about the recording."""

from typing import Any

import pytest

from tests.voice.conversation.world import Utterance, World
from trunkline.voice.conversation.events import Digit, Whisper
from trunkline.voice.conversation.profile import GreetingMode, Profile
from trunkline.voice.conversation.session import Session, State

QUESTION = "May we record this call?"


def world(*utterances: Utterance, **changes: Any) -> World:
    base: dict[str, Any] = {"prompt": "You are a receptionist.", "greeting": "Hello there."}
    return World(Session(Profile(**(base | changes)), 8000), list(utterances))


def test_the_first_words_come_after_the_initial_pause() -> None:
    assert world().run(100).sent[0][0] < 10
    w = world(initial_pause=2.0).run(200)
    assert 100 < w.sent[0][0] < 110


def test_who_speaks_in_the_initial_pause_gets_the_greeting() -> None:
    w = world(Utterance(20, 40, "Hello?"), initial_pause=5.0).run(400)
    assert w.transcript == ["human: Hello?", "bot: Hello there."]


def test_a_request_in_the_first_words_is_answered() -> None:
    said = "Hi, I would like to book a table for two."
    w = world(Utterance(20, 100, said), greeting_mode=GreetingMode.HUMAN).run(400)
    assert w.transcript[0] == f"human: {said}" and w.transcript[1].startswith("bot: You said")


@pytest.mark.parametrize(("mode", "begins"), [(GreetingMode.AGENT_DYNAMIC, 20), (GreetingMode.HUMAN, 505)])
def test_the_first_words_of_each_mode(mode: GreetingMode, begins: int) -> None:
    w = world(greeting_mode=mode)
    w.answer = lambda request: ["Good morning, reception."]
    w.run(700)
    words = "Good morning, reception." if mode is GreetingMode.AGENT_DYNAMIC else "Hello there."
    assert w.transcript[0] == f"bot: {words}"
    assert abs(w.sent[0][0] - begins) <= 10


def consenting(answer: str, **changes: Any) -> World:
    """The question is heard until tick 90 or so; the answer comes at 150."""
    return world(Utterance(150, 180, answer), consent_message=QUESTION, **changes)


def test_consent_is_asked_first_and_then_the_greeting_comes() -> None:
    w = consenting("Yes, sure.").run(500)
    assert w.transcript == [f"bot: {QUESTION}", "human: Yes, sure.", "bot: Hello there."]
    assert w.said("consent") == [{"given": True}]
    order = [note.kind for note in w.notes]
    assert order.index("agent_said") < order.index("consent")


def test_a_refusal_is_respected_and_the_call_goes_on() -> None:
    w = consenting("No, please don't.").run(500)
    assert w.said("consent") == [{"given": False}]
    assert w.transcript[-1] == "bot: Hello there." and w.session.state is State.LISTENING


def test_an_unclear_answer_is_asked_about_once_more() -> None:
    w = consenting("Why?")
    w.utterances.append(Utterance(400, 430, "Okay, fine."))
    w.run(900)
    assert w.transcript == [
        f"bot: {QUESTION}", "human: Why?", f"bot: {QUESTION}", "human: Okay, fine.", "bot: Hello there.",
    ]  # fmt: skip
    assert w.said("consent") == [{"given": True}]


def test_twice_unclear_is_a_refusal() -> None:
    w = consenting("Why?")
    w.utterances.append(Utterance(400, 430, "Who is it?"))
    w.run(900)
    assert w.said("consent") == [{"given": False}]
    assert w.transcript.count(f"bot: {QUESTION}") == 2 and w.transcript[-1] == "bot: Hello there."


def test_silence_is_a_refusal_as_well() -> None:
    w = world(consent_message=QUESTION).run(1200)
    assert w.said("consent") == [{"given": False}]
    assert w.transcript == [f"bot: {QUESTION}", f"bot: {QUESTION}", "bot: Hello there."]


def test_a_hello_before_the_question_is_no_answer_to_it() -> None:
    w = world(
        Utterance(10, 30, "Yes, hello?"),
        Utterance(250, 270, "Yes."),
        consent_message=QUESTION,
        greeting_mode=GreetingMode.HUMAN,
    ).run(600)
    assert w.transcript == ["human: Yes, hello?", f"bot: {QUESTION}", "human: Yes.", "bot: Hello there."]
    assert w.said("consent") == [{"given": True}]


def test_the_question_is_heard_out_and_an_answer_over_its_end_counts() -> None:
    w = world(Utterance(60, 90, "yes"), consent_message=QUESTION).run(300)
    assert not w.said("barge_in") and w.transcript[0] == f"bot: {QUESTION}"
    assert w.said("consent") == [{"given": True}]


def test_an_answer_that_says_more_is_answered() -> None:
    w = consenting("Yes, of course, and I would like to book a table.").run(500)
    assert w.said("consent") == [{"given": True}] and w.transcript[-1].startswith("bot: You said")


def test_nobody_gets_around_the_question() -> None:
    w = world(consent_message=QUESTION, initial_pause=1.0).run(20)
    w.feed(Whisper("Be quick.", reply=True))
    w.run(60)
    w.feed(Digit("1"))
    w.run(1500)
    assert w.transcript[0] == f"bot: {QUESTION}" and w.said("consent") == [{"given": False}]


def test_no_reply_is_made_on_speculation_about_an_answer_to_the_question() -> None:
    w = consenting("Yes, sure.", patience="high").run(500)
    assert not any(type(request).__name__ == "StartReply" for request in w.requests)
