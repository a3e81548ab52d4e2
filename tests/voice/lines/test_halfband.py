"""From 8 to 16 kHz and back: nothing held back, nothing of the sound lost, nothing folded into it."""

import numpy as np
import pytest

from trunkline.voice.lines.halfband import rate_change


def sine(hertz: int, rate: int) -> bytes:
    """One second."""
    return (8000 * np.sin(2 * np.pi * hertz * np.arange(rate) / rate)).astype(np.int16).tobytes()


def in_pieces(source: int, target: int, pcm: bytes, size: int) -> bytes:
    change = rate_change(source, target)
    return b"".join(change(pcm[at : at + size]) for at in range(0, len(pcm), size))


def level(pcm: bytes) -> float:
    return float(np.sqrt(np.mean(np.square(np.frombuffer(pcm, np.int16).astype(float)))))


@pytest.mark.parametrize(("source", "target"), [(8000, 16_000), (16_000, 8000), (8000, 8000)])
@pytest.mark.parametrize("milliseconds", [10, 20, 30])
def test_what_goes_in_comes_out_at_once(source: int, target: int, milliseconds: int) -> None:
    change = rate_change(source, target)
    assert len(change(bytes(source * milliseconds // 500))) == target * milliseconds // 500
    assert change(b"") == b""


@pytest.mark.parametrize(("source", "target"), [(8000, 16_000), (16_000, 8000)])
@pytest.mark.parametrize("hertz", [300, 1000, 3000])
def test_speech_comes_through_and_pieces_make_no_seams(source: int, target: int, hertz: int) -> None:
    sound = sine(hertz, source)
    made = in_pieces(source, target, sound, 2 * source // 50)
    assert made == in_pieces(source, target, sound, 2 * source // 100)
    assert level(made) == pytest.approx(level(sound), rel=0.05)
    spectrum = np.abs(np.fft.rfft(np.frombuffer(made, np.int16)))
    assert np.argmax(spectrum) == hertz
    spectrum[hertz - 50 : hertz + 50] = 0
    assert spectrum.max() < 0.02 * len(made) / 4 * 8000


def test_odd_pieces_lose_nothing() -> None:
    sound = sine(440, 16_000)
    assert in_pieces(16_000, 8000, sound, 2 * 321) == in_pieces(16_000, 8000, sound, 2 * 320)


def test_what_8_khz_cannot_hold_is_not_folded_back() -> None:
    assert level(in_pieces(16_000, 8000, sine(6000, 16_000), 640)) < 0.02 * level(sine(6000, 16_000))


def test_loud_sound_is_clipped_not_wrapped() -> None:
    square = np.where(np.arange(800) // 20 % 2, 32767, -32768).astype(np.int16)
    made = np.frombuffer(in_pieces(8000, 16_000, square.tobytes(), 320), np.int16)
    assert np.abs(np.diff(made.astype(int))).max() < 60_000


def test_other_rates_are_refused() -> None:
    with pytest.raises(ValueError, match="44100"):
        rate_change(44_100, 8000)
