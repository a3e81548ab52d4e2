"""Sound on its way out of a persona that no model plays."""

from trunkline.voice.conversation.events import TICK_MS


class Mouth:
    """Sound on its way out, a frame a tick."""

    def __init__(self, rate: int) -> None:
        self._frame = rate * TICK_MS // 1000 * 2
        self._pcm = bytearray()

    @property
    def speaks(self) -> bool:
        """Is there more to come?"""
        return bool(self._pcm)

    def say(self, pcm: bytes) -> None:
        """After what is being said."""
        self._pcm += pcm.ljust(-(-len(pcm) // self._frame) * self._frame, b"\0")

    def pause(self, ms: int) -> None:
        """Silence, after what is being said."""
        self._pcm += bytes(ms // TICK_MS * self._frame)

    def stop(self) -> None:
        """Say no more."""
        self._pcm.clear()

    def tick(self) -> bytes:
        """The next 20 ms; nothing when silent."""
        frame = bytes(self._pcm[: self._frame])
        del self._pcm[: self._frame]
        return frame
