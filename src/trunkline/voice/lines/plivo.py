"""Plivo Audio Streaming, bidirectional: JSON both ways, mu-law at 8 kHz or little-endian PCM in base64.

Source: https://www.plivo.com/docs/voice/audio-streaming/audio-streaming. Plivo tells the end by closing the socket.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, ClassVar

from trunkline.voice.lines.carrier import Carrier, EventFraming, Start, part, texts, told
from trunkline.voice.lines.codecs import Codec, CodecName, PlainCodec, codec
from trunkline.voice.lines.framing import Mark, Message


class PlivoFraming(EventFraming):
    """The messages of one stream."""

    def __init__(self, stream: str, encoding: str, rate: int) -> None:
        self._stream = json.dumps(stream)
        self._media = f'"contentType":{json.dumps(encoding)},"sampleRate":{rate}'

    def sound(self, payload: bytes) -> Message:
        return f'{{"event":"playAudio","media":{{{self._media},"payload":"{b64encode(payload).decode()}"}}}}'

    def mark(self, name: str) -> Message:
        return f'{{"event":"checkpoint","streamId":{self._stream},"name":"{name}"}}'

    def clear(self) -> Message:
        return f'{{"event":"clearAudio","streamId":{self._stream}}}'

    def _mark_of(self, content: Mapping[str, Any]) -> Mark | None:
        return Mark(str(content.get("name", ""))) if content.get("event") == "playedStream" else None


class Plivo(Carrier):
    """Its calls."""

    name: ClassVar[str] = "plivo"

    def _begun(self, content: Mapping[str, Any], start: Mapping[str, Any]) -> Start:
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
        return texts(told(headers))
    pairs = (pair.partition("=") for pair in headers.replace(",", ";").split(";") if "=" in pair)
    return {name.strip(): value.strip() for name, _, value in pairs}
