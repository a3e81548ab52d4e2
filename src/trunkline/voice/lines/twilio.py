"""Twilio Media Streams, bidirectional (`<Connect><Stream>`): JSON both ways, mu-law at 8 kHz in base64.

Source: https://www.twilio.com/docs/voice/media-streams/websocket-messages and, for the signature of the handshake,
https://www.twilio.com/docs/usage/security.
"""

import hmac
import json
from base64 import b64encode
from hashlib import sha1
from typing import ClassVar

from trunkline.voice.lines.carrier import Start, key_of, part, sound_of, texts, told
from trunkline.voice.lines.codecs import CodecName, codec
from trunkline.voice.lines.framing import Heard, Mark, Message, Stop

SIGNATURE_HEADER = "X-Twilio-Signature"
CALL_HEADER = "X-Twilio-CallSid"
"""In which Twilio's INVITEs name the call."""


class TwilioFraming:
    """The messages of one stream."""

    def __init__(self, stream: str) -> None:
        self._stream = json.dumps(stream)

    def read(self, message: Message) -> Heard:
        content = told(message)
        match content.get("event"):
            case "media":
                return sound_of(content)
            case "mark":
                return Mark(str(part(content, "mark").get("name", "")))
            case "dtmf":
                return key_of(content)
            case "stop":
                return Stop()
        return None

    def sound(self, payload: bytes) -> Message:
        text = b64encode(payload).decode()
        return f'{{"event":"media","streamSid":{self._stream},"media":{{"payload":"{text}"}}}}'

    def mark(self, name: str) -> Message:
        return f'{{"event":"mark","streamSid":{self._stream},"mark":{{"name":"{name}"}}}}'

    def clear(self) -> Message:
        return f'{{"event":"clear","streamSid":{self._stream}}}'


class Twilio:
    """Fulfils Carrier."""

    name: ClassVar[str] = "twilio"
    token_header: ClassVar[str] = ""

    def start(self, message: Message) -> Start | None:
        content = told(message)
        if content.get("event") != "start":
            return None
        start = part(content, "start")
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
