"""Telnyx Media Streaming, bidirectional RTP mode: JSON both ways, RTP payloads without headers in base64.

Source: https://developers.telnyx.com/api-reference/websockets/stream-call-media-over-websocket. What we send is PCMU,
the default of `stream_bidirectional_codec`; what we get may be PCMU or PCMA.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, ClassVar

from trunkline.voice import g711
from trunkline.voice.lines.carrier import Carrier, EventFraming, Start, part, texts
from trunkline.voice.lines.codecs import CodecName, PlainCodec, codec
from trunkline.voice.lines.framing import Message


class TelnyxFraming(EventFraming):
    """The messages of one stream; the connection says which."""

    def sound(self, payload: bytes) -> Message:
        return f'{{"event":"media","media":{{"payload":"{b64encode(payload).decode()}"}}}}'

    def mark(self, name: str) -> Message:
        return json.dumps({"event": "mark", "mark": {"name": name}})

    def clear(self) -> Message:
        return '{"event":"clear"}'


class Telnyx(Carrier):
    """Its calls."""

    name: ClassVar[str] = "telnyx"
    token_header: ClassVar[str] = "x-telnyx-streaming-auth-token"  # noqa: S105 - the header's name

    def _begun(self, content: Mapping[str, Any], start: Mapping[str, Any]) -> Start:
        form = part(start, "media_format")
        match form.get("encoding"), form.get("sample_rate"):
            case "PCMU", 8000:
                coder = codec(CodecName.PCMU)
            case "PCMA", 8000:
                coder = PlainCodec(8000, 0, g711.pcm_to_ulaw, g711.alaw_to_pcm)
            case encoding, rate:
                raise ValueError(f"the stream is {encoding} at {rate}; set stream_codec to PCMU")
        return Start(
            call_id=str(start.get("call_control_id") or content.get("stream_id") or ""),
            codec=coder,
            framing=TelnyxFraming(),
            caller=str(start.get("from") or ""),
            dialled=str(start.get("to") or ""),
            parameters=texts(start.get("custom_parameters")),
        )
