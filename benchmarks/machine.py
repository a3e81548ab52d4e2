"""How fast the machine is, so that the other figures can be read on another one. CPU time, one thread."""

import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure
from trunkline.voice.speech.turn import SmartTurn
from trunkline.voice.speech.vad import CHUNK, SileroVad

_RUNS = 15


def measure(models: Path) -> Iterator[Figure]:
    """What one decision of the turn model and one batch of the voice-activity model cost here."""
    sound = np.random.default_rng(1).normal(0, 2000, 8 * 8000).astype("<i2").tobytes()
    with ThreadPoolExecutor(1) as pool:
        turn = SmartTurn(models / "turn" / "smart-turn-v3.2-cpu.onnx", pool)
        spent = [pool.submit(_cpu_ms, turn, sound).result() for _ in range(_RUNS)]
    how = f"median of {_RUNS}; the machine of the published figures took 30"
    yield Figure("machine_turn_decision_cpu", statistics.median(spent), "ms", None, how)
    vad = SileroVad(models / "vad" / "silero_vad.onnx")
    slots = [vad.open() for _ in range(62)]
    batches = []
    for _ in range(_RUNS):
        began = time.thread_time()
        vad.run(slots, [sound[: 2 * CHUNK]] * len(slots))
        batches.append((time.thread_time() - began) * 1000)
    yield Figure("machine_vad_batch_of_62_cpu", statistics.median(batches), "ms", None, f"median of {_RUNS}")


def _cpu_ms(turn: SmartTurn, sound: bytes) -> float:
    began = time.thread_time()
    turn.judge(sound, 8000)
    return (time.thread_time() - began) * 1000
