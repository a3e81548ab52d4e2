"""The words an agent adds, leaves out, or gets from its settings: greeting by the model, fillers, filters, the time."""

from typing import Any

import pytest

from tests.voice.conversation.test_session import profile, world
from tests.voice.conversation.world import Utterance, World
from trunkline.voice.conversation.dialogue import Dialogue
from trunkline.voice.conversation.events import ReplyFailed, ReplyTool, Speak, StartReply
from trunkline.voice.conversation.filters import WordFilter
from trunkline.voice.conversation.phrases import phrases_of
from trunkline.voice.conversation.profile import GreetingMode, Medium, Tool

QUESTION = Utterance(150, 200, "What are your hours?")

# ---- a greeting that the model writes ----


def dynamic(*answers: Any, token: int = 10, **changes: Any) -> World:
    w = world(greeting_mode=GreetingMode.AGENT_DYNAMIC, **changes)
    w.delays.token = token
    w.answer = lambda request: list(answers)
    return w


def test_the_model_writes_the_greeting() -> None:
    w = dynamic("Welcome to the bakery. ").run(200)
    assert w.transcript == ["bot: Welcome to the bakery."]
    (asked,) = [each for each in w.requests if isinstance(each, StartReply)]
    assert "Greet the caller" in asked.messages[-1]["content"]


def test_a_greeting_that_takes_too_long_is_replaced_by_the_fixed_one() -> None:
    w = dynamic("Too late. ", token=150, greeting_timeout=2.0).run(400)
    assert w.transcript == ["bot: Hello there."]
    assert [each["part"] for each in w.said("fault")] == ["reply"]
    assert 100 <= w.sent[0][0] <= 110


@pytest.mark.parametrize("fault", [lambda reply: ReplyFailed(reply, "gone"), ""])
def test_a_greeting_that_fails_is_replaced_and_counts_as_no_failure(fault: Any) -> None:
    w = dynamic(fault).run(200)
    assert w.transcript == ["bot: Hello there."]
    assert dynamic(fault, greeting="").run(200).transcript == ["bot: Hello, how can I help you?"]
    w.utterances.append(Utterance(w.now + 10, w.now + 60, "What are your hours?"))
    w.run(300)
    assert "did not manage" in w.transcript[-1] and not w.session.ended


# ---- fillers ----


def thinks(token: int, **changes: Any) -> World:
    w = world(QUESTION, **({"fillers": ("Um, let me see.", "Hmm, one moment.")} | changes))
    w.delays.token = token
    return w


def test_a_filler_is_said_once_after_1_5_s_of_thought_and_the_answer_follows() -> None:
    w = thinks(130).run(900)
    assert w.transcript[1:] == [
        "human: What are your hours?", "bot: Um, let me see.", "bot: You said What are your hours?.",
    ]  # fmt: skip
    (turn,) = w.said("turn")
    assert turn["filler"] and 1500 <= turn["sent_ms"] - turn["commit_ms"] <= 1600
    assert [m["content"] for m in w.session.dialogue.history if m["role"] == "assistant"][1:] == [
        "Um, let me see.", "You said What are your hours?.",
    ]  # fmt: skip


def test_quick_answers_and_agents_without_fillers_have_none() -> None:
    assert not any("let me see" in line for line in thinks(20).run(900).transcript)
    assert not any("let me see" in line for line in thinks(130, fillers=()).run(900).transcript)


def test_a_filler_bridges_a_slow_tool_and_its_result_is_still_told() -> None:
    tool = Tool("book", "Book it", {"type": "object", "properties": {}})

    def answer(request: StartReply) -> list[Any]:
        if request.messages[-1]["role"] == "tool":
            return ["It is booked."]
        return [lambda reply: ReplyTool(reply, "c1", "book", {})]

    w = thinks(10, tools=(tool,))
    w.answer, w.delays.tool = answer, 200
    w.run(900)
    assert w.transcript[2:] == ["bot: Um, let me see.", "bot: It is booked."]


def test_silence_after_a_filler_has_a_deadline_as_well() -> None:
    w = thinks(2000, thinking_deadline=4.0).run(900)
    assert "bot: Um, let me see." in w.transcript and "did not manage" in w.transcript[-1]


def test_who_speaks_over_a_filler_is_answered_instead() -> None:
    w = thinks(200)
    w.utterances.append(Utterance(300, 340, "wait I mean on Sunday please"))
    w.run(320)
    assert w.said("barge_in") or w.states[-1].value == "paused"
    w.delays.token = 10
    w.run(400)
    assert w.transcript[-1] == "bot: You said wait I mean on Sunday please."


def test_the_model_is_told_to_use_fillers_only_if_it_shall() -> None:
    def told(**changes: Any) -> bool:
        return "filler word" in Dialogue(profile(**changes)).messages()[0]["content"]

    assert told(fillers=("Um.",)) and not told()


# ---- words that are not said ----


def test_filtered_words_are_neither_spoken_nor_on_the_record() -> None:
    w = world(QUESTION, filter_words=(("cheap", "affordable"), ("darn", "")), greeting="Hello, darn!")
    w.answer = lambda request: ["It is Cheap, darn, ", "but cheaper is not. ", "Darn!"]
    w.run(900)
    assert w.transcript[0] == "bot: Hello!"
    assert w.transcript[2] == "bot: It is affordable, but cheaper is not."
    assert not any("arn" in each.text for each in w.requests if isinstance(each, Speak))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A Big  deal.", "A thing."),
        ("bigger deal", "bigger deal"),
        ("um, well", "well"),
        ("Well, um, yes, um.", "Well, yes."),
        ("um", ""),
        ("nothing to do  here", "nothing to do  here"),
    ],
)
def test_whole_words_and_phrases(text: str, said: str) -> None:
    assert WordFilter((("big deal", "thing"), ("um", ""), ("big", "BAD"))).apply(text) == said


# ---- the time ----


def test_the_model_knows_date_and_time_in_the_agents_zone_behind_all_that_is_cached() -> None:
    began = "Sunday, November 22, 2026, at 17:05 (Europe/Berlin)"
    w = world(QUESTION, began=began).run(600)
    system = next(each for each in w.requests if isinstance(each, StartReply)).messages[0]["content"]
    assert system.endswith("The call began on Sunday, November 22, 2026, at 17:05 (Europe/Berlin).")
    assert system.startswith(Dialogue(profile()).messages()[0]["content"])
    chat = Dialogue(profile(began=began, medium=Medium.CHAT)).messages()[0]["content"]
    assert "The chat began on Sunday" in chat


def test_stock_phrases_by_language() -> None:
    assert phrases_of("de-AT").closing == "Auf Wiederhören."
    assert phrases_of("en-GB") == phrases_of("fi")
