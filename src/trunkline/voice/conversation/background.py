"""Sound of a place behind the agent: made here, from seeded noise, the same for every call and never a recording.

A place is a loop of 12 s that has no seam. Its level is set by RMS, so that a volume means the same in every place.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from trunkline.voice.conversation.profile import Background

Floats = NDArray[np.float64]

LOUDEST_DB = -26.0
"""RMS at volume 100, in dB of full scale: about the level of the voice itself. Each half of the volume is 6 dB less."""
_SECONDS = 12
_TALKERS = 7


class Room:
    """One call's place in the loop."""

    def __init__(self, background: Background, rate: int) -> None:
        """Raises KeyError for a place that is none of SOUNDS."""
        self._loop = _sound(background.place, background.volume, rate)
        self._at = 0

    def frame(self, samples: int) -> NDArray[np.int16]:
        """What sounds next."""
        at = np.arange(self._at, self._at + samples) % len(self._loop)
        self._at = (self._at + samples) % len(self._loop)
        found: NDArray[np.int16] = self._loop[at]
        return found

    def under(self, pcm: bytes) -> bytes:
        """The sound with the place behind it; what would be too loud is clipped."""
        voice = np.frombuffer(pcm, "<i2").astype(np.int32)
        mixed: NDArray[np.int32] = np.clip(voice + self.frame(len(voice)), -32768, 32767)
        return mixed.astype("<i2").tobytes()


@cache
def _made(place: str, rate: int) -> Floats:
    """Takes 200 ms to 1 s for a cafe: once, whatever the volumes."""
    return SOUNDS[place](rate)


@cache
def _sound(place: str, volume: int, rate: int) -> NDArray[np.int16]:
    sound = _made(place, rate)
    level = 10 ** (LOUDEST_DB / 20) * volume / 100
    scaled = sound * (level / np.sqrt(np.mean(sound**2)))
    sized: NDArray[np.int16] = (np.clip(scaled, -1.0, 1.0) * 32767).astype(np.int16)
    return sized


def _cafe(rate: int) -> Floats:
    """People who talk across the room, none to be understood, and now and then a cup."""
    random = np.random.default_rng(7)
    sound = _noise(random, rate, 150, 900)
    sound *= 0.3 / _rms(sound)
    for _ in range(_TALKERS):
        voice = _noise(random, rate, 250, 1800)
        # Syllables come about four a second, phrases about one in two.
        syllables = np.clip(_noise(random, rate, 2, 6), 0, None)
        phrases = np.clip(_noise(random, rate, 0.2, 0.7), 0, None)
        talk = voice * syllables * phrases
        sound += talk / _rms(talk) * random.uniform(0.2, 0.5)
    for at in random.integers(0, len(sound), 9):
        pitch = random.uniform(2300, 3100)
        _add(sound, int(at), _ring(rate, pitch, 0.12) * random.uniform(0.5, 1.5))
    return sound


def _office(rate: int) -> Floats:
    """Air from a vent, a low hum, and someone who types."""
    random = np.random.default_rng(11)
    air = _noise(random, rate, 60, 700)
    time = np.arange(len(air)) / rate
    sound = air / _rms(air) + 0.25 * np.sin(2 * np.pi * 120 * time)
    at = 0
    while at < len(sound):
        for _ in range(int(random.integers(4, 14))):
            _add(sound, at, _click(random, rate) * random.uniform(0.6, 1.6))
            at += int(random.uniform(0.09, 0.22) * rate)
        at += int(random.uniform(0.8, 2.5) * rate)
    return sound


PLACES = {"cafe": _cafe, "office": _office}


def _typing(rate: int) -> Floats:
    """Somebody at a keyboard, near by, who stops now and then."""
    random = np.random.default_rng(13)
    sound = np.zeros(_SECONDS * rate)
    at = 0
    while at < len(sound):
        for _ in range(int(random.integers(6, 20))):
            _add(sound, at, _click(random, rate) * random.uniform(0.5, 1.5))
            at += int(random.uniform(0.07, 0.2) * rate)
        at += int(random.uniform(0.2, 0.8) * rate)
    return sound


def _jazz(rate: int) -> Floats:
    """A walking bass at 120 a minute, and brushes on two and four."""
    random = np.random.default_rng(17)
    sound = np.zeros(_SECONDS * rate)
    for beat in range(_SECONDS * 2):
        at = beat * rate // 2
        _add(sound, at, _ring(rate, _BASS[beat % len(_BASS)], 0.45, 5.0))
        if beat % 2:
            count = rate // 5
            brush = random.normal(size=count) * np.exp(-np.arange(count) / (0.04 * rate))
            _add(sound, at, brush * 0.15)
    return sound


def _symphony(rate: int) -> Floats:
    """Slow chords that swell and give way to each other."""
    sound = np.zeros(_SECONDS * rate)
    count = 4 * rate
    swell = np.sin(np.pi * np.arange(count) / count) ** 2
    time = np.arange(count) / rate
    for bar in range(_SECONDS // 2):
        for hertz in _CHORDS[bar % len(_CHORDS)]:
            strings = sum(np.sin(2 * np.pi * hertz * part * time) / part**2 for part in (1, 2, 3))
            _add(sound, bar * 2 * rate, strings * swell)
    return sound


_BASS = (110.0, 130.8, 146.8, 164.8, 146.8, 130.8, 123.5, 98.0)
_CHORDS = ((261.6, 329.6, 392.0), (220.0, 261.6, 329.6), (174.6, 220.0, 261.6))
SOUNDS = {
    **PLACES,
    "typing": _typing,
    "ambient-background": _office,
    "modern-jazz": _jazz,
    "inspirational-symphony-classical-music": _symphony,
}
"""What is heard while an action runs (contract, section 7.2: `action_sound`), and the places."""


def _noise(random: np.random.Generator, rate: int, low: float, high: float) -> Floats:
    """Noise of a band (Hz), periodic over the loop; above the middle of the band it falls by 6 dB an octave."""
    count = _SECONDS * rate
    hertz = np.fft.rfftfreq(count, 1 / rate)
    shape = np.where((hertz >= low) & (hertz <= high), 1 / np.maximum(hertz, (low + high) / 2), 0.0)
    spectrum = shape * np.exp(2j * np.pi * random.random(len(hertz)))
    sound: Floats = np.fft.irfft(spectrum, count)
    return sound / _rms(sound)


def _ring(rate: int, hertz: float, seconds: float, fade: float = 40.0) -> Floats:
    """A note that dies away, by a factor of e in 1 / `fade` seconds."""
    time = np.arange(int(seconds * rate)) / rate
    ringing: Floats = np.sin(2 * np.pi * hertz * time) * np.exp(-time * fade)
    return ringing


def _click(random: np.random.Generator, rate: int) -> Floats:
    count = int(0.012 * rate)
    click: Floats = random.normal(size=count) * np.exp(-np.arange(count) / (0.002 * rate))
    return click


def _add(sound: Floats, at: int, piece: Floats) -> None:
    sound[np.arange(at, at + len(piece)) % len(sound)] += piece


def _rms(sound: Floats) -> float:
    return float(np.sqrt(np.mean(sound**2)))
