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
INTERRUPTIONS = (
    "Actually, I would like to ask something else.",
    "No wait, that is not what I meant.",
    "Hold on, what about Sunday?",
    "Stop please, I need something else.",
)
"""The last begins with a hiss that no voice-activity model takes for voice at once, as callers' words do."""


def _trimmed(ulaw: bytes) -> bytes:
    """Without packets of doubt at either end (breath, a released stop): where speech begins and ends is the measure."""
    packets = mulaw.packets(ulaw)
    sure = [index for index, packet in enumerate(packets) if _magnitude(packet) >= 2 * mulaw.VOICED_LEVEL]
    return b"".join(packets[sure[0] : sure[-1] + 1])


def _magnitude(packet: bytes) -> float:
    return float(np.abs(np.frombuffer(mulaw.decode(packet), "<i2").astype(np.int32)).mean())


async def _speak(texts: tuple[str, ...]) -> list[bytes]:
    with ThreadPoolExecutor(1) as pool:
        tts = LocalVoice(pool)
        spoken: list[bytes] = []
        for text in texts:
            pcm = b"".join([piece async for piece in tts.speak(text, Voice())])
            down = Resampler(tts.rate, 8000)
            spoken.append(_trimmed(mulaw.encode(down.push(pcm) + down.finish())))
        await tts.close()
    return spoken


def utterances(texts: tuple[str, ...] = QUESTIONS) -> list[bytes]:
    """mu-law of each text."""
    return asyncio.run(_speak(texts))
