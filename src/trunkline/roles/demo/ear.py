"""When does the other side speak? Told from the energy of clean sound, to one frame of 20 ms."""

import numpy as np

FRAME_MS = 20
VOICED_RMS = 150.0
"""About -47 dBFS: above the noise of G.711, below the quietest end of a spoken word."""


def voiced(frame: bytes) -> bool:
    """Whether a frame of s16le PCM holds voice."""
    samples = np.frombuffer(frame, dtype=np.int16).astype(np.float64)
    return bool(samples.size) and float(np.sqrt(np.mean(samples * samples))) > VOICED_RMS


def trimmed(pcm: bytes, rate: int) -> bytes:
    """The same speech in whole frames, without unvoiced ones at either end; so its last frame is voiced."""
    size = frame_bytes(rate)
    frames = [pcm[at : at + size] for at in range(0, len(pcm) - size + 1, size)]
    marks = [at for at, frame in enumerate(frames) if voiced(frame)]
    return b"".join(frames[marks[0] : marks[-1] + 1]) if marks else b""


def frame_bytes(rate: int) -> int:
    """Bytes of 20 ms of mono s16le PCM."""
    return rate * FRAME_MS // 1000 * 2


class Ear:
    """Takes sound as it arrives and remembers when it held voice. Times are seconds of the caller's clock."""

    def __init__(self, rate: int) -> None:
        self._size = frame_bytes(rate)
        self._rest = b""
        self._voiced_at: list[float] = []

    def listen(self, pcm: bytes, now: float) -> None:
        """Sound whose last sample arrived at `now`."""
        sound = self._rest + pcm
        whole = len(sound) // self._size
        for at in range(whole):
            if voiced(sound[at * self._size : (at + 1) * self._size]):
                later_bytes = len(sound) - (at + 1) * self._size
                self._voiced_at.append(now - later_bytes / self._size * FRAME_MS / 1000)
        self._rest = sound[whole * self._size :]

    def first_after(self, moment: float) -> float | None:
        """When voice was heard first after a moment: the start of its first frame."""
        starts = (at - FRAME_MS / 1000 for at in self._voiced_at)
        return next((at for at in starts if at > moment), None)

    def last_before(self, moment: float) -> float | None:
        """When voice was heard last before a moment: the end of its last frame."""
        return next((at for at in reversed(self._voiced_at) if at < moment), None)

    def voiced_since(self, moment: float) -> float:
        """Seconds of voice heard since a moment."""
        return sum(1 for at in self._voiced_at if at > moment) * FRAME_MS / 1000
