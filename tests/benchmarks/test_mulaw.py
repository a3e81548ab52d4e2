"""The instrument's own G.711, against the line's."""

import numpy as np
import pytest

from benchmarks import mulaw
from trunkline.voice import g711

EVERY_CODE = bytes(range(256))
EVERY_LEVEL = np.arange(-32768, 32768).astype("<i2").tobytes()


def test_codes_survive_a_round_trip() -> None:
    back = mulaw.encode(mulaw.decode(EVERY_CODE))
    assert [code for code in range(256) if back[code] != code] == [0x7F]
    assert back[0x7F] == 0xFF, "the second zero becomes the first"


def test_it_decodes_like_the_line() -> None:
    assert mulaw.decode(EVERY_CODE) == g711.ulaw_to_pcm(EVERY_CODE)


def test_it_encodes_to_the_nearest_level() -> None:
    levels = np.frombuffer(mulaw.decode(EVERY_CODE), "<i2").astype(int)
    value = np.frombuffer(EVERY_LEVEL, "<i2").astype(int)
    ours = np.frombuffer(mulaw.decode(mulaw.encode(EVERY_LEVEL)), "<i2").astype(int)
    best = np.abs(levels[:, None] - value[None, ::97]).min(axis=0)
    assert (np.abs(ours[::97] - value[::97]) == best).all()
    line = np.frombuffer(g711.ulaw_to_pcm(g711.pcm_to_ulaw(EVERY_LEVEL)), "<i2").astype(int)
    assert np.abs(line - ours).max() <= 1024, "the line's rounding is within one step"


@pytest.mark.parametrize(("amplitude", "voiced"), [(0, False), (60, False), (400, True), (8000, True)])
def test_voiced_by_loudness(amplitude: int, voiced: bool) -> None:
    sine = amplitude * np.sin(2 * np.pi * 300 * np.arange(160) / 8000)
    assert mulaw.voiced(mulaw.encode(sine.astype("<i2").tobytes())) is voiced


def test_packets_are_whole() -> None:
    assert [len(packet) for packet in mulaw.packets(b"\x10" * 350)] == [160, 160, 160]
    assert mulaw.packets(b"\x10" * 350)[2] == b"\x10" * 30 + b"\xff" * 130
    assert mulaw.packets(b"") == []
