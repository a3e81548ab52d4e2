"""What the measuring callers say: real synthesised speech as mu-law at 8 kHz."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks import mulaw
from trunkline.voice.speech.hibari import LocalVoice
from trunkline.voice.speech.ports import Voice
from trunkline.voice.speech.resample import Resampler

QUESTIONS = (
    "What are your opening hours on Saturday?",
    "Do you have parking at the clinic?",
    "How much does a check up cost?",
)
INTERRUPTION = "Stop please, I would like to ask something else."


def _trimmed(pcm: bytes) -> bytes:
    """Without silence at either end, so that the first and the last packet are voiced."""
    samples = np.frombuffer(pcm, "<i2")
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 400)
    return samples[loud[0] : loud[-1] + 1].tobytes()


async def _speak(texts: tuple[str, ...]) -> list[bytes]:
    with ThreadPoolExecutor(1) as pool:
        tts = LocalVoice(pool)
        spoken: list[bytes] = []
        for text in texts:
            pcm = b"".join([piece async for piece in tts.speak(text, Voice())])
            down = Resampler(tts.rate, 8000)
            spoken.append(mulaw.encode(_trimmed(down.push(pcm) + down.finish())))
        await tts.close()
    return spoken


def utterances(texts: tuple[str, ...] = QUESTIONS) -> list[bytes]:
    """mu-law of each text."""
    return asyncio.run(_speak(texts))
