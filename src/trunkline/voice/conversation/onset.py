"""A voice over ours: evidence for it, added up tick by tick.

A voice-activity model takes 100 to 240 ms to be sure of a word that begins with a hiss or a glottal stop. Beside it
counts what stands out of the line's noise: sound with a pitch nearly as much as voice, a hiss only so far that the
first tick of voice behind it decides. What it makes of coughs and noises is taken back soon: nothing confirms it.
"""

import numpy as np

from trunkline.voice.conversation.hearing import Ear

_VOICE = 1 / 3
"""Evidence of a tick that the model takes for voice …"""
_PITCHED = 1 / 4
"""… of one that stands out and has a pitch …"""
_HISS = 1 / 6
"""… and of one that stands out, up to this share of what is needed."""
_HISS_MOST = 2 / 3
_FADES = 1 / 6
"""Evidence lost in a tick of silence: the stop in "okay" does not start it all over."""
_ROUNDING = 0.01
_LONGEST_TICKS = 12
"""What sounds longer before it is taken for a voice is noise before a voice."""
_PERIODIC = 0.65
"""Correlation of 40 ms of sound with itself, one period later, from which it has a pitch."""
_LOWEST, _HIGHEST = 60, 400
"""Pitch of voices in hertz."""


class Onset:
    """Adds up what the ear hears."""

    def __init__(self, ear: Ear, rate: int, needed: float = 1.0) -> None:
        """`needed`: evidence that is enough; 1 is three ticks of voice."""
        self._ear = ear
        self._needed = needed
        self._rate = rate
        self._evidence = 0.0
        self.run = 0
        """Ticks since it began."""
        self.pitched = 0
        """Of them, how many have a pitch."""
        self.by_sound = True
        """Does sound count that is not voice? Not the one that turned out to be none, until it is over."""

    @property
    def enough(self) -> bool:
        """Is it worth falling silent for?"""
        return self._evidence >= self._needed - _ROUNDING

    def tick(self) -> None:
        """The ear has heard 20 ms more."""
        ear = self._ear
        if ear.lost:
            return
        pitched = ear.loud and has_pitch(ear.last(2), self._rate)
        self.pitched += pitched
        if ear.onset_run:
            self._evidence += _VOICE
        elif ear.loud and self.by_sound:
            if pitched:
                self._evidence += _PITCHED
            else:
                self._evidence = max(self._evidence, min(self._evidence + _HISS, self._needed * _HISS_MOST))
        else:
            self._evidence -= _FADES
            self.by_sound |= not ear.loud
        self._evidence = min(max(self._evidence, 0.0), self._needed)
        if self._evidence > _ROUNDING:
            self.run = min(self.run + 1, _LONGEST_TICKS)
        else:
            self.clear()

    def clear(self) -> None:
        """What was heard so far is no evidence."""
        self._evidence = 0.0
        self.run = self.pitched = 0

    def restart(self) -> None:
        """What was heard so far was not the caller's; the next tick may be."""
        self.run = self.pitched = 0


def has_pitch(pcm: bytes, rate: int) -> bool:
    """Does s16le PCM repeat itself at the pace of a voice?"""
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    size, shortest, longest = samples.size, rate // _HIGHEST, rate // _LOWEST
    if size <= longest:
        return False
    samples -= samples.mean()
    points = 1 << (size + longest).bit_length()
    spectrum = np.fft.rfft(samples, points)
    products = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, points)[shortest : longest + 1]
    sums = np.concatenate(([0.0], np.cumsum(samples * samples, dtype=np.float64)))
    lags = np.arange(shortest, longest + 1)
    energies = sums[size - lags] * (sums[size] - sums[lags])
    return float((products / np.sqrt(energies + 1e-9)).max()) >= _PERIODIC
