"""The sound that scripted speech is made of."""

from functools import lru_cache

import hibari
import numpy as np
from numpy.typing import NDArray

from trunkline.voice.scripted.script import Sound
from trunkline.voice.speech import tones

RATE = 24_000
"""Samples a second, as OpenAI's speech endpoint has it."""
_MS_PER_LETTER = 65
_PITCH_HZ = 118
_TOP_HZ = 3400
_LEVEL = 3300.0
"""RMS of the sound, about -20 dBFS."""
_PERIOD_S = 10
"""Every frequency below completes whole cycles in this time, so the drone repeats without a seam."""


def duration_ms(text: str) -> int:
    """How long the tone of a text lasts: whole 20 ms frames, at a brisk speaker's pace."""
    return max(200, -(-len(text) * _MS_PER_LETTER // 20) * 20)


@lru_cache(maxsize=256)
def speech(text: str, voice: Sound) -> bytes:
    """Mono s16le at RATE, loud from its first samples."""
    match voice:
        case Sound.HIBARI:
            return _hibari(text)
        case Sound.WORDS:
            return tones.speak(text, RATE)
        case Sound.TONE:
            return _drone(text)


def _drone(text: str) -> bytes:
    length = RATE * 2 * duration_ms(text) // 1000
    drone = tone()
    return (drone * (length // len(drone) + 1))[:length]


@lru_cache(maxsize=1)
def tone() -> bytes:
    """A vowel-like drone: harmonics of one pitch under moving formants, louder and softer at the rate of syllables.

    Neural VADs take it for speech from its first 32 ms, which a plain sine is not taken for.
    """
    t = np.arange(RATE * _PERIOD_S) / RATE
    pitch = _PITCH_HZ * (1 + 0.06 * np.sin(2 * np.pi * 0.7 * t) + 0.015 * np.sin(2 * np.pi * 5.3 * t))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    formants = (
        (500 + 200 * np.sin(2 * np.pi * 2.1 * t), 140.0, 1.0),
        (1500 + 450 * np.sin(2 * np.pi * 1.3 * t + 1), 200.0, 0.5),
        (np.full_like(t, 2600.0), 300.0, 0.25),
    )
    wave = np.zeros_like(t)
    for harmonic in range(1, _TOP_HZ // _PITCH_HZ + 1):
        gain = np.full_like(t, 0.02)
        for centre, width, peak in formants:
            gain += peak * np.exp(-(((harmonic * _PITCH_HZ - centre) / width) ** 2))
        wave += gain * np.sin(harmonic * phase)
    wave *= 0.6 + 0.4 * np.cos(2 * np.pi * 4.2 * t)
    return _pcm(wave * _LEVEL / np.sqrt(np.mean(wave**2)))


def _pcm(wave: NDArray[np.float64]) -> bytes:
    return np.clip(wave, -32767, 32767).astype("<i2").tobytes()


@lru_cache(maxsize=1)
def _engine() -> hibari.Hibari:
    return hibari.Hibari(threads=1)


def _hibari(text: str) -> bytes:
    wave = np.concatenate([np.zeros(0), *_engine().stream(text, seed=0)]) * 32767.0
    loud = np.flatnonzero(np.abs(wave) > 300)
    return _pcm(wave[loud[0] :] if len(loud) else wave)


def wav_header(length: int) -> bytes:
    """The 44 bytes before `length` bytes of PCM at RATE."""
    return (
        b"RIFF"
        + (36 + length).to_bytes(4, "little")
        + b"WAVEfmt "
        + (16).to_bytes(4, "little")
        + (1).to_bytes(2, "little")
        + (1).to_bytes(2, "little")
        + RATE.to_bytes(4, "little")
        + (RATE * 2).to_bytes(4, "little")
        + (2).to_bytes(2, "little")
        + (16).to_bytes(2, "little")
        + b"data"
        + length.to_bytes(4, "little")
    )
