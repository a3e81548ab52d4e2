"""Something that the voice-activity model takes for speech, made without any model: a buzz through formants."""

import numpy as np
from numpy.typing import NDArray

from benchmarks import mulaw

RATE = 8000
FORMANTS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))
"""Hz of the vowels of hod, heed, who'd, head and hawed (Peterson and Barney, 1952)."""
BANDWIDTHS = (60, 90, 150)


def vowels(seconds: float, seed: int = 1) -> bytes:
    """PCM of a voice that runs through vowels at 120 Hz, 0.2 s each, loud to its first and last sample."""
    samples = int(seconds * RATE)
    rng = np.random.default_rng(seed)
    pitch = 120 * (1 + 0.08 * np.sin(2 * np.pi * 2.5 * np.arange(samples) / RATE))
    phase = np.cumsum(pitch) / RATE
    buzz = (np.diff(np.floor(phase), prepend=0) > 0).astype(float) + rng.normal(0, 0.01, samples)
    sound = np.zeros(samples)
    chunk = RATE // 5
    for first in range(0, samples, chunk):
        formants = FORMANTS[int(rng.integers(len(FORMANTS)))]
        sound[first : first + chunk] = _filtered(buzz[first : first + chunk], formants)
    return bytes((12000 * sound / np.abs(sound).max()).astype(np.int16).tobytes())


def _filtered(sound: NDArray[np.float64], formants: tuple[int, ...]) -> NDArray[np.float64]:
    out = sound
    for hertz, bandwidth in zip(formants, BANDWIDTHS, strict=True):
        radius = np.exp(-np.pi * bandwidth / RATE)
        b1, b2 = 2 * radius * np.cos(2 * np.pi * hertz / RATE), -radius * radius
        filtered = np.zeros_like(out)
        one = two = 0.0
        for index, value in enumerate(out):
            one, two = value + b1 * one + b2 * two, one
            filtered[index] = one
        out = filtered / np.abs(filtered).max()
    return out


def spoken(seconds: float, seed: int = 1) -> list[bytes]:
    """The same as mu-law packets."""
    return mulaw.packets(mulaw.encode(vowels(seconds, seed)))
