import numpy as np
import pytest
from numpy.typing import NDArray

from trunkline.voice.speech import tones
from trunkline.voice.speech.resample import Resampler, resample


def _tone(rate: int) -> bytes:
    return (8000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype("<i2").tobytes()


@pytest.mark.parametrize(("source", "target"), [(24_000, 8000), (8000, 16_000), (8000, 8000)])
def test_pieces_make_the_same_as_the_whole(source: int, target: int) -> None:
    stream = Resampler(source, target)
    sound = _tone(source)
    made = b"".join(stream.push(sound[at : at + 960]) for at in range(0, len(sound), 960)) + stream.finish()
    whole = resample(sound, source, target)
    assert len(made) == len(whole) == 2 * target
    difference = np.frombuffer(made, "<i2").astype(int) - np.frombuffer(whole, "<i2")
    assert np.abs(difference).max() <= 2


def test_the_tone_keeps_its_pitch() -> None:
    made = np.frombuffer(resample(_tone(24_000), 24_000, 8000), "<i2").astype(float)
    assert np.abs(np.fft.rfft(made)).argmax() == 440


def test_the_same_pieces_always_make_the_same_bytes() -> None:
    """Also after a piece that made no sound."""
    sound = tones.speak("Thank you.", 24_000)

    def made() -> tuple[bytes, ...]:
        stream = Resampler(24_000, 8000)
        return (*(stream.push(sound[at : at + 4800]) for at in range(0, len(sound), 4800)), stream.finish())

    first = made()
    assert b"" in first
    assert {made() for _ in range(30)} == {first}


def test_what_is_too_loud_is_clipped() -> None:
    square = np.where(_samples(_tone(8000)) > 0, 32767, -32768).astype("<i2").tobytes()
    made = _samples(resample(square, 8000, 24_000))
    assert (made.min(), made.max()) == (-32768, 32767)


def _samples(pcm: bytes) -> NDArray[np.int16]:
    return np.frombuffer(pcm, "<i2")
