"""What counts as consent to a recording: a clear yes and nothing else."""

import pytest

from trunkline.voice.conversation.consent import Answer, Consent, answer_to

QUESTION = "This call may be recorded. Is that all right with you?"


@pytest.mark.parametrize(
    "text",
    [
        "Yes.", "Yeah, sure.", "That's fine.", "Okay go ahead", "Of course.", "No problem.", "I don't mind at all",
        "Sure, why not?", "Yes, you may.", "Alright", "I agree", "Ja, gerne.", "Oui.", "Sí, claro.", "Va bene.", "Dat is goed.",
    ],
)  # fmt: skip
def test_yes(text: str) -> None:
    assert answer_to(QUESTION, text) is Answer.YES


@pytest.mark.parametrize(
    "text",
    [
        "No.", "No thank you.", "I'd rather not.", "Please don't.", "Not really okay", "I do not agree.", "Nope",
        "Never", "That is not fine with me.", "not at all", "Nein, bitte nicht.", "Non, merci.", "Não.", "No, gracias.", "Please stop recording",
    ],
)  # fmt: skip
def test_no(text: str) -> None:
    assert answer_to(QUESTION, text) is Answer.NO


@pytest.mark.parametrize(
    "text", ["", "Why?", "Who is this?", "Yes. No wait.", "[inaudible]", "What for, exactly?"]
)
def test_unclear(text: str) -> None:
    assert answer_to(QUESTION, text) is Answer.UNCLEAR


def test_a_question_that_turns_yes_around() -> None:
    question = "Do you mind if we record this call?"
    assert answer_to(question, "Yes.") is Answer.UNCLEAR
    assert answer_to(question, "No.") is Answer.NO
    assert answer_to(question, "Not at all.") is Answer.YES
    assert answer_to(question, "I don't mind.") is Answer.YES


def test_nothing_counts_before_it_was_asked_and_twice_unclear_is_no() -> None:
    consent = Consent(QUESTION)
    consent.hear("Yes, hello?")
    assert consent.open
    for asked in (1, 2):
        assert consent.open
        consent.asked = asked
        consent.hear("What?")
    assert consent.given is False and not consent.open


def test_no_question_needs_no_answer() -> None:
    assert not Consent("").open
