"""Local text to speech: hibari, one American voice at 24 kHz, about 30 ms of a core a sentence."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING

from trunkline.errors import ProviderError
from trunkline.voice.speech.features import floats_to_pcm
from trunkline.voice.speech.ports import Voice
from trunkline.voice.speech.trim import HeadTrim, trim_tail

if TYPE_CHECKING:
    from hibari import Hibari

_TAIL_SECONDS = 0.2
"""Silence left behind a sentence: the pause to the next one. The voice itself leaves up to half a second."""
_WARM_UP = "Hello from Zzyqx."
"""The odd word loads the model that guesses the sound of unknown words."""


class LocalVoice:
    """Fulfils TextToSpeech. One instance serves all calls: the model's session may be run from many threads."""

    rate = 24_000

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._loading = Lock()
        self._loaded: Hibari | None = None

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        if not voice.language.lower().startswith(("en", "multi")):
            raise ProviderError(
                f"The local voice speaks English only, not {voice.language!r}. "
                "Set TRUNKLINE_TTS_BASE_URL to a service that knows the language."
            )
        run = asyncio.get_running_loop().run_in_executor
        sentences = await run(self._pool, self._begin, text, voice.speed)
        while (pcm := await run(self._pool, next, sentences, None)) is not None:
            if pcm:
                yield pcm

    async def warm(self) -> None:
        async for _ in self.speak(_WARM_UP, Voice()):
            pass

    async def close(self) -> None:
        return

    def _begin(self, text: str, speed: float) -> Iterator[bytes]:
        return self._sentences(self._model(), text, speed)

    def _sentences(self, model: "Hibari", text: str, speed: float) -> Iterator[bytes]:
        keep = int(_TAIL_SECONDS * self.rate)
        # The seed makes the same words the same sound.
        for audio in model.stream(text, speed=min(2.0, max(0.5, speed)), seed=0):
            yield HeadTrim(self.rate).push(floats_to_pcm(trim_tail(audio, keep)))

    def _model(self) -> "Hibari":
        with self._loading:
            if self._loaded is None:
                from hibari import Hibari  # a second of imports that only the local voice needs

                self._loaded = Hibari(threads=1)
            return self._loaded
