import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.resources.knowledge.chunking import OVERLAP, SIZE, cut


def sentences(count: int, letters: int = 90) -> list[str]:
    return [f"{n} {'word ' * (letters // 5)}end." for n in range(count)]


def test_what_fits_is_one_chunk() -> None:
    assert cut("  One.\nTwo,\tthree! ") == ["One. Two, three!"]
    assert cut("One.\n\nTwo.") == ["One. Two."]


@pytest.mark.parametrize("nothing", ["", " \n\n\t ", "… — ***", "\x0c"])
def test_nothing_is_no_chunk(nothing: str) -> None:
    assert cut(nothing) == []


def test_chunks_end_with_sentences_and_repeat_the_last_one() -> None:
    chunks = cut(" ".join(sentences(40)))
    assert len(chunks) > 4
    for before, after in pairwise(chunks):
        assert before.endswith("end.")
        assert SIZE - 2 * OVERLAP < len(before) <= SIZE
        repeated = before[-100:].split(". ")[-1]
        assert after.startswith(repeated)


def test_a_paragraph_begins_a_chunk_when_the_one_before_is_half_full() -> None:
    first, second = " ".join(sentences(6)), "A new thought."
    assert cut(f"{first}\n \n{second}") == [first, second]


def test_what_has_no_end_is_cut_at_spaces_or_anywhere() -> None:
    words = cut("word " * 1000)
    assert all(chunk.endswith("word") and len(chunk) <= SIZE for chunk in words)
    letters = cut("字" * 3 * SIZE)
    assert [len(chunk) for chunk in letters] == [SIZE] * 3


@given(st.text(st.sampled_from("ab .!?\n。") | st.characters(codec="utf-8"), max_size=5000))
def test_nothing_is_lost_and_no_chunk_is_too_long(text: str) -> None:
    chunks = cut(text)
    assert all(0 < len(chunk) <= SIZE for chunk in chunks)
    held = "".join(chunks)
    assert {letter for letter in text if letter.isalnum()} == {letter for letter in held if letter.isalnum()}
    assert sum(map(str.isalnum, held)) >= sum(map(str.isalnum, text))


@pytest.mark.parametrize("piece", [" ", "\n", "\n ", ".", ". ", "a", "a.\n\n"])
def test_megabytes_take_seconds_at_most(piece: str) -> None:
    began = time.process_time()
    cut(piece * (2_000_000 // len(piece)))
    assert time.process_time() - began < 10
