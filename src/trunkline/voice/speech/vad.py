"""Voice activity by Silero VAD: one session, all calls in one batch."""

from pathlib import Path

import numpy as np

from trunkline.voice.onnx import single_thread_session

RATE = 8_000
CHUNK = 256
"""Samples a call hears at a time: 32 ms."""

_CONTEXT = 32
_STATE = 128


class SileroVad:
    """Fulfils VoiceActivity. Not thread-safe: it belongs to the beat."""

    def __init__(self, model: Path) -> None:
        """Load `model` (silero_vad.onnx)."""
        self._session = single_thread_session(model)
        self._rate = np.array(RATE, np.int64)
        self._state = np.zeros((2, 8, _STATE), np.float32)
        self._context = np.zeros((8, _CONTEXT), np.float32)
        self._free = list(range(7, -1, -1))

    def open(self) -> int:
        if not self._free:
            self._grow()
        slot = self._free.pop()
        self._state[:, slot] = 0.0
        self._context[slot] = 0.0
        return slot

    def close(self, slot: int) -> None:
        self._free.append(slot)

    def run(self, slots: list[int], chunks: list[bytes]) -> list[float]:
        if not slots:
            return []
        heard = np.frombuffer(b"".join(chunks), "<i2").reshape(len(slots), CHUNK).astype(np.float32) / 32768.0
        inputs = {
            "input": np.concatenate([self._context[slots], heard], axis=1),
            "state": self._state[:, slots],
            "sr": self._rate,
        }
        probabilities, state = self._session.run(None, inputs)
        self._state[:, slots] = state
        self._context[slots] = heard[:, -_CONTEXT:]
        return [float(each) for each in probabilities[:, 0]]

    def _grow(self) -> None:
        size = len(self._context)
        self._free.extend(range(2 * size - 1, size - 1, -1))
        self._state = np.concatenate([self._state, np.zeros_like(self._state)], axis=1)
        self._context = np.concatenate([self._context, np.zeros_like(self._context)])
