"""The guards around Whisper, with a decoder that says what it is told."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from trunkline.errors import ProviderError
from trunkline.voice.speech.features import RATE, Floats
from trunkline.voice.speech.whisper import FULL_WINDOW, LocalWhisper, clean, listen, loops_at, padded

LOUD = np.random.default_rng(1).normal(0, 0.1, 3 * RATE).astype(np.float32)


class ToldDecoder:
    """Says its texts in turn and keeps what it was asked."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.asked: list[tuple[int, int]] = []

    def decode(self, features: Floats, limit: int, keywords: Sequence[str] = ()) -> str:
        self.asked.append((features.shape[1], limit))
        self.keywords = tuple(keywords)
        return self.texts.pop(0)


def test_a_segment_is_heard_with_ten_seconds_behind_it_and_a_cap_of_tokens() -> None:
    decoder = ToldDecoder("Hello there.")
    assert listen(decoder, LOUD) == "Hello there."
    assert decoder.asked == [(1300, 40)]


async def test_keywords_of_a_segment_reach_the_model() -> None:
    decoder = ToldDecoder("Xarelto.")
    with ThreadPoolExecutor(1) as pool:
        hearing = LocalWhisper(decoder, pool).open(RATE, "en-US", keywords=("Xarelto",))
        hearing.push((LOUD * 32767).astype("<i2").tobytes())
        assert await hearing.finish() == "Xarelto."
    assert decoder.keywords == ("Xarelto",)


def test_a_loop_is_done_again_with_the_full_window() -> None:
    decoder = ToldDecoder("I want to go I want to go I want to go", "I want to go home.")
    assert listen(decoder, LOUD) == "I want to go home."
    assert [frames for frames, _ in decoder.asked] == [1300, FULL_WINDOW]


def test_a_loop_that_stays_is_cut() -> None:
    loop = "Then I want to go, I want to go, I want to go"
    assert listen(ToldDecoder(loop, loop), LOUD) == "Then I want to go,"


@pytest.mark.parametrize("text", ["no no no", "one two three four five", "yes yes", ""])
def test_what_people_repeat_is_no_loop(text: str) -> None:
    assert loops_at(text) is None


def test_silence_is_not_even_decoded() -> None:
    assert listen(ToldDecoder(), np.zeros(RATE, np.float32)) == ""


@pytest.mark.parametrize("text", ["[BLANK_AUDIO]", "(wind)", " *coughs* ", "♪", "...", " ."])
def test_names_of_sounds_are_no_words(text: str) -> None:
    assert clean(text, near_silence=False) == ""


def test_inventions_are_dropped_only_near_silence() -> None:
    assert clean("Thank you.", near_silence=True) == ""
    assert clean("Thank you.", near_silence=False) == "Thank you."
    assert clean("Please call me back.", near_silence=True) == "Please call me back."
    faint = LOUD * 0.05
    assert listen(ToldDecoder("Thank you."), faint) == ""
    assert listen(ToldDecoder("Thank you."), LOUD) == "Thank you."


def test_padding_ends_at_the_full_window() -> None:
    assert padded(np.ones((80, 2901), np.float32), 1000).shape == (80, 3000)
    assert padded(np.ones((80, 301), np.float32), 1000).shape == (80, 1300)
    assert padded(np.ones((80, 301), np.float32), 1000)[:, 301:].sum() == 0


async def test_unchanged_sound_is_recognised_once_and_other_languages_are_refused() -> None:
    with ThreadPoolExecutor(1) as pool:
        decoder = ToldDecoder("Hello.")
        stt = LocalWhisper(decoder, pool)
        hearing = stt.open(16_000, "en-GB")
        hearing.push((LOUD * 32767).astype("<i2").tobytes())
        assert await hearing.words() == "Hello."
        assert await hearing.finish() == "Hello."
        assert len(decoder.asked) == 1
        with pytest.raises(ProviderError, match="English only"):
            await stt.open(16_000, "es-ES").finish()


async def test_a_long_segment_is_heard_in_pieces() -> None:
    with ThreadPoolExecutor(1) as pool:
        hearing = LocalWhisper(ToldDecoder("One.", "Two."), pool).open(16_000, "en-US")
        hearing.push((np.tile(LOUD, 12) * 32767).astype("<i2").tobytes())
        assert await hearing.finish() == "One. Two."
