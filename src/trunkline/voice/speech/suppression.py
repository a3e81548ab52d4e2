"""Noise suppression for a recogniser: steady noise of the caller's place taken down, frame by frame.

Each band's noise is followed by its minimum over the last second and a half; a band is turned down the more it is
made of noise (a Wiener gain by decision-directed estimates, Ephraim and Malah 1984), and never below a floor, or
what is left sounds like water. A recogniser hears a voice that stands well out of its noise better as it came, so
the floor rises to 1 there. Only the recogniser is served: a voice-activity model takes what is left of babble for
voice more often than the babble itself.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from trunkline.voice.speech.ports import Hearing, SpeechToText

_Floats = NDArray[np.float32]

_SMOOTH = 0.8
"""Of the power that minima are looked for in."""
_BLOCK_FRAMES, _BLOCKS = 15, 5
"""Minima are kept for five blocks of 300 ms."""
_BIAS = 1.6
"""Minima lie so far below the mean of the noise."""
_CARRY = 0.96
"""Share of the frame before in the estimate of what is voice: less makes the rest twitter."""
_FORGET = 0.995
"""Of the loudest that was heard, a frame: half is forgotten in 3 s."""
_NOISY, _CLEAR = 10 ** (15 / 10), 10 ** (18 / 10)
"""Loudest over noise: up to the first the suppression is whole, from the second on there is none."""


class Place:
    """What is known of the noise where a caller is, and how far the voice stands out of it."""

    def __init__(self, bands: int) -> None:
        self._minima: _Floats = np.full((_BLOCKS, bands), np.inf, np.float32)
        self._frames = 0
        self._loudest = 0.0

    @property
    def is_new(self) -> bool:
        """Nothing was heard of it yet."""
        return self._frames == 0

    def hear(self, power: _Floats) -> _Floats:
        """A frame's smoothed power in each band; answers the noise's."""
        if self._frames % _BLOCK_FRAMES == 0:
            self._minima = np.roll(self._minima, 1, axis=0)
            self._minima[0] = np.inf
        self._frames += 1
        np.minimum(self._minima[0], power, out=self._minima[0])
        self._loudest = max(float(power.sum()), self._loudest * _FORGET)
        noise: _Floats = self._minima.min(axis=0) * np.float32(_BIAS) + np.float32(1.0)
        return noise

    def need(self, noise: _Floats) -> float:
        """How much suppression it wants: 1 all there is, 0 none."""
        over = min(max(self._loudest / float(noise.sum()), _NOISY), _CLEAR)
        return float(np.log(_CLEAR / over) / np.log(_CLEAR / _NOISY))


class Suppressor:
    """Works on one stretch of sound: frames of 20 ms of s16le PCM, each answered a frame later."""

    def __init__(self, rate: int, depth: float, place: Place | None = None) -> None:
        """`depth`: the most that a band is turned down by, in dB, such as 12. `place`: what is known of it."""
        self._size = rate // 50
        self.frame_bytes = self._size * 2
        self._depth = depth
        self.place = place or Place(self._size + 1)
        self._window: _Floats = np.sqrt(np.hanning(2 * self._size + 1)[:-1]).astype(np.float32)
        self._restart()

    def _restart(self) -> None:
        self._before: _Floats = np.zeros(self._size, np.float32)
        self._tail: _Floats = np.zeros(self._size, np.float32)
        self._power: _Floats | None = None
        self._voice: _Floats = np.zeros(self._size + 1, np.float32)

    def learn(self, frames: Sequence[bytes]) -> None:
        """Get to know the place from what will be pushed at once, so that its first frame is served as well."""
        for frame in frames[1:]:  # half of the first window is silence that was not there
            self._noise(self._spectrum(frame))
        self._restart()

    def push(self, frame: bytes) -> bytes:
        """20 ms in, the 20 ms before it out."""
        spectrum = self._spectrum(frame)
        made = np.fft.irfft(spectrum * self._gain(spectrum)).astype(np.float32) * self._window
        out = self._tail + made[: self._size]
        self._tail = made[self._size :]
        pcm: bytes = np.clip(np.rint(out), -32768, 32767).astype("<i2").tobytes()
        return pcm

    def _spectrum(self, frame: bytes) -> NDArray[np.complex128]:
        samples = np.frombuffer(frame, "<i2").astype(np.float32)
        both = np.concatenate((self._before, samples))
        self._before = samples
        spectrum: NDArray[np.complex128] = np.fft.rfft(both * self._window)
        return spectrum

    def _gain(self, spectrum: NDArray[np.complex128]) -> _Floats:
        power, noise = self._noise(spectrum)
        estimate = _CARRY * self._voice / noise + (1 - _CARRY) * np.maximum(power / noise - 1.0, 0.0)
        floor = 10 ** (-self._depth * self.place.need(noise) / 20)
        gain: _Floats = np.maximum(estimate / (1.0 + estimate), floor).astype(np.float32)
        self._voice = gain * gain * power
        return gain

    def _noise(self, spectrum: NDArray[np.complex128]) -> tuple[_Floats, _Floats]:
        """The power of each band, and that of its noise."""
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        smooth = power if self._power is None else _SMOOTH * self._power + (1 - _SMOOTH) * power
        self._power = smooth
        return power, self.place.hear(smooth)


class SuppressedEars:
    """Fulfils SpeechToText for one call: the same recogniser, with less noise to hear."""

    def __init__(self, stt: SpeechToText, depth: float) -> None:
        """`depth`: dB, as of Suppressor."""
        self._stt = stt
        self._depth = depth
        self._places: dict[int, Place] = {}
        self.has_partials = stt.has_partials

    def open(
        self,
        rate: int,
        language: str,
        on_partial: Callable[[str], None] | None = None,
        keywords: Sequence[str] = (),
    ) -> "SuppressedHearing":
        suppressor = Suppressor(rate, self._depth, self._places.get(rate))
        self._places[rate] = suppressor.place
        return SuppressedHearing(self._stt.open(rate, language, on_partial, keywords), suppressor)

    async def warm(self) -> None:
        await self._stt.warm()

    async def close(self) -> None:
        await self._stt.close()


class SuppressedHearing:
    """Fulfils Hearing. Costs some 90 microseconds for each 20 ms, where it is pushed."""

    def __init__(self, hearing: Hearing, suppressor: Suppressor) -> None:
        self._hearing = hearing
        self._suppressor = suppressor
        self._rest = b""
        self._begun = False

    def push(self, pcm: bytes) -> None:
        sound, size = self._rest + pcm, self._suppressor.frame_bytes
        whole = len(sound) // size * size
        self._rest = sound[whole:]
        frames = [sound[at : at + size] for at in range(0, whole, size)]
        if frames and self._suppressor.place.is_new:
            self._suppressor.learn(frames)
        made = [self._suppressor.push(frame) for frame in frames]
        if made and not self._begun:
            self._begun = True
            del made[0]  # what was before the first
        if made:
            self._hearing.push(b"".join(made))

    async def words(self) -> str:
        return await self._hearing.words()

    async def finish(self) -> str:
        size = self._suppressor.frame_bytes
        if self._rest:
            self.push(bytes(size - len(self._rest)))
        if self._begun:
            self.push(bytes(size))  # brings out the last frame
        return await self._hearing.finish()

    def close(self) -> None:
        self._hearing.close()
