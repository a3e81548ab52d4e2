import numpy as np
import pytest

from trunkline.voice.speech.features import (
    RATE,
    floats_to_pcm,
    mel_filters,
    pcm_to_floats,
    turn_features,
    whisper_features,
)


def _tone(hertz: float, seconds: float = 1.0) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(RATE * seconds)) / RATE)).astype(np.float32)


def test_the_filters_are_slaneys() -> None:
    filters = mel_filters()
    assert filters.shape == (80, 201)
    # Equal area: the height of each triangle is 2 over its width in hertz. Below 1 kHz all are equally wide,
    # so the sums of the bins (40 Hz apart) come to 1/40 within what the coarse bins allow.
    assert np.allclose(filters.sum(axis=1)[30:] * 40, 1.0, atol=0.08)
    # Known values of the Slaney scale: 15 mel at 1 kHz, 45.245 at 8 kHz.
    widest = filters[79].nonzero()[0] * 40
    assert widest.min() > 7400
    assert widest.max() < 8000


@pytest.mark.parametrize(("hertz", "band"), [(1000, 26), (4000, 62), (440, 11)])
def test_a_tone_is_loudest_in_its_band(hertz: float, band: int) -> None:
    features = whisper_features(_tone(hertz))
    assert abs(int(features.mean(axis=1).argmax()) - band) <= 1


def test_there_is_a_frame_each_10_ms_and_a_range_of_8_decades() -> None:
    features = whisper_features(_tone(440, 1.5))
    assert features.shape == (80, 150)
    assert features.dtype == np.float32
    assert features.max() - features.min() <= 2.0 + 1e-6


def test_the_turn_model_hears_8_seconds_with_zeros_before_a_short_one() -> None:
    features = turn_features(_tone(440, 2))
    assert features.shape == (80, 800)
    assert features[:, :590].std() < features[:, 610:].std() + 1
    assert features[11, 700] > features[11, 300]


def test_the_turn_model_does_not_hear_loudness() -> None:
    sound = np.random.default_rng(3).normal(0, 0.1, 8 * RATE).astype(np.float32)
    assert np.allclose(turn_features(sound), turn_features(sound * 4), atol=1e-3)


def test_pcm_goes_there_and_back() -> None:
    pcm = np.array([-32768, -1, 0, 1, 32767], "<i2").tobytes()
    back = np.frombuffer(floats_to_pcm(pcm_to_floats(pcm)), "<i2")
    assert np.abs(back - np.frombuffer(pcm, "<i2")).max() <= 1
    assert floats_to_pcm(np.array([2.0, -2.0], np.float32)) == np.array([32767, -32767], "<i2").tobytes()
