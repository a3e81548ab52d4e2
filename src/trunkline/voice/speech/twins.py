"""The in-tree twins of speech: deterministic, instant, without model files.

`ToneVoice` speaks sound that carries its text, `ToneEars` reads it back, `LevelActivity` hears where it is loud,
`FixedTurn` judges as it was told. They pass the same contract suite as the real ones.
"""

from collections.abc import AsyncIterator, Callable, Sequence

import numpy as np

from trunkline.errors import ProviderError
from trunkline.voice.speech import tones
from trunkline.voice.speech.ports import Voice


class ToneVoice:
    """Fulfils TextToSpeech. `fail_on`: a text that contains it raises ProviderError."""

    def __init__(self, rate: int = 24_000, fail_on: str | None = None) -> None:
        self.rate = rate
        self.spoken: list[str] = []
        self._fail_on = fail_on

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        self.spoken.append(text)
        if self._fail_on is not None and self._fail_on in text:
            raise ProviderError(f"ToneVoice was told to fail on {self._fail_on!r}")
        for word in text.split():
            yield tones.speak(word, self.rate)

    async def warm(self) -> None:
        return

    async def close(self) -> None:
        return


class ToneEars:
    """Fulfils SpeechToText. `has_partials`: calls `on_partial` when a word more is heard."""

    def __init__(self, has_partials: bool = False, fail_on: str | None = None) -> None:
        self.has_partials = has_partials
        self.heard: list[str] = []
        self.expected: tuple[str, ...] = ()
        """The keywords of the last segment."""
        self._fail_on = fail_on

    def open(
        self,
        rate: int,
        language: str,
        on_partial: Callable[[str], None] | None = None,
        keywords: Sequence[str] = (),
    ) -> "ToneHearing":
        self.expected = tuple(keywords)
        return ToneHearing(rate, self._take, on_partial if self.has_partials else None)

    def _take(self, words: str) -> None:
        if self._fail_on is not None and self._fail_on in words:
            raise ProviderError(f"ToneEars was told to fail on {self._fail_on!r}")
        self.heard.append(words)

    async def warm(self) -> None:
        return

    async def close(self) -> None:
        return


class ToneHearing:
    """Fulfils Hearing."""

    def __init__(
        self, rate: int, take: Callable[[str], None], on_partial: Callable[[str], None] | None = None
    ) -> None:
        self._rate = rate
        self._take = take
        self._on_partial = on_partial
        self._sound = bytearray()
        self._read = 0
        self._told = ""

    def push(self, pcm: bytes) -> None:
        self._sound += pcm
        # Partials every 200 ms of sound.
        if self._on_partial and len(self._sound) - self._read >= 2 * self._rate // 5:
            self._read = len(self._sound)
            words = tones.hear(bytes(self._sound), self._rate)
            if words != self._told:
                self._told = words
                self._on_partial(words)

    async def words(self) -> str:
        return tones.hear(bytes(self._sound), self._rate)

    async def finish(self) -> str:
        words = await self.words()
        self._take(words)
        self.close()
        return words

    def close(self) -> None:
        self._sound.clear()
        self._on_partial = None


class FixedTurn:
    """Fulfils TurnModel: the probabilities in turn, the last one from then on."""

    def __init__(self, *probabilities: float) -> None:
        self._left = list(probabilities or (0.99,))
        self.judged: list[int] = []
        """Samples it was given, a judgement each."""

    async def complete(self, pcm: bytes, rate: int) -> float:
        self.judged.append(len(pcm) // 2)
        return self._left.pop(0) if len(self._left) > 1 else self._left[0]


class LevelActivity:
    """Fulfils VoiceActivity: 0.98 where a chunk is louder than `threshold` (0..1, root mean square), else 0.02."""

    def __init__(self, threshold: float = 0.01) -> None:
        self._threshold = threshold
        self._free: list[int] = []
        self._count = 0

    def open(self) -> int:
        if self._free:
            return self._free.pop()
        self._count += 1
        return self._count - 1

    def close(self, slot: int) -> None:
        self._free.append(slot)

    def run(self, slots: list[int], chunks: Sequence[bytes]) -> list[float]:
        heard = [np.frombuffer(chunk, "<i2").astype(np.float32) for chunk in chunks]
        power = (self._threshold * 32768.0) ** 2
        return [0.98 if np.dot(each, each) > power * each.size else 0.02 for each in heard]
