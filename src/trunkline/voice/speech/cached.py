"""Speech whose answers are kept by the content of what was asked: the same sound has the same words, and the reverse."""

import base64
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict

from trunkline.voice.answers import Answers, Item, digest
from trunkline.voice.speech.ports import Hearing, SpeechToText, TextToSpeech, TurnModel, Voice


class CachedTextToSpeech:
    """Fulfils TextToSpeech."""

    def __init__(self, inner: TextToSpeech, answers: Answers, made_by: str) -> None:
        """`made_by`: the service and its model; another one's sound is another answer."""
        self._inner = inner
        self._answers = answers
        self._made_by = made_by
        self.rate = inner.rate

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        name = digest("speak", self._made_by, self.rate, text, asdict(voice))
        items = self._answers.items(name, lambda: _sound(self._inner.speak(text, voice)))
        async with aclosing(items):
            async for item in items:
                yield base64.b64decode(item["pcm"])

    async def warm(self) -> None:
        """Nothing: the sound may be kept, and warming would ask the provider."""

    async def close(self) -> None:
        await self._answers.close()
        await self._inner.close()


class CachedSpeechToText:
    """Fulfils SpeechToText. It offers no words by itself: what they are depends on the provider's pace."""

    has_partials = False

    def __init__(self, inner: SpeechToText, answers: Answers, made_by: str) -> None:
        self._inner = inner
        self._answers = answers
        self._made_by = made_by

    def open(
        self,
        rate: int,
        language: str,
        on_partial: Callable[[str], None] | None = None,
        keywords: Sequence[str] = (),
    ) -> Hearing:
        question = (self._made_by, rate, language, list(keywords))
        return _Kept(self._answers, question, lambda: self._inner.open(rate, language, None, keywords))

    async def warm(self) -> None:
        """Nothing: the words may be kept, and warming would ask the provider."""

    async def close(self) -> None:
        await self._answers.close()
        await self._inner.close()


class _Kept:
    """Fulfils Hearing: keeps the sound; the provider hears it when its words are not kept."""

    def __init__(self, answers: Answers, question: tuple[object, ...], listen: Callable[[], Hearing]) -> None:
        self._answers = answers
        self._question = question
        self._listen = listen
        self._sound = bytearray()

    def push(self, pcm: bytes) -> None:
        self._sound += pcm

    async def words(self) -> str:
        return await self._ask("words")

    async def finish(self) -> str:
        return await self._ask("finish")

    def close(self) -> None:
        self._sound = bytearray()

    async def _ask(self, what: str) -> str:
        pcm = bytes(self._sound)

        async def ask() -> AsyncIterator[Item]:
            # A segment of its own each time: the question goes on when the caller of this one has closed.
            hearing = self._listen()
            try:
                hearing.push(pcm)
                yield {"text": await (hearing.words() if what == "words" else hearing.finish())}
            finally:
                hearing.close()

        item = await self._answers.one(digest(what, *self._question, pcm), ask)
        return str(item["text"])


class CachedTurnModel:
    """Fulfils TurnModel."""

    def __init__(self, inner: TurnModel, answers: Answers, made_by: str) -> None:
        self._inner = inner
        self._answers = answers
        self._made_by = made_by

    async def complete(self, pcm: bytes, rate: int) -> float:
        async def ask() -> AsyncIterator[Item]:
            yield {"probability": await self._inner.complete(pcm, rate)}

        item = await self._answers.one(digest("turn", self._made_by, rate, pcm), ask)
        return float(item["probability"])


async def _sound(pieces: AsyncIterator[bytes]) -> AsyncIterator[Item]:
    async for pcm in pieces:
        yield {"pcm": base64.b64encode(pcm).decode()}
