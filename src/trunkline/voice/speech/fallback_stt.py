"""Ears that stand in for each other: a segment's sound is kept, so the next one hears all of it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trunkline.errors import ProviderError, ProviderTimeout
from trunkline.voice.speech.ports import Hearing, SpeechToText
from trunkline.voice.standing import Standing

FINAL_SECONDS = 1.5
"""From the end of a segment to its words, while another could hear it."""
_ASKED_EVERY = 0.3
"""Seconds of sound after which one without partials is asked, where the first of the chain has them."""


@dataclass(frozen=True)
class Listener:
    """One of a chain."""

    stt: SpeechToText
    standing: Standing


class FallbackSpeechToText:
    """Fulfils SpeechToText: the first listener that is well hears, those after it take over."""

    def __init__(self, listeners: Sequence[Listener], final_seconds: float = FINAL_SECONDS) -> None:
        self.has_partials = listeners[0].stt.has_partials
        self._listeners = tuple(listeners)
        self._final_seconds = final_seconds

    def open(
        self,
        rate: int,
        language: str,
        on_partial: Callable[[str], None] | None = None,
        keywords: Sequence[str] = (),
    ) -> "FallbackHearing":
        order = sorted(self._listeners, key=lambda each: not each.standing.up)

        def begin(stt: SpeechToText, told: Callable[[str], None] | None) -> Hearing:
            return stt.open(rate, language, told, keywords)

        return FallbackHearing(
            order, begin, rate, on_partial if self.has_partials else None, self._final_seconds
        )

    async def warm(self) -> None:
        for each in self._listeners:
            await each.stt.warm()

    async def close(self) -> None:
        """Nothing: the listeners are shared with other chains."""


class FallbackHearing:
    """Fulfils Hearing."""

    def __init__(
        self,
        listeners: Sequence[Listener],
        begin: Callable[[SpeechToText, Callable[[str], None] | None], Hearing],
        rate: int,
        on_partial: Callable[[str], None] | None,
        final_seconds: float,
    ) -> None:
        self._left = list(listeners)
        self._begin = begin
        self._rate = rate
        self._on_partial = on_partial
        self._final_seconds = final_seconds
        self._sound = bytearray()
        self._asking: asyncio.Task[None] | None = None
        self._asked = 0
        """Bytes that had come when it was asked last."""
        self._now: Listener
        self._hearing: Hearing
        self._take()

    def push(self, pcm: bytes) -> None:
        self._sound += pcm
        try:
            self._hearing.push(pcm)
        except ProviderError as error:
            self._pass_on(error)
        self._ask()

    async def words(self) -> str:
        while True:
            hearing = self._hearing
            try:
                return await hearing.words()
            except ProviderError as error:
                if hearing is self._hearing:  # otherwise it was given up meanwhile
                    self._pass_on(error)

    async def finish(self) -> str:
        while True:
            try:
                if not self._left:
                    return await self._hearing.finish()
                async with asyncio.timeout(self._final_seconds):
                    return await self._hearing.finish()
            except TimeoutError:
                self._pass_on(ProviderTimeout("The speech-to-text took longer than its budget"))
            except ProviderError as error:
                self._pass_on(error)

    def close(self) -> None:
        self._hearing.close()
        if self._asking is not None:
            self._asking.cancel()

    def _take(self) -> None:
        """Let the next one hear what there is. Raises the fault of the last."""
        while True:
            self._now = self._left.pop(0)
            told = self._on_partial if self._now.stt.has_partials else None
            try:
                self._hearing = self._begin(self._now.stt, told)
                if self._sound:
                    self._hearing.push(bytes(self._sound))
                return
            except ProviderError as error:
                self._now.standing.failed(error)
                if not self._left:
                    raise

    def _pass_on(self, error: ProviderError) -> None:
        self._now.standing.failed(error)
        self._hearing.close()
        if not self._left:
            raise error
        self._take()

    def _ask(self) -> None:
        """Partial words from one that tells none by itself."""
        if self._on_partial is None or self._now.stt.has_partials:
            return
        busy = self._asking is not None and not self._asking.done()
        if not busy and len(self._sound) - self._asked >= _ASKED_EVERY * self._rate * 2:
            self._asked = len(self._sound)
            self._asking = asyncio.create_task(self._tell(self._on_partial), name="ask for words")

    async def _tell(self, on_partial: Callable[[str], None]) -> None:
        try:
            on_partial(await self.words())
        except ProviderError:
            return  # with the last one: the end of the segment says so
