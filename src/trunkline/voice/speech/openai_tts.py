"""Text to speech through an OpenAI-compatible `/audio/speech`: raw PCM at 24 kHz, as it is made."""

from collections.abc import AsyncIterator

from openai import omit

from trunkline.voice.endpoint import client, faults
from trunkline.voice.speech.ports import Voice
from trunkline.voice.speech.trim import HeadTrim

_CHUNK = 4800
"""Bytes: 100 ms."""


class OpenAITextToSpeech:
    """Fulfils TextToSpeech."""

    rate = 24_000

    def __init__(
        self,
        base_url: str,
        api_key: str = "",
        model: str = "tts-1",
        voice: str = "alloy",
        timeout: float = 4.0,
    ) -> None:
        """`voice` speaks where none is named; `timeout`: seconds to the first sound and between pieces."""
        self._client = client(base_url, api_key, timeout)
        self._model = model
        self._voice = voice

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        head = HeadTrim(self.rate)
        odd = b""
        with faults("The text-to-speech endpoint"):
            async with self._client.audio.speech.with_streaming_response.create(
                model=self._model,
                voice=voice.id or self._voice,
                input=text,
                response_format="pcm",
                speed=voice.speed,
                instructions=voice.instructions or omit,
            ) as answer:
                async for chunk in answer.iter_bytes(_CHUNK):
                    sound = odd + chunk
                    whole = len(sound) // 2 * 2
                    odd = sound[whole:]
                    if heard := head.push(sound[:whole]):
                        yield heard

    async def warm(self) -> None:
        """Nothing: the connection of a call that comes minutes later would be closed again."""

    async def close(self) -> None:
        await self._client.close()
