"""Plivo Audio Streaming, bidirectional: JSON both ways, mu-law at 8 kHz or little-endian PCM in base64.

Source: https://www.plivo.com/docs/voice/audio-streaming/audio-streaming. Plivo tells the end by closing the socket.
"""

import json
from base64 import b64encode
from typing import ClassVar

from trunkline.voice.lines.carrier import Start, key_of, part, sound_of, told
from trunkline.voice.lines.codecs import Codec, CodecName, PlainCodec, codec
from trunkline.voice.lines.framing import Heard, Mark, Message, Stop


class PlivoFraming:
    """The messages of one stream."""

    def __init__(self, stream: str, encoding: str, rate: int) -> None:
        self._stream = json.dumps(stream)
        self._media = f'"contentType":{json.dumps(encoding)},"sampleRate":{rate}'

    def read(self, message: Message) -> Heard:
        content = told(message)
        match content.get("event"):
            case "media":
                return sound_of(content)
            case "playedStream":
                return Mark(str(content.get("name", "")))
            case "dtmf":
                return key_of(content)
            case "stop":
                return Stop()
        return None

    def sound(self, payload: bytes) -> Message:
        return f'{{"event":"playAudio","media":{{{self._media},"payload":"{b64encode(payload).decode()}"}}}}'

    def mark(self, name: str) -> Message:
        return f'{{"event":"checkpoint","streamId":{self._stream},"name":"{name}"}}'

    def clear(self) -> Message:
        return f'{{"event":"clearAudio","streamId":{self._stream}}}'


class Plivo:
    """Fulfils Carrier."""

    name: ClassVar[str] = "plivo"
    token_header: ClassVar[str] = ""

    def start(self, message: Message) -> Start | None:
        content = told(message)
        if content.get("event") != "start":
            return None
        start = part(content, "start")
        form = part(start, "mediaFormat")
        encoding, rate = str(form.get("encoding")), form.get("sampleRate")
        stream = str(start.get("streamId") or "")
        return Start(
            call_id=str(start.get("callId") or stream),
            codec=_codec(encoding, rate),
            framing=PlivoFraming(stream, encoding, int(str(rate))),
            parameters=_parameters(str(content.get("extra_headers") or start.get("extra_headers") or "")),
        )


def _codec(encoding: str, rate: object) -> Codec:
    match encoding, rate:
        case "audio/x-mulaw", 8000:
            return codec(CodecName.PCMU)
        case "audio/x-l16", 8000 | 16_000 as samples:
            return PlainCodec(samples, 96, bytes, _whole_samples)
    raise ValueError(f"the stream is {encoding} at {rate}; set contentType to audio/x-mulaw;rate=8000")


def _whole_samples(payload: bytes) -> bytes:
    return payload[: len(payload) // 2 * 2]


def _parameters(headers: str) -> dict[str, str]:
    """`a=1;b=2`, or the JSON object that some streams carry."""
    if headers.startswith("{"):
        return {str(name): str(value) for name, value in told(headers).items()}
    pairs = (pair.partition("=") for pair in headers.replace(",", ";").split(";") if "=" in pair)
    return {name.strip(): value.strip() for name, _, value in pairs}
