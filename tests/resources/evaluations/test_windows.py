"""Windows: nothing is left out, nothing is too long."""

import random
from itertools import pairwise

import pytest

from trunkline.resources.evaluations.windows import clipped, tokens, windows


def test_a_short_transcript_is_one_window() -> None:
    [window] = windows("\nbot: Hello.\n\nhuman: Hi.")
    assert (window.text, window.number, window.of) == ("bot: Hello.\nhuman: Hi.", 1, 1)


@pytest.mark.parametrize("transcript", ["", "\n", " \n \n"], ids=["empty", "newline", "blanks"])
def test_without_words_there_is_none(transcript: str) -> None:
    assert windows(transcript) == []


def test_every_line_is_in_a_window_and_windows_overlap() -> None:
    lines = [f"bot: line {number} says something of its own" for number in range(200)]
    found = windows("\n".join(lines), most=300)
    assert [each.number for each in found] == list(range(1, len(found) + 1))
    assert {each.of for each in found} == {len(found)}
    assert len(found) > 5
    pieces = [each.text.split("\n") for each in found]
    assert [line for piece in (pieces[0], *(each[2:] for each in pieces[1:])) for line in piece] == lines
    assert all(after[:2] == before[-2:] for before, after in pairwise(pieces))


def test_whatever_is_said_fits() -> None:
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    for _ in range(30):
        letters = chance.choice(["a b", "0123456789", "日本語", "ä ö", "🙂"])
        lines = ("".join(chance.choices(letters, k=chance.randrange(900))) for _ in range(20))
        said = "\n".join(f"human: {each}" for each in lines)
        assert all(tokens(each.text) <= 400 for each in windows(said, most=400)), f"seed {seed}"


def test_the_estimate_is_never_below_what_models_count() -> None:
    # Qwen2.5 and GPT-4 take a digit, or up to three, and a Chinese character or two to a token.
    assert tokens("4111111111111111") >= 16
    assert tokens("日本語の会話") >= 6
    assert tokens("Good morning, how may I help you today?") >= 10


def test_the_middle_is_what_is_left_out() -> None:
    short = clipped("begin " + "x" * 9000 + " end", 60)
    assert short.startswith("begin ")
    assert short.endswith(" end")
    assert tokens(short) < 70
    assert clipped("short", 60) == "short"
