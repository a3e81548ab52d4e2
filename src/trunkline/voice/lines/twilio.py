"""Twilio Media Streams, bidirectional (`<Connect><Stream>`): JSON both ways, mu-law at 8 kHz in base64.

Source: https://www.twilio.com/docs/voice/media-streams/websocket-messages and, for the signature of the handshake,
https://www.twilio.com/docs/usage/security.
"""

import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha1
from typing import Any, ClassVar

from trunkline.voice.lines.carrier import Carrier, EventFraming, Start, texts
from trunkline.voice.lines.codecs import CodecName, codec
from trunkline.voice.lines.framing import Message

SIGNATURE_HEADER = "X-Twilio-Signature"
CALL_HEADER = "X-Twilio-CallSid"
"""In which Twilio's INVITEs name the call."""


class TwilioFraming(EventFraming):
    """The messages of one stream."""

    def __init__(self, stream: str) -> None:
        self._stream = json.dumps(stream)

    def sound(self, payload: bytes) -> Message:
        text = b64encode(payload).decode()
        return f'{{"event":"media","streamSid":{self._stream},"media":{{"payload":"{text}"}}}}'

    def mark(self, name: str) -> Message:
        return f'{{"event":"mark","streamSid":{self._stream},"mark":{{"name":"{name}"}}}}'

    def clear(self) -> Message:
        return f'{{"event":"clear","streamSid":{self._stream}}}'


class Twilio(Carrier):
    """Its calls."""

    name: ClassVar[str] = "twilio"

    def _begun(self, content: Mapping[str, Any], start: Mapping[str, Any]) -> Start:
        form = start.get("mediaFormat")
        if isinstance(form, dict) and (form.get("encoding"), form.get("sampleRate")) != (
            "audio/x-mulaw",
            8000,
        ):
            raise ValueError("the stream is not mu-law at 8 kHz")
        parameters = texts(start.get("customParameters"))
        stream = str(content.get("streamSid") or start.get("streamSid") or "")
        return Start(
            call_id=str(start.get("callSid") or stream),
            codec=codec(CodecName.PCMU),
            framing=TwilioFraming(stream),
            parameters=parameters,
        )


def signature(auth_token: str, url: str) -> str:
    """What Twilio puts into the header of a request without a body for exactly this URL."""
    # SHA-1 is Twilio's choice; as an HMAC it is sound.
    return b64encode(hmac.new(auth_token.encode(), url.encode(), sha1).digest()).decode()
