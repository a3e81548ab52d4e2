import numpy as np
import pytest

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
