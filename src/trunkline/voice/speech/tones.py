"""Words as tones and back: sound that carries its own text, for the in-tree twins of speech.

A word is a marker tone of 20 ms, then two tones a byte of 20 ms each (one of 16 frequencies a half byte), then
20 ms of silence. All frequencies are multiples of 50 Hz within the telephone band, so every tone is whole in a
20 ms window, at any sample rate, through G.711, and at any offset of the stream. 40 ms a letter is about the pace
of quick speech. A reader that joins in mid-word picks up at the next marker.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

_BASE = 600
_STEP = 150
_MARK = 3150
_LEVEL = 0.25
_QUIET = 0.02
"""Root mean square below which a window is silence."""


def speak(text: str, rate: int) -> bytes:
    """Every word of the text as tones, s16le at `rate`."""
    pieces = [_word(word, rate) for word in text.split()]
    return b"".join(pieces)


def hear(pcm: bytes, rate: int) -> str:
    """The whole words in the sound; "" when there are none. The end of a cut word is heard as far as it went."""
    audio = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768.0
    size = rate // 50
    words = []
    at = _next_mark(audio, 0, rate)
    while at is not None:
        halves: list[int] = []
        at += size
        while at + size <= len(audio) and (half := _half_byte(audio[at : at + size], rate)) is not None:
            halves.append(half)
            at += size
        letters = bytes(high << 4 | low for high, low in zip(halves[::2], halves[1::2], strict=False))
        if word := letters.decode(errors="ignore"):
            words.append(word)
        at = _next_mark(audio, at, rate)
    return " ".join(words)


def _word(word: str, rate: int) -> bytes:
    tones = [_MARK]
    for byte in word.encode():
        tones += [_BASE + _STEP * (byte >> 4), _BASE + _STEP * (byte & 15)]
    size = rate // 50
    sound = np.concatenate([_tone(hertz, rate) for hertz in tones] + [np.zeros(size)])
    return (sound * 32767).astype("<i2").tobytes()


@cache
def _tone(hertz: int, rate: int) -> NDArray[np.float64]:
    return _LEVEL * np.sin(2 * np.pi * hertz * np.arange(rate // 50) / rate)


@cache
def _probes(rate: int) -> NDArray[np.complex64]:
    """One row a frequency: the 16 half bytes, then the marker."""
    hertz = np.array([_BASE + _STEP * half for half in range(16)] + [_MARK])
    return np.exp(-2j * np.pi * hertz[:, None] * np.arange(rate // 50) / rate).astype(np.complex64)


@cache
def _marker(rate: int) -> NDArray[np.complex128]:
    """The marker over as many samples as are looked through at once."""
    return np.asarray(np.exp(-2j * np.pi * _MARK * np.arange(12 * (rate // 50)) / rate), np.complex128)


def _half_byte(window: NDArray[np.float32], rate: int) -> int | None:
    """The half byte of a window; None for silence or a marker."""
    if np.sqrt((window**2).mean()) < _QUIET:
        return None
    best = int(np.abs(_probes(rate) @ window).argmax())
    return best if best < 16 else None


def _next_mark(audio: NDArray[np.float32], start: int, rate: int) -> int | None:
    """Where the next marker begins, to about a millisecond; None when there is none whole."""
    size, hop = rate // 50, rate // 1000
    for begin in range(start, len(audio) - size + 1, 10 * size):
        part = audio[begin : begin + 12 * size]
        # The tone's share up to each sample: that of a window is the difference at its ends.
        share = np.concatenate(([0], np.cumsum(part * _marker(rate)[: len(part)])))
        mark = np.abs(share[size::hop] - share[:-size:hop]) / size * 2
        over = np.flatnonzero(mark > 0.6 * _LEVEL)
        if len(over):
            peak = over[0] + int(mark[over[0] : over[0] + size // hop].argmax())
            return int(begin + peak * hop)
    return None
