"""Was it meant? The decision alone."""

import pytest

from trunkline.voice.conversation.hearing import Segment, Turn
from trunkline.voice.conversation.interruption import Interruption, Outcome


def said(text: str, final: bool = True) -> Turn:
    return Turn(1, 0, [Segment(1, opened=5, voiced=20, open=not final, text=text, final=final)])


def interruption(voiced: int = 20, noisy: bool = False, after_question: bool = False) -> Interruption:
    return Interruption(
        began=10,
        voice_began=5,
        min_words=1,
        after_question=after_question,
        noisy=noisy,
        voiced=voiced,
        pitched=9,
    )


def test_words_that_are_not_final_decide_nothing_while_the_voice_is_short() -> None:
    for text in ("I think", "no I", "stop"):
        assert interruption().decide(40, said(text, final=False)) is None
        assert interruption().decide(50, said(text, final=False)) is Outcome.YIELD
    assert interruption().decide(40, said("I see.")) is Outcome.RESUME
    assert interruption().decide(40, said("I think so")) is Outcome.YIELD


@pytest.mark.parametrize(
    ("text", "voiced", "noisy", "after_question", "outcome"),
    [
        ("One", 20, True, False, Outcome.RESUME),
        ("cut it", 30, True, False, Outcome.RESUME),
        ("One", 20, False, False, Outcome.YIELD),
        ("One", 31, True, False, Outcome.YIELD),
        ("what about Sunday", 20, True, False, Outcome.YIELD),
        ("No", 20, True, False, Outcome.YIELD),
        ("One", 20, True, True, Outcome.YIELD),
        ("Yes", 20, True, True, Outcome.YIELD),
    ],
    ids=str,
)
def test_a_short_word_on_a_noisy_line_may_be_misheard(
    text: str, voiced: int, noisy: bool, after_question: bool, outcome: Outcome
) -> None:
    assert interruption(voiced, noisy, after_question).decide(40, said(text)) is outcome


def test_a_voice_that_nothing_can_tell_of_gets_the_floor_in_the_end() -> None:
    unheard = Turn(1, 0, [Segment(1, opened=5, voiced=50)])
    assert interruption().decide(60, unheard) is None
    assert interruption().decide(65, unheard) is Outcome.YIELD
