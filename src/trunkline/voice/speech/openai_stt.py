"""Speech to text through an OpenAI-compatible `/audio/transcriptions`: a segment goes up whole when it ends."""

import asyncio
import io
import wave
from collections.abc import Callable, Sequence

from openai import omit

from trunkline.voice.endpoint import client, faults


class OpenAISpeechToText:
    """Fulfils SpeechToText; no partials."""

    has_partials = False

    def __init__(
        self, base_url: str, api_key: str = "", model: str = "whisper-1", timeout: float = 6.0
    ) -> None:
        """`timeout`: seconds for a whole answer."""
        self._client = client(base_url, api_key, timeout)
        self._model = model
        self._timeout = timeout

    def open(
        self,
        rate: int,
        language: str,
        on_partial: Callable[[str], None] | None = None,
        keywords: Sequence[str] = (),
    ) -> "UploadHearing":
        return UploadHearing(self, rate, language, keywords)

    async def transcribe(self, pcm: bytes, rate: int, language: str, keywords: Sequence[str] = ()) -> str:
        """The words of a whole segment."""
        with faults("The speech-to-text endpoint"):
            async with asyncio.timeout(self._timeout):
                answer = await self._client.audio.transcriptions.create(
                    file=("speech.wav", wav(pcm, rate), "audio/wav"),
                    model=self._model,
                    language=omit if language == "multi" else language.partition("-")[0].lower(),
                    response_format="json",
                    prompt=", ".join(keywords) or omit,
                )
        return answer.text.strip()

    async def warm(self) -> None:
        """Nothing: the connection of a call that comes minutes later would be closed again."""

    async def close(self) -> None:
        await self._client.close()


class UploadHearing:
    """Fulfils Hearing."""

    def __init__(
        self, service: OpenAISpeechToText, rate: int, language: str, keywords: Sequence[str]
    ) -> None:
        self._service = service
        self._rate = rate
        self._language = language
        self._keywords = keywords
        self._sound = bytearray()
        self._heard = (0, "")

    def push(self, pcm: bytes) -> None:
        self._sound += pcm

    async def words(self) -> str:
        length, words = self._heard
        sound = bytes(self._sound)
        if len(sound) > length:
            words = await self._service.transcribe(sound, self._rate, self._language, self._keywords)
            self._heard = (len(sound), words)
        return words

    async def finish(self) -> str:
        words = await self.words()
        self.close()
        return words

    def close(self) -> None:
        self._sound.clear()


def wav(pcm: bytes, rate: int) -> bytes:
    """s16le mono with a WAV header."""
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm)
    return target.getvalue()
