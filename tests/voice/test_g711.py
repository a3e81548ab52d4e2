import numpy as np
import pytest

from trunkline.voice import g711

ALL = np.arange(-32768, 32768, dtype="<i2").tobytes()


def test_mu_law_known_values() -> None:
    """ITU-T G.711 table 2, at 16 bits."""
    assert np.frombuffer(g711.ulaw_to_pcm(bytes([0xFF, 0x7F, 0x80, 0x00, 0xFE, 0xF0])), "<i2").tolist() == [
        0,
        0,
        32124,
        -32124,
        8,
        120,
    ]
    assert g711.pcm_to_ulaw(np.array([0, 32767, -32768, 8], "<i2").tobytes()) == bytes(
        [0xFF, 0x80, 0x00, 0xFE]
    )


def test_a_law_known_values() -> None:
    """ITU-T G.711 table 1, at 16 bits, even bits inverted."""
    assert np.frombuffer(g711.alaw_to_pcm(bytes([0xD5, 0x55, 0xAA, 0x2A])), "<i2").tolist() == [
        8,
        -8,
        32256,
        -32256,
    ]
    assert g711.pcm_to_alaw(np.array([8, -8, 32767, -32768], "<i2").tobytes()) == bytes(
        [0xD5, 0x55, 0xAA, 0x2A]
    )


@pytest.mark.parametrize(
    ("encode", "decode"), [(g711.pcm_to_ulaw, g711.ulaw_to_pcm), (g711.pcm_to_alaw, g711.alaw_to_pcm)]
)
def test_every_value_comes_back_within_its_step(encode, decode) -> None:  # type: ignore[no-untyped-def]
    value = np.frombuffer(ALL, "<i2").astype(np.int32)
    back = np.frombuffer(decode(encode(ALL)), "<i2").astype(np.int32)
    inside = np.abs(value) <= 32124
    assert (np.abs(back - value)[inside] <= np.maximum(np.abs(value[inside]) / 16, 16)).all()
    # What was decoded encodes to the same sound again: tandem coding adds nothing.
    assert decode(encode(back.astype("<i2").tobytes())) == back.astype("<i2").tobytes()
    assert (np.diff(back) >= 0).all()
