"""Text is cut where a voice would breathe."""

from hypothesis import given
from hypothesis import strategies as st

from trunkline.voice.conversation.sentences import SentenceSplitter


def cut(text: str, size: int = 1) -> list[str]:
    splitter = SentenceSplitter()
    found = [piece for at in range(0, len(text), size) for piece in splitter.push(text[at : at + size])]
    return found + splitter.finish()


def test_sentences_and_an_early_first_clause() -> None:
    assert cut("Certainly, I can help. We open at 8 a.m. on Mondays. Bye") == [
        "Certainly, I can help.", "We open at 8 a.m. on Mondays.", "Bye",
    ]  # fmt: skip
    assert cut("Thank you for calling, we are open from nine to five.") == [
        "Thank you for calling,", "we are open from nine to five.",
    ]  # fmt: skip


def test_abbreviations_and_decimals_do_not_end_a_sentence() -> None:
    assert cut("Dr. Smith costs 3.50 dollars. Yes") == ["Dr. Smith costs 3.50 dollars.", "Yes"]


@given(st.text("ab .,!?\n", max_size=80), st.integers(1, 9))
def test_no_letter_is_lost_however_it_streams(text: str, size: int) -> None:
    letters = [character for character in text if character.isalnum()]
    assert [character for character in "".join(cut(text, size)) if character.isalnum()] == letters
