"""Has the caller finished? Smart Turn, an audio classifier over the last 8 s."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from trunkline.voice.speech.features import RATE, pcm_to_floats, turn_features
from trunkline.voice.speech.onnx import single_thread_session
from trunkline.voice.speech.resample import resample

_SECONDS = 8


class SmartTurn:
    """Fulfils TurnModel. A decision costs 30 to 80 ms of a core, so it runs in the pool."""

    def __init__(self, model: Path, pool: ThreadPoolExecutor) -> None:
        """Load `model` (smart-turn-v3.2-cpu.onnx)."""
        self._session = single_thread_session(model)
        self._pool = pool

    async def complete(self, pcm: bytes, rate: int) -> float:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._judge, pcm, rate)

    def _judge(self, pcm: bytes, rate: int) -> float:
        last = pcm[-2 * _SECONDS * rate :]
        features = turn_features(pcm_to_floats(resample(last, rate, RATE)))
        # The output is named logits but is a probability already.
        [[[probability]]] = self._session.run(None, {"input_features": features[None]})
        return float(probability)
