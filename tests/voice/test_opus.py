"""Opus by the library that is here."""

import ctypes

import numpy as np
import pytest

from trunkline.errors import SetupError
from trunkline.voice import opus
from trunkline.voice.opus import OpusCoder

TONE = (8000 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)).astype("<i2").tobytes()


def test_a_second_there_and_back() -> None:
    coder = OpusCoder(16_000)
    packets = [coder.encode(TONE[start : start + 640]) for start in range(0, len(TONE), 640)]
    back = b"".join(map(coder.decode, packets))
    coder.close()
    coder.close()
    assert opus.available()
    assert len(back) == len(TONE)
    assert 20_000 <= 8 * sum(map(len, packets)) <= 30_000, "bits in a second"
    loudness = np.sqrt(np.mean(np.frombuffer(back[3200:], "<i2").astype(float) ** 2))
    assert loudness == pytest.approx(8000 / np.sqrt(2), rel=0.1)


def test_packets_of_other_lengths_are_heard() -> None:
    talker, listener = OpusCoder(16_000), OpusCoder(8000)
    assert len(listener.decode(talker.encode(TONE[:1920]))) == 960


def test_nonsense_is_refused() -> None:
    coder = OpusCoder(16_000)
    with pytest.raises(ValueError, match="no Opus packet"):
        coder.decode(b"\xff" * 7)
    with pytest.raises(ValueError, match="no Opus packet"):
        coder.decode(b"")
    with pytest.raises(ValueError, match="encode"):
        coder.encode(TONE[:100])
    with pytest.raises(SetupError, match="12345"):
        OpusCoder(12_345)


def test_a_machine_without_libopus_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    opus._library.cache_clear()
    monkeypatch.setattr(opus, "_inside_the_wheel", lambda: None)
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    try:
        assert not opus.available()
        with pytest.raises(SetupError, match="libopus0"):
            OpusCoder(16_000)
    finally:
        opus._library.cache_clear()
