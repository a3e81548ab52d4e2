"""Rules over words."""

import pytest

from trunkline.voice.conversation.turns import (
    Completeness,
    asks_to_stop,
    completeness,
    ends_open,
    is_back_channel,
    is_question,
    says_goodbye,
)


@pytest.mark.parametrize(
    "text",
    [
        "My name is", "I would like to", "I live at 221", "and", "It's um", "for the", "My phone number is 555 123",
        "my number is five five five one two", "it is spelled s m i", "I need a", "well,", "Could you tell me if",
        "Can I come in tomorrow or is it?",
        "My colleague said that you", "Call me when they're", "I don't know whether", "We came late and I",
    ],
)  # fmt: skip
def test_these_have_more_to_come(text: str) -> None:
    assert ends_open(text)


@pytest.mark.parametrize(
    "text",
    [
        "I think so", "Yes, I am.", "What is that?", "On Tuesday.", "my phone number is 555 123 4567",
        "What are you open for?", "That works for me.", "Yes.", "Hold on", "I want that", "Do you have parking?", "",
        "I will tell them and you", "I like it",
    ],
)  # fmt: skip
def test_these_are_whole(text: str) -> None:
    assert not ends_open(text)


def test_back_channels() -> None:
    assert all(map(is_back_channel, ["mhm", "Yeah.", "Okay, right.", "I see.", "uh huh", "Oh, okay."]))
    assert not any(map(is_back_channel, ["", "yes but no", "Tuesday", "okay stop"]))


def test_stop_words_count_at_the_head() -> None:
    assert all(map(asks_to_stop, ["stop", "No, wait.", "Hold on a second", "excuse me", "Hello?"]))
    assert not any(
        map(asks_to_stop, ["I have no idea what that is hold", "yes", "that is a bus stop", "say hello"])
    )


def test_questions_and_goodbyes() -> None:
    assert is_question('Shall I book it?"') and not is_question("I book it.")
    assert says_goodbye("Okay, good bye then") and not says_goodbye("by the way")


@pytest.mark.parametrize(
    ("probability", "what"),
    [(None, "undecided"), (0.8, "undecided"), (0.9, "likely"), (0.98, "complete"), (1.0, "complete")],
)
def test_the_surer_the_turn_model_the_more_complete(probability: float | None, what: str) -> None:
    assert completeness("I would like a table for two.", probability) is Completeness(what)
    assert completeness("I would like to", probability) is Completeness.INCOMPLETE
