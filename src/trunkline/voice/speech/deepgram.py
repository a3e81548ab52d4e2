"""Speech to text and text to speech by Deepgram, through its SDK.

Ears: a WebSocket a segment (`/v1/listen`), opened while the caller speaks, with words as they come. Voice: a request a
sentence (`/v1/speak`) whose sound is read as it is made; the connection is kept, so only the first sentence waits for
a handshake.
"""

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Any

from trunkline.voice.speech.ports import Voice
from trunkline.voice.speech.streamed import StreamedHearing, Transcript, ended_early
from trunkline.voice.speech.trim import HeadTrim
from trunkline.voice.speech.vendor import Sdk, faults, http_client, short, whole_samples

API = "https://api.deepgram.com"
EARS_MODEL = "nova-3"
DEFAULT_VOICE = "aura-2-thalia-en"
_VOICES = {
    "de": "aura-2-viktoria-de",
    "es": "aura-2-celeste-es",
    "fr": "aura-2-agathe-fr",
    "it": "aura-2-livia-it",
    "ja": "aura-2-izanami-ja",
    "nl": "aura-2-rhea-nl",
}
"""One of each language that there are others of."""
_OLDER_MODEL = "nova-2"
"""For languages that nova-3 does not hear."""
HEARD = frozenset((
    "multi", "en", "bg", "cs", "da", "de", "el", "es", "fi", "fr", "hi", "hu", "id", "it", "ja", "ko", "ms",
    "nl", "no", "pl", "pt", "ro", "ru", "sk", "sv", "tr", "uk", "vi",
))  # fmt: skip
"""Languages of nova-3."""
HEARD_BY_OLDER = frozenset(("zh", "th"))
_WITH_REGION = frozenset(("en-US", "pt-BR", "zh-CN", "sv-SE"))
"""Sent as they are; of the others the language alone."""


def sdk(api_key: str, base_url: str = API, timeout: float = 4.0) -> Sdk:
    """The SDK with a key. `timeout`: seconds to an answer and between its pieces. Nothing is asked twice."""
    http = http_client(timeout)
    with warnings.catch_warnings():
        # The SDK asks for the older half of websockets first, which says at import that it is old.
        warnings.simplefilter("ignore", DeprecationWarning)
        from deepgram import AsyncDeepgramClient
        from deepgram.environment import DeepgramClientEnvironment

        websocket = "ws" + base_url.removeprefix("http")
        environment = DeepgramClientEnvironment(
            base=base_url, production=websocket, agent=websocket, agent_rest=base_url
        )
        made = AsyncDeepgramClient(
            api_key=api_key, environment=environment, timeout=timeout, max_retries=0, httpx_client=http
        )
        _ = made.listen.v1, made.speak.v1.audio  # loaded now, not while the first caller waits
    return Sdk(made, http)


def hears(language: str) -> bool:
    """Is it a language of one of the models?"""
    return short(language) in HEARD | HEARD_BY_OLDER


def speaks(voice_id: str, language: str) -> bool:
    """Does the voice speak it? Its last part says what it speaks."""
    return language == "multi" or voice_id.rpartition("-")[2] == short(language)


def voice_for(language: str) -> str:
    """A voice of the language, or the usual one where there is none."""
    return _VOICES.get(short(language), DEFAULT_VOICE)


class DeepgramSpeechToText:
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
            with faults("Deepgram's speech-to-text"):
                async with self._client.listen.v1.connect(**self._asked(rate, language, keywords)) as socket:
                    sending = asyncio.create_task(_send(socket, sound))
                    try:
                        await _receive(socket, heard)
                    finally:
                        sending.cancel()

        return StreamedHearing(exchange, on_partial, self._timeout)

    def _asked(self, rate: int, language: str, keywords: Sequence[str]) -> dict[str, Any]:
        older = short(language) in HEARD_BY_OLDER
        asked: dict[str, Any] = {
            "model": _OLDER_MODEL if older else EARS_MODEL,
            "language": language if language in _WITH_REGION else short(language),
            "encoding": "linear16",
            "sample_rate": rate,
            "channels": 1,
            "interim_results": "true",
            "smart_format": "true",
            # Where a segment ends is for us to say.
            "endpointing": "false",
        }
        if keywords:
            asked["keywords" if older else "keyterm"] = list(keywords)
        return asked

    async def warm(self) -> None:
        """Nothing: a connection without sound is closed by the other side after ten seconds."""

    async def close(self) -> None:
        return


async def _send(socket: Any, sound: AsyncIterator[bytes]) -> None:
    with suppress(Exception):  # a connection that breaks is noticed where it is read
        async for piece in sound:
            await socket.send_media(piece)
        await socket.send_close_stream()


async def _receive(socket: Any, heard: Transcript) -> None:
    whole = False
    async for message in socket:
        match getattr(message, "type", None):
            case "Results":
                text = message.channel.alternatives[0].transcript
                heard.settled(text) if message.is_final else heard.partial(text)
            case "Metadata":
                whole = True  # comes last, after everything that was heard
    if not whole:
        raise ended_early("Deepgram's speech-to-text")


class DeepgramTextToSpeech:
    """Fulfils TextToSpeech."""

    rate = 24_000

    def __init__(self, sdk: Sdk) -> None:
        self._client = sdk.client

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        head = HeadTrim(self.rate)
        more = {} if voice.speed == 1.0 else {"speed": voice.speed}
        with faults("Deepgram's text-to-speech"):
            pieces = self._client.speak.v1.audio.generate(
                text=text,
                model=voice.id or DEFAULT_VOICE,
                encoding="linear16",
                container="none",
                sample_rate=self.rate,
                **more,
            )
            async for sound in whole_samples(pieces):
                if heard := head.push(sound):
                    yield heard

    async def warm(self) -> None:
        """Nothing: the connection of a call that comes minutes later would be closed again."""

    async def close(self) -> None:
        return
