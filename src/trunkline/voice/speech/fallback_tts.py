"""Voices that stand in for each other, down to the word.

Where a voice breaks off in the middle of a sentence, the next one goes on after the last whole word that was handed on.
Voices do not say which words a piece of sound holds, so that is estimated from the pace of the sentences before and
put right by the pauses: the end of what came is held back, and the cut is made in the last pause found in it.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, MutableMapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

import numpy as np
import structlog

from trunkline.errors import ProviderError, ProviderTimeout
from trunkline.voice.speech.ports import TextToSpeech, Voice
from trunkline.voice.speech.resample import Resampler
from trunkline.voice.speech.trim import QUIET
from trunkline.voice.standing import Standing

log = structlog.get_logger(__name__)

USUAL_PACE = 0.065
"""Seconds a character (each word with its space) of a voice that has not spoken yet."""
_LEAST_PACE = 0.015
"""Less sound than this for a text is no speech of it."""
_SURE_SECONDS = 0.1
"""So much has to have come before any is handed on: a body of nonsense is short."""
_HELD_SECONDS = 0.5
"""Of the end of what came."""
_WINDOW_SECONDS = 0.005
_LEAST_PAUSE = 3
"""Windows."""
_NEAR_SECONDS = 0.08
"""From where a word should end to a pause that counts as its end: there are pauses within words as well."""


@dataclass(frozen=True)
class SoundBudget:
    """Seconds that a voice has while another could take its place."""

    first: float = 1.5
    """To the first sound."""
    behind: float = 0.6
    """That the sound may come later than it is to be heard: more is a gap in the sentence."""


@dataclass(frozen=True)
class Speaker:
    """One voice of a chain."""

    tts: TextToSpeech
    voice_id: str | None
    """None: the one that is asked for."""
    standing: Standing


class FallbackTextToSpeech:
    """Fulfils TextToSpeech: the first speaker that is well speaks, those after it take over."""

    def __init__(
        self,
        speakers: Sequence[Speaker],
        budget: SoundBudget | None = None,
        paces: MutableMapping[str, float] | None = None,
    ) -> None:
        """`paces`: seconds a character of each speaker, by the name of its standing; learned, and shared by chains."""
        self.rate = speakers[0].tts.rate
        self._speakers = tuple(speakers)
        self._budget = budget or SoundBudget()
        self._paces = {} if paces is None else paces

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        # The sort is stable: those that are well first, each in the order of the chain.
        order = sorted(self._speakers, key=lambda each: not each.standing.up)
        for speaker in order:
            budget = None if speaker is order[-1] else self._budget
            name = speaker.standing.name
            take = Take(text, speaker.tts.rate, self._paces.get(name, USUAL_PACE), budget)
            resampler = Resampler(speaker.tts.rate, self.rate)
            asked = voice if speaker.voice_id is None else replace(voice, id=speaker.voice_id)
            try:
                async with aclosing(take.sound(speaker.tts.speak(text, asked))) as sound:
                    async for pcm in sound:
                        if made := resampler.push(pcm):
                            yield made
                self._paces[name] = take.pace
                if made := resampler.finish():
                    yield made
                return
            except ProviderError as error:
                speaker.standing.failed(error)
                if made := resampler.push(take.spoken()) + resampler.finish():
                    yield made
                text = take.unspoken
                if not text:
                    return
                if budget is None:
                    raise

    async def warm(self) -> None:
        for speaker in self._speakers:
            await speaker.tts.warm()

    async def close(self) -> None:
        """Nothing: the speakers are shared with other chains."""


class Take:
    """One voice's attempt at a text."""

    def __init__(self, text: str, rate: int, pace: float, budget: SoundBudget | None) -> None:
        self._words = text.split()
        self._rate = rate
        self._pace = pace
        self._budget = budget
        self._handed = 0
        """Bytes."""
        self._held = bytearray()
        self.unspoken = text
        """What another has to say, once `spoken` was asked for."""

    @property
    def pace(self) -> float:
        """Seconds a character, of the whole sentence."""
        return self._seconds / max(1, sum(map(_weight, self._words)))

    @property
    def _seconds(self) -> float:
        return (self._handed + len(self._held)) / 2 / self._rate

    async def sound(self, stream: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        """The voice's sound, its end held back until it is whole. Raises ProviderError."""
        async with aclosing(self._punctual(stream)) as pieces:
            async for piece in pieces:
                self._held += piece
                if made := self._ready():
                    yield made
        if self.pace < _LEAST_PACE:
            raise ProviderError("The text-to-speech gave less sound than the text has words")
        rest = bytes(self._held)
        self._held.clear()
        self._handed += len(rest)
        yield rest

    def spoken(self) -> bytes:
        """After a fault: of the sound that was held, what ends with a whole word. Sets `unspoken`."""
        if not self._handed:
            self._held.clear()  # nobody has heard anything: the other voice says it all
            return b""
        ends = self._word_ends()
        total = self._handed + len(self._held)
        pauses = self._handed + np.array(_pauses(bytes(self._held), self._rate), dtype=np.float64)
        near = pauses[
            np.abs(pauses[:, None] - ends).min(axis=1, initial=np.inf) <= _NEAR_SECONDS * self._rate * 2
        ]
        if len(near):
            cut = int(near[-1])
            count = int(np.abs(ends - cut).argmin())
        else:
            # None to be found between two words: up to the last word that should be over by now.
            space = self._pace * self._rate * 2  # the last character of a word makes no sound
            count = int(np.searchsorted(ends[1:] - space, total, side="right"))
            cut = min(max(int(ends[count]), self._handed), total)
        self.unspoken = " ".join(self._words[count:])
        kept = bytes(self._held[: (cut - self._handed) // 2 * 2])
        self._held.clear()
        return kept

    def _word_ends(self) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        """Bytes from the beginning to the end of no word, the first word, the first two …"""
        weights = np.array([0, *map(_weight, self._words)], dtype=np.float64)
        return np.cumsum(weights) * self._pace * self._rate * 2

    def _ready(self) -> bytes:
        """What may be handed on: at the beginning as soon as it is surely speech, later all but the end."""
        sure, end = (int(seconds * self._rate) * 2 for seconds in (_SURE_SECONDS, _HELD_SECONDS))
        most = len(self._held) if not self._handed else len(self._held) - end
        if most < sure:
            return b""
        made = bytes(self._held[: most // 2 * 2])
        del self._held[: len(made)]
        self._handed += len(made)
        return made

    async def _punctual(self, stream: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        """The stream's pieces. Raises ProviderTimeout when one comes later than it is to be heard."""
        loop = asyncio.get_running_loop()
        began: float | None = None
        due = None if self._budget is None else loop.time() + self._budget.first
        try:
            while True:
                try:
                    async with asyncio.timeout_at(due):
                        piece = await anext(stream)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    raise ProviderTimeout("The text-to-speech is slower than speech") from None
                if began is None:
                    began = loop.time()
                yield piece
                if self._budget is not None:
                    due = began + self._seconds + self._budget.behind
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()


def _weight(word: str) -> int:
    return len(word) + 1


def _pauses(pcm: bytes, rate: int) -> list[int]:
    """Bytes to the middle of each pause."""
    size = int(_WINDOW_SECONDS * rate)
    audio = np.abs(np.frombuffer(pcm, "<i2").astype(np.float32) / 32768.0)
    quiet = audio[: len(audio) // size * size].reshape(-1, size).max(axis=1, initial=0.0) < QUIET
    edges = np.flatnonzero(np.diff(np.concatenate(([False], quiet, [False])).astype(np.int8)))
    return [
        int(begin + end) // 2 * size * 2
        for begin, end in zip(edges[::2], edges[1::2], strict=True)
        if end - begin >= _LEAST_PAUSE
    ]
