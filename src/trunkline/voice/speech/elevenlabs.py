"""Speech to text and text to speech by ElevenLabs, through its SDK.

Ears: a WebSocket a segment (`/v1/speech-to-text/realtime`), with words as they come; the end of the segment is said by
us. Voice: a request a sentence (`/v1/text-to-speech/{voice}/stream`) whose sound is read as it is made, over a
connection that is kept.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Any

from trunkline.errors import ProviderError, ProviderRefused
from trunkline.voice.speech.ports import Voice
from trunkline.voice.speech.streamed import StreamedHearing, Transcript, ended_early
from trunkline.voice.speech.trim import HeadTrim
from trunkline.voice.speech.vendor import Sdk, faults, http_client, short, whole_samples
from trunkline.voice.speech.wanted import Style

API = "https://api.elevenlabs.io"
EARS_MODEL = "scribe_v2_realtime"
DEFAULT_VOICE = "21m00Tcm4TlvDq8ikWAM"
"""Rachel, one of the voices that every account has."""
RATES = (8000, 16_000, 22_050, 24_000, 44_100, 48_000)
"""Samples a second that can be sent."""
LEAST_SECONDS = 0.4
"""Less sound than 0.3 s cannot be committed; silence is added."""
SPOKEN = frozenset((
    "multi", "en", "ja", "zh", "de", "hi", "fr", "ko", "pt", "it", "es", "id", "nl", "tr", "pl", "sv", "bg",
    "ro", "ar", "cs", "el", "fi", "ms", "sk", "da", "uk", "ru", "hu", "no", "vi",
))  # fmt: skip
"""Languages of the usual models."""
SPOKEN_BY_V3 = frozenset(("he", "th"))
_ENGLISH_ONLY = ("eleven_turbo_v2", "eleven_flash_v2")
_WITH_LANGUAGE = ("eleven_turbo_v2_5", "eleven_flash_v2_5")
"""Models that can be told which language it is; the others take it from the text."""
_LONGEST_KEYWORD = 20
_MOST_KEYWORDS = 50
_NO_WORDS = ("insufficient_audio_activity", "commit_throttled")
_UNFIT = ("input_error", "invalid_request", "chunk_size_exceeded", "unaccepted_terms")


def sdk(api_key: str, base_url: str = API, timeout: float = 4.0) -> Sdk:
    """The SDK with a key. `timeout`: seconds to an answer and between its pieces.

    Loading it takes most of a second and 20 MB, so only an installation with a key does.
    """
    from elevenlabs.client import AsyncElevenLabs

    http = http_client(timeout)
    made = AsyncElevenLabs(api_key=api_key, base_url=base_url, timeout=timeout, httpx_client=http)
    _ = made.text_to_speech, made.speech_to_text  # loaded now, not while the first caller waits
    return Sdk(made, http)


def hears(language: str) -> bool:
    """Every language of ours: the recogniser knows ninety."""
    return bool(language)


def speaks(model: str, language: str) -> bool:
    """Is it a language of the model?"""
    spoken = short(language)
    if model in _ENGLISH_ONLY:
        return spoken in ("en", "multi")
    return spoken in SPOKEN or (model == "eleven_v3" and spoken in SPOKEN_BY_V3)


class ElevenLabsSpeechToText:
    """Fulfils SpeechToText; calls `on_partial`."""

    has_partials = True

    def __init__(self, sdk: Sdk, timeout: float = 4.0) -> None:
        """`timeout`: seconds from the end of a segment to its last word."""
        self._client = sdk.client
        self._timeout = timeout

    def open(
        self,
        rate: int,
        language: str,
        on_partial: Callable[[str], None] | None = None,
        keywords: Sequence[str] = (),
    ) -> StreamedHearing:
        async def exchange(sound: AsyncIterator[bytes], heard: Transcript) -> None:
            with faults("ElevenLabs' speech-to-text"):
                await self._exchange(self._asked(rate, language, keywords), rate, sound, heard)

        return StreamedHearing(exchange, on_partial, self._timeout)

    async def _exchange(
        self, asked: dict[str, Any], rate: int, sound: AsyncIterator[bytes], heard: Transcript
    ) -> None:
        from elevenlabs.realtime import RealtimeEvents

        if rate not in RATES:
            raise ProviderRefused(f"ElevenLabs' speech-to-text does not take {rate} samples a second")
        connection = await self._client.speech_to_text.realtime.connect(asked)
        news: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        for event in ("PARTIAL_TRANSCRIPT", "COMMITTED_TRANSCRIPT", "ERROR"):
            connection.on(RealtimeEvents[event], news.put_nowait)
        connection.on(RealtimeEvents.CLOSE, lambda: news.put_nowait(None))
        sending = asyncio.create_task(_send(connection, sound, rate))
        try:
            await _receive(news, heard)
        finally:
            sending.cancel()
            await connection.close()

    def _asked(self, rate: int, language: str, keywords: Sequence[str]) -> dict[str, Any]:
        from elevenlabs.realtime import AudioFormat, CommitStrategy

        asked: dict[str, Any] = {
            "model_id": EARS_MODEL,
            "audio_format": AudioFormat(f"pcm_{rate}"),
            "sample_rate": rate,
            "commit_strategy": CommitStrategy.MANUAL,
        }
        if language != "multi":
            asked["language_code"] = short(language)
        if expected := [word for word in keywords if len(word) <= _LONGEST_KEYWORD][:_MOST_KEYWORDS]:
            asked["keyterms"] = expected
        return asked

    async def warm(self) -> None:
        """Nothing: a connection without sound would be closed again."""

    async def close(self) -> None:
        return


async def _send(connection: Any, sound: AsyncIterator[bytes], rate: int) -> None:
    with suppress(Exception):  # a connection that breaks is noticed where it is read
        sent = 0
        async for piece in sound:
            sent += len(piece)
            await connection.send({"audio_base_64": base64.b64encode(piece).decode()})
        if (missing := int(LEAST_SECONDS * rate) * 2 - sent) > 0:
            await connection.send({"audio_base_64": base64.b64encode(bytes(missing)).decode()})
        await connection.commit()


async def _receive(news: "asyncio.Queue[dict[str, Any] | None]", heard: Transcript) -> None:
    while (message := await news.get()) is not None:
        match message.get("message_type"):
            case "partial_transcript":
                heard.partial(str(message["text"]))
            case "committed_transcript":
                heard.settled(str(message["text"]))
                return
            case kind if kind in _NO_WORDS:
                return
            case kind:
                error = ProviderRefused if kind in _UNFIT else ProviderError
                raise error(f"ElevenLabs' speech-to-text failed: {kind or 'a broken connection'}")
    raise ended_early("ElevenLabs' speech-to-text")


class ElevenLabsTextToSpeech:
    """Fulfils TextToSpeech."""

    rate = 24_000

    def __init__(self, sdk: Sdk, style: Style | None = None) -> None:
        self._client = sdk.client
        self._style = style or Style()

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        head = HeadTrim(self.rate)
        style = self._style
        more: dict[str, Any] = {}
        if settings := style.settings(voice.speed):
            more["voice_settings"] = settings
        if style.model in _WITH_LANGUAGE and voice.language != "multi":
            more["language_code"] = short(voice.language)
        if style.latency is not None:
            more["optimize_streaming_latency"] = style.latency
        with faults("ElevenLabs' text-to-speech"):
            pieces = self._client.text_to_speech.stream(
                voice.id or DEFAULT_VOICE,
                text=f"{style.tags} {text}" if style.tags else text,
                model_id=style.model,
                output_format=f"pcm_{self.rate}",
                request_options={"max_retries": 0},
                **more,
            )
            async for sound in whole_samples(pieces):
                if heard := head.push(sound):
                    yield heard

    async def warm(self) -> None:
        """Nothing: the connection of a call that comes minutes later would be closed again."""

    async def close(self) -> None:
        return
