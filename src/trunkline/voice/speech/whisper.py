"""Local speech to text: Whisper through CTranslate2.

A segment is recognised as a whole, with 10 s of silence behind it instead of the 30 s window that Whisper was
trained on: a quarter of the time. The short window loops now and then ("I want to I want to I want to"), so a
result with a repeated run of four words is done again with the full window (`listen`).
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import ctranslate2
import numpy as np
from tokenizers import Tokenizer

from trunkline.errors import ProviderError
from trunkline.voice.speech.features import RATE, Floats, pcm_to_floats, whisper_features
from trunkline.voice.speech.resample import resample

FULL_WINDOW = 3000
"""Feature frames (10 ms each) that Whisper was trained on."""
PADDING = 1000
"""Frames of silence behind a segment."""

_HINT_TOKENS = 120
"""Of keywords, at most: each takes time to read, and what is read crowds out what is heard."""
_PIECE_SECONDS = 28
_SILENT = 10 ** (-60 / 20)
_NEAR_SILENT = 10 ** (-42 / 20)


class Decoder(Protocol):
    """Features to words: the part of Whisper that `listen` guards."""

    def decode(self, features: Floats, limit: int, keywords: Sequence[str] = ()) -> str:
        """The words of (80, frames), at most `limit` tokens. `keywords`: what may well be among them."""
        ...


class WhisperDecoder:
    """A Whisper model on disk (CTranslate2 format, run in int8)."""

    def __init__(self, folder: Path, language: str = "en", workers: int = 1) -> None:
        """Load the model in `folder`. `workers` segments are decoded at a time, one core each."""
        self._model = ctranslate2.models.Whisper(
            str(folder), device="cpu", compute_type="int8", inter_threads=workers, intra_threads=1
        )
        self._tokens = Tokenizer.from_file(str(folder / "tokenizer.json"))
        prompt = ["<|startoftranscript|>"]
        if self._model.is_multilingual:
            prompt += [f"<|{language}|>", "<|transcribe|>"]
        self._prompt = self._ids([*prompt, "<|notimestamps|>"])

    def decode(self, features: Floats, limit: int, keywords: Sequence[str] = ()) -> str:
        hint = self._hint(keywords)
        view = ctranslate2.StorageView.from_array(np.ascontiguousarray(features[None]))
        [result] = self._model.generate(
            view, [[*hint, *self._prompt]], beam_size=1, max_length=len(hint) + limit
        )
        return str(self._tokens.decode(result.sequences_ids[0], skip_special_tokens=True))

    def _hint(self, keywords: Sequence[str]) -> list[int]:
        """The keywords as if they had been said just before: Whisper spells what follows like what it has read."""
        if not keywords:
            return []
        told = self._tokens.encode(f" {', '.join(keywords)}.", add_special_tokens=False).ids
        return [*self._ids(["<|startofprev|>"]), *told[:_HINT_TOKENS]]

    def _ids(self, names: Sequence[str]) -> list[int]:
        return [found for each in names if (found := self._tokens.token_to_id(each)) is not None]


class LocalWhisper:
    """Fulfils SpeechToText with an English model; it has no partials of its own."""

    has_partials = False

    def __init__(self, decoder: Decoder, pool: ThreadPoolExecutor) -> None:
        self._decoder = decoder
        self._pool = pool

    def open(
        self,
        rate: int,
        language: str,
        on_partial: Callable[[str], None] | None = None,
        keywords: Sequence[str] = (),
    ) -> "WhisperHearing":
        return WhisperHearing(self._decoder, self._pool, rate, language, keywords)

    async def warm(self) -> None:
        silence = np.zeros(RATE // 2, np.float32)
        features = padded(whisper_features(silence), PADDING)
        await asyncio.get_running_loop().run_in_executor(self._pool, self._decoder.decode, features, 4)

    async def close(self) -> None:
        return


class WhisperHearing:
    """Fulfils Hearing: keeps the sound, recognises all of it when asked."""

    def __init__(
        self,
        decoder: Decoder,
        pool: ThreadPoolExecutor,
        rate: int,
        language: str,
        keywords: Sequence[str] = (),
    ) -> None:
        self._decoder = decoder
        self._pool = pool
        self._rate = rate
        self._language = language
        self._keywords = keywords
        self._sound = bytearray()
        self._heard = (0, "")
        self._one = asyncio.Lock()
        self._closed = False

    def push(self, pcm: bytes) -> None:
        self._sound += pcm

    async def words(self) -> str:
        if not self._language.lower().startswith(("en", "multi")):
            raise ProviderError(
                f"The local speech-to-text hears English only, not {self._language!r}. "
                "Set TRUNKLINE_STT_BASE_URL to a service that knows the language."
            )
        async with self._one:
            length, words = self._heard
            sound = bytes(self._sound)
            if len(sound) > length and not self._closed:
                run = asyncio.get_running_loop().run_in_executor
                words = await run(self._pool, self._recognise, sound)
                self._heard = (len(sound), words)
            return words

    async def finish(self) -> str:
        words = await self.words()
        self.close()
        return words

    def close(self) -> None:
        self._closed = True
        self._sound.clear()

    def _recognise(self, sound: bytes) -> str:
        # Nobody waits any more: what queued up in the pool is not worth a decode.
        if self._closed:
            return ""
        audio = pcm_to_floats(resample(sound, self._rate, RATE))
        pieces = [
            audio[at : at + _PIECE_SECONDS * RATE] for at in range(0, len(audio), _PIECE_SECONDS * RATE)
        ]
        return " ".join(words for each in pieces if (words := listen(self._decoder, each, self._keywords)))


def listen(decoder: Decoder, audio: Floats, keywords: Sequence[str] = ()) -> str:
    """The words in `audio` (16 kHz, at most 28 s), guarded against loops and inventions."""
    level = loudest(audio)
    if level < _SILENT:
        return ""
    features = whisper_features(np.concatenate([audio, np.zeros(RATE // 100, np.float32)]))
    # Nobody says more than eight tokens a second; a loop would run to the end of the window.
    limit = int(8 * len(audio) / RATE) + 16
    words = decoder.decode(padded(features, PADDING), limit, keywords)
    if loops_at(words) is not None:
        words = decoder.decode(padded(features, FULL_WINDOW), limit, keywords)
        if (end := loops_at(words)) is not None:
            words = " ".join(words.split()[:end])
    return clean(words, near_silence=level < _NEAR_SILENT)


def padded(features: Floats, padding: int) -> Floats:
    """Zeros on the right: `padding` frames more, an even number, at most the full window."""
    frames = min(FULL_WINDOW, (features.shape[1] + padding) // 2 * 2)
    result = np.zeros((features.shape[0], frames), np.float32)
    kept = min(frames, features.shape[1])
    result[:, :kept] = features[:, :kept]
    return result


def loops_at(text: str, run: int = 4) -> int | None:
    """The word at which a run of four words begins for the second time; None without a loop."""
    words = [word.strip(".,!?").lower() for word in text.split()]
    seen: dict[tuple[str, ...], int] = {}
    for start in range(len(words) - run + 1):
        gram = tuple(words[start : start + run])
        if start - seen.setdefault(gram, start) > 0:
            return start
    return None


_SOUNDS = re.compile(r"\[[^\]]*\]|\([^)]*\)|\*[^*]*\*|[♪♫]|<\|[^|]*\|>")
_INVENTED = frozenset(
    [
        "thank you",
        "thanks",
        "thank you very much",
        "thanks for watching",
        "thank you for watching",
        "you",
        "bye",
        "bye bye",
        "okay",
        "so",
        "oh",
        "the",
    ]
)


def clean(text: str, near_silence: bool) -> str:
    """Without names of sounds ("[BLANK_AUDIO]", "(wind)") and, near silence, without what Whisper invents there."""
    words = " ".join(_SOUNDS.sub(" ", text).split())
    if not any(letter.isalnum() for letter in words):
        return ""
    if near_silence and re.sub(r"[^a-z ]", "", words.lower()).strip() in _INVENTED:
        return ""
    return words


def loudest(audio: Floats) -> float:
    """Root mean square of the loudest 100 ms; 0.0 of nothing."""
    size = RATE // 10
    if len(audio) < size:
        return float(np.sqrt(np.mean(audio**2))) if len(audio) else 0.0
    blocks = audio[: len(audio) // size * size].reshape(-1, size)
    return float(np.sqrt((blocks**2).mean(axis=1).max()))
