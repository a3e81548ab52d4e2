"""The place a persona speaks from: what its microphone hears besides what it says."""

import numpy as np
from numpy.typing import NDArray

from trunkline.voice.conversation import background
from trunkline.voice.conversation.events import TICK_MS
from trunkline.voice.conversation.profile import Background
from trunkline.voice.speech import noises
from trunkline.voice.speech.features import floats_to_pcm, pcm_to_floats
from trunkline.voice.speech.resample import resample

_LOOP_SECONDS = 12
_WHOLE = 32768.0


class Room:
    """Adds noise and single sounds to what leaves a line, frame by frame."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._noise: NDArray[np.float32] | None = None
        self._at = 0
        self._sounds: list[bytearray] = []
        self._muted = 0

    def fill(self, place: str, level_db: float, seed: int) -> None:
        """Noise from now on, of this RMS in dB of full scale; where in it the call begins depends on the seed."""
        if place == "steady":
            made = noises.steady_noise(_LOOP_SECONDS * noises.RATE, np.random.default_rng(seed))
            sound = pcm_to_floats(
                resample(floats_to_pcm(0.3 * made / abs(made).max()), noises.RATE, self._rate)
            )
        else:
            found = background.Room(Background(place, 100), self._rate).frame(_LOOP_SECONDS * self._rate)
            sound = np.roll(found.astype(np.float32) / _WHOLE, seed * 7919)
        rms = float(np.sqrt(np.mean(sound**2)))
        self._noise = (sound * (10 ** (level_db / 20) / rms * _WHOLE)).astype(np.float32)

    def play(self, pcm: bytes) -> None:
        """A sound that begins with the next frame."""
        self._sounds.append(bytearray(pcm))

    def mute(self, ms: int) -> None:
        """Nothing leaves for so long."""
        self._muted = ms // TICK_MS

    def around(self, frame: bytes) -> bytes:
        """What the microphone makes of 20 ms that are said."""
        size = len(frame) // 2
        if self._noise is None and not self._sounds and not self._muted:
            return frame
        heard = np.frombuffer(frame, "<i2").astype(np.float32)
        if self._noise is not None:
            heard += self._noise[self._at : self._at + size]
            self._at = (self._at + size) % len(self._noise)
        for sound in self._sounds:
            piece = bytes(sound[: 2 * size]).ljust(2 * size, b"\0")
            del sound[: 2 * size]
            heard += np.frombuffer(piece, "<i2")
        self._sounds = [sound for sound in self._sounds if sound]
        if self._muted:
            self._muted -= 1
            return bytes(len(frame))
        mixed: NDArray[np.float32] = np.clip(heard, -32768, 32767)
        return mixed.astype("<i2").tobytes()


def level_of(pcm: bytes, rate: int) -> float:
    """RMS in dB of full scale of the louder half of the sound's frames: its level while it sounds."""
    size = rate * TICK_MS // 1000
    samples = pcm_to_floats(pcm)
    whole = samples[: len(samples) // size * size].reshape(-1, size)
    if not len(whole):
        return -90.0
    powers = np.sort((whole**2).mean(axis=1))
    return float(10 * np.log10(max(powers[len(powers) // 2 :].mean(), 1e-9)))
