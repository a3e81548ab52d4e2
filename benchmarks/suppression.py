"""Figures of noise suppression: the local recogniser's word errors in steady noise, with and without it.

The half of the sentences that nothing was tuned on, the local voice in two ways each. Each is a new call: a segment as
the conversation opens it, with 320 ms of the line before the voice.
"""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks import mulaw
from benchmarks.figures import Figure
from benchmarks.said import OPEN
from benchmarks.sounds import FRAME, spoken
from trunkline.voice.conversation.turns import words_of
from trunkline.voice.speech.noises import RATE, at_level, steady_noise
from trunkline.voice.speech.ports import SpeechToText
from trunkline.voice.speech.suppression import SuppressedEars
from trunkline.voice.speech.whisper import LocalWhisper, WhisperDecoder

_LEVEL = -22.0
_SNRS = (45, 15, 10, 5, 0)
"""dB; 45 is what passes for clean."""
_DEPTHS = (8.0, 12.0)
"""dB: what `standard` and `advanced` ask for."""
_LEAD = 16 * FRAME
_FIRST = 20 * FRAME * 2
"""Bytes of what a segment opens with: 320 ms of the line, and the voice until it was noticed."""
_VOICES = ((0.95, 1.0), (1.1, 0.8), (1.0, 1.15))


def measure(models: Path) -> Iterator[Figure]:
    """Word errors by noise and depth."""
    with ThreadPoolExecutor(2) as pool:
        stt = LocalWhisper(WhisperDecoder(models / "stt-tiny.en"), pool)
        yield from asyncio.run(_figures(stt))


def _reported() -> list[str]:
    """Digits and their spelling would count as errors: those sentences are left out."""
    plain = [each.replace("| ", "") for each in OPEN if "number" not in each and "two" not in each]
    return plain[:24][1::2]


async def _figures(stt: SpeechToText) -> list[Figure]:
    said = [(text, voice) for at, text in enumerate(_reported()) for voice in (at % 3, (at + 1) % 3)]
    figures = []
    for snr in _SNRS:
        sounds = [(text, _sound(text, *_VOICES[voice], snr, at)) for at, (text, voice) in enumerate(said)]
        plain = await _errors(stt, None, sounds)
        for depth in _DEPTHS:
            how = f"{len(sounds)} sentences of the local voice, local recogniser; without it {plain:.1f} %"
            errors = await _errors(stt, depth, sounds)
            figures.append(Figure(f"word_errors_at_{snr}_db_less_{depth:.0f}_db", errors, "%", None, how))
    return figures


def _sound(text: str, speed: float, pitch: float, snr: float, seed: int) -> bytes:
    """A segment of a call."""
    voice = at_level(spoken(text, speed, pitch), _LEVEL)
    line = np.concatenate([np.zeros(_LEAD, np.float32), voice, np.zeros(RATE // 2, np.float32)])
    line += at_level(steady_noise(len(line), np.random.default_rng(seed)), _LEVEL - snr)
    return mulaw.decode(mulaw.encode(np.clip(line * 32768, -32768, 32767).astype("<i2").tobytes()))


async def _errors(stt: SpeechToText, depth: float | None, sounds: Sequence[tuple[str, bytes]]) -> float:
    """Percent of the words, over all sounds; each is heard by ears that know nothing yet."""
    heard = await asyncio.gather(
        *(_words(stt if depth is None else SuppressedEars(stt, depth), pcm) for _, pcm in sounds)
    )
    said = [words_of(text) for text, _ in sounds]
    wrong = sum(_apart(one, words_of(other)) for one, other in zip(said, heard, strict=True))
    return 100 * wrong / sum(map(len, said))


async def _words(ears: SpeechToText, pcm: bytes) -> str:
    hearing = ears.open(RATE, "en-US")
    hearing.push(pcm[:_FIRST])
    for at in range(_FIRST, len(pcm), FRAME * 2):
        hearing.push(pcm[at : at + FRAME * 2])
    return await hearing.finish()


def _apart(said: Sequence[str], heard: Sequence[str]) -> int:
    """Words to change, leave out or put in (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for at, word in enumerate(said, 1):
        before, row[0] = row[0], at
        for place, other in enumerate(heard, 1):
            change = before + (word != other)
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, change)
    return row[-1]
