"""When the other side speaks, to one frame."""

import numpy as np
import pytest

from trunkline.roles.demo.ear import Ear, frame_bytes, trimmed, voiced

RATE = 8000
SIZE = frame_bytes(RATE)
SILENCE = bytes(SIZE)
TONE = (np.sin(np.arange(160) * 0.4) * 3000).astype(np.int16).tobytes()
NOISE = (np.sin(np.arange(160) * 0.4) * 30).astype(np.int16).tobytes()


def test_voice_is_told_from_silence_and_from_the_noise_of_the_line() -> None:
    assert voiced(TONE)
    assert not voiced(SILENCE)
    assert not voiced(NOISE)
    assert not voiced(b"")


def test_speech_is_trimmed_to_its_voiced_frames() -> None:
    assert trimmed(SILENCE * 3 + TONE * 2 + SILENCE + TONE + NOISE * 5, RATE) == TONE * 2 + SILENCE + TONE
    assert trimmed(SILENCE * 3, RATE) == b""


def test_frames_get_the_time_at_which_they_arrived() -> None:
    ear = Ear(RATE)
    ear.listen(SILENCE * 2 + TONE + SILENCE, 10.0)  # the tone ended one frame before the last sample
    assert ear.first_after(0.0) == pytest.approx(9.96)
    ear.listen(TONE[:100], 10.01)
    ear.listen(TONE[100:], 10.02)
    assert ear.last_before(11.0) == pytest.approx(10.02)
    assert ear.first_after(9.99) == pytest.approx(10.0)
    assert ear.voiced_since(9.99) == pytest.approx(0.02)
    assert ear.first_after(10.5) is None
    assert ear.last_before(9.0) is None
