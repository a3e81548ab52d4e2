"""Has the caller finished? Smart Turn, an audio classifier over the last 8 s."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from trunkline.errors import ProviderError
from trunkline.voice.onnx import single_thread_session
from trunkline.voice.speech.features import RATE, pcm_to_floats, turn_features
from trunkline.voice.speech.resample import resample

_SECONDS = 8
_MOST_WAITING = 4
"""A verdict that comes later than the floors allow is no use, and each takes a tenth of a second of a slow core."""


class SmartTurn:
    """Fulfils TurnModel. A decision costs 30 to 80 ms of a core, so it runs in the pool."""

    def __init__(self, model: Path, pool: ThreadPoolExecutor) -> None:
        """Load `model` (smart-turn-v3.2-cpu.onnx)."""
        self._session = single_thread_session(model)
        self._pool = pool
        self._waiting = 0

    async def complete(self, pcm: bytes, rate: int) -> float:
        if self._waiting >= _MOST_WAITING:
            raise ProviderError("the turn model has more to judge than it can; the text and the pause decide")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self.judge, pcm, rate)
        finally:
            self._waiting -= 1

    def judge(self, pcm: bytes, rate: int) -> float:
        """The same, at once and in this thread."""
        last = pcm[-2 * _SECONDS * rate :]
        features = turn_features(pcm_to_floats(resample(last, rate, RATE)))
        # The output is named logits but is a probability already.
        [[[probability]]] = self._session.run(None, {"input_features": features[None]})
        return float(probability)
