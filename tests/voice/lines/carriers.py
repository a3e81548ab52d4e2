"""The far side of carriers, true to their wire: what Twilio, Telnyx and Plivo do with what they are sent.

A `Station` is the carrier's switch for one call: it queues media, plays 20 ms a tick, answers marks when what was before
them has been played or dropped, and sends 20 ms of the caller's sound a tick, silence too.
"""

import json
from base64 import b64decode, b64encode
from collections import deque
from typing import Any, ClassVar, Protocol

from trunkline.voice import g711
from trunkline.voice.lines.carrier import Carrier, Start
from trunkline.voice.lines.plivo import Plivo
from trunkline.voice.lines.telnyx import Telnyx
from trunkline.voice.lines.twilio import Twilio

TICK_BYTES = 160
_SILENCE = b"\xff"


class Spelling(Protocol):
    """One carrier's messages; `content` is a message of ours that was read."""

    name: ClassVar[str]

    def begin(self, parameters: dict[str, str]) -> list[dict[str, Any]]: ...

    def media(self, payload: str) -> dict[str, Any]: ...

    def key(self, digit: str) -> dict[str, Any]: ...

    def mark(self, name: str) -> dict[str, Any]: ...

    def stop(self) -> dict[str, Any] | None: ...

    def heard(self, content: dict[str, Any]) -> tuple[str, str]:
        """("media", payload), ("mark", name) or ("clear", ""); an AssertionError for what the carrier would not take."""
        ...


class TwilioSpelling:
    name: ClassVar[str] = "twilio"
    stream = "MZ18ad3ab5a668481ce02b83e7395059f0"
    call = "CA00000000000000000000000000000001"

    def begin(self, parameters: dict[str, str]) -> list[dict[str, Any]]:
        start = {
            "accountSid": "AC00000000000000000000000000000001",
            "streamSid": self.stream,
            "callSid": self.call,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": parameters,
        }
        return [
            {"event": "connected", "protocol": "Call", "version": "1.0.0"},
            {"event": "start", "sequenceNumber": "1", "start": start, "streamSid": self.stream},
        ]

    def media(self, payload: str) -> dict[str, Any]:
        media = {"track": "inbound", "chunk": "1", "timestamp": "5", "payload": payload}
        return {"event": "media", "sequenceNumber": "3", "media": media, "streamSid": self.stream}

    def key(self, digit: str) -> dict[str, Any]:
        dtmf = {"track": "inbound_track", "digit": digit}
        return {"event": "dtmf", "streamSid": self.stream, "sequenceNumber": "5", "dtmf": dtmf}

    def mark(self, name: str) -> dict[str, Any]:
        return {"event": "mark", "sequenceNumber": "4", "streamSid": self.stream, "mark": {"name": name}}

    def stop(self) -> dict[str, Any] | None:
        stop = {"accountSid": "AC00000000000000000000000000000001", "callSid": self.call}
        return {"event": "stop", "sequenceNumber": "9", "streamSid": self.stream, "stop": stop}

    def heard(self, content: dict[str, Any]) -> tuple[str, str]:
        assert content["streamSid"] == self.stream
        match content["event"]:
            case "media":
                return "media", content["media"]["payload"]
            case "mark":
                return "mark", content["mark"]["name"]
            case "clear":
                return "clear", ""
        raise AssertionError(f"Twilio knows no {content['event']}")


class TelnyxSpelling:
    name: ClassVar[str] = "telnyx"
    stream = "32DE0DEA-53CB-4B21-89A4-9E1819C043BC"
    call = "v2:T02llQxIyaRkhfRKxgAP8nY511EhFLizdvdUKJiSw8d6A9BborherQ"
    encoding = "PCMU"

    def begin(self, parameters: dict[str, str]) -> list[dict[str, Any]]:
        start = {
            "user_id": "3E6F995F-85F7-4705-9741-53B116D28237",
            "call_control_id": self.call,
            "call_session_id": "ff55a038-6f5d-11ef-9692-02420aeffb1f",
            "from": "+13122010094",
            "to": "+13122123456",
            "custom_parameters": parameters,
            "media_format": {"encoding": self.encoding, "sample_rate": 8000, "channels": 1},
        }
        return [
            {"event": "connected", "version": "1.0.0"},
            {"event": "start", "sequence_number": "1", "stream_id": self.stream, "start": start},
        ]

    def media(self, payload: str) -> dict[str, Any]:
        media = {"track": "inbound", "chunk": "2", "timestamp": "5", "payload": payload}
        return {"event": "media", "sequence_number": "4", "media": media, "stream_id": self.stream}

    def key(self, digit: str) -> dict[str, Any]:
        dtmf = {"digit": digit}
        return {"event": "dtmf", "stream_id": self.stream, "sequence_number": "5", "dtmf": dtmf}

    def mark(self, name: str) -> dict[str, Any]:
        return {"event": "mark", "stream_id": self.stream, "sequence_number": "6", "mark": {"name": name}}

    def stop(self) -> dict[str, Any] | None:
        stop = {"user_id": "3E6F995F", "call_control_id": self.call}
        return {"event": "stop", "sequence_number": "7", "stream_id": self.stream, "stop": stop}

    def heard(self, content: dict[str, Any]) -> tuple[str, str]:
        match content["event"]:
            case "media":
                return "media", content["media"]["payload"]
            case "mark":
                return "mark", content["mark"]["name"]
            case "clear":
                return "clear", ""
        raise AssertionError(f"Telnyx knows no {content['event']}")


class PlivoSpelling:
    name: ClassVar[str] = "plivo"
    stream = "20170ada-f610-433b-8758-c02a2aab3662"
    call = "12345678-1234-1234-1234-123456789abc"

    def begin(self, parameters: dict[str, str]) -> list[dict[str, Any]]:
        start = {
            "callId": self.call,
            "streamId": self.stream,
            "accountId": "MAXXXXXXXXXXXXXXXXXX",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000},
        }
        headers = ";".join(f"{name}={value}" for name, value in parameters.items())
        return [{"event": "start", "sequenceNumber": 1, "start": start, "extra_headers": headers}]

    def media(self, payload: str) -> dict[str, Any]:
        media = {"track": "inbound", "timestamp": "1693000000000", "chunk": 1, "payload": payload}
        return {"event": "media", "sequenceNumber": 2, "streamId": self.stream, "media": media}

    def key(self, digit: str) -> dict[str, Any]:
        dtmf = {"track": "inbound", "digit": digit, "timestamp": "1693000000000"}
        return {"event": "dtmf", "sequenceNumber": 3, "streamId": self.stream, "dtmf": dtmf}

    def mark(self, name: str) -> dict[str, Any]:
        return {"event": "playedStream", "sequenceNumber": 4, "streamId": self.stream, "name": name}

    def stop(self) -> dict[str, Any] | None:
        return None

    def heard(self, content: dict[str, Any]) -> tuple[str, str]:
        match content["event"]:
            case "playAudio":
                media = content["media"]
                assert (media["contentType"], media["sampleRate"]) == ("audio/x-mulaw", 8000)
                return "media", media["payload"]
            case "checkpoint":
                assert content["streamId"] == self.stream
                return "mark", content["name"]
            case "clearAudio":
                assert content["streamId"] == self.stream
                return "clear", ""
        raise AssertionError(f"Plivo knows no {content['event']}")


SPELLINGS: tuple[type[Spelling], ...] = (TwilioSpelling, TelnyxSpelling, PlivoSpelling)


class Station:
    """The carrier's side of one call. Messages go in by `take` and come out by `tick`."""

    def __init__(self, spelling: Spelling, lag: int = 0) -> None:
        """`lag`: ticks of sound that it collects before it begins to play."""
        self.spelling = spelling
        self.played = bytearray()
        """PCM that the caller has heard, without the silence between."""
        self.cleared: list[int] = []
        """Samples that each clear dropped."""
        self.marks = 0
        self.answered = 0
        """Marks that came back."""
        self._lag = lag
        self._waits = 0
        self._queue: deque[bytes | str] = deque()
        """Mu-law and marks, in the order they came."""
        self._answers: list[str] = []
        self._says = bytearray()

    # ---- from the agent ----

    def take(self, message: str | bytes) -> None:
        kind, value = self.spelling.heard(json.loads(message))
        if kind == "media":
            if not self._queue:
                self._waits = self._lag
            self._queue.append(b64decode(value, validate=True))
        elif kind == "mark":
            self.marks += 1
            self._queue.append(value)
        else:
            self.cleared.append(sum(len(item) for item in self._queue if isinstance(item, bytes)))
            self._answers += [item for item in self._queue if isinstance(item, str)]
            self._queue.clear()
        self._answer()

    # ---- from the caller ----

    def say(self, pcm: bytes) -> None:
        self._says += g711.pcm_to_ulaw(pcm)

    def press(self, digits: str) -> None:
        self._answers += [json.dumps(self.spelling.key(digit)) for digit in digits]

    def tick(self) -> tuple[bytes, list[str]]:
        """20 ms: what the caller hears (PCM, b"" for silence), and the messages that go out."""
        frame = self._play()
        self.played += frame
        said = bytes(self._says[:TICK_BYTES]).ljust(TICK_BYTES, _SILENCE)
        del self._says[:TICK_BYTES]
        self._answer()
        out = [
            answer if answer.startswith("{") else json.dumps(self.spelling.mark(answer))
            for answer in self._answers
        ]
        self.answered += len(out)
        self._answers.clear()
        return frame, [*out, json.dumps(self.spelling.media(b64encode(said).decode()))]

    def _play(self) -> bytes:
        if self._waits:
            self._waits -= 1
            return b""
        frame = b""
        while self._queue and len(frame) < TICK_BYTES:
            item = self._queue[0]
            if isinstance(item, str):
                self._answers.append(item)
                self._queue.popleft()
                continue
            piece, rest = item[: TICK_BYTES - len(frame)], item[TICK_BYTES - len(frame) :]
            frame += piece
            if rest:
                self._queue[0] = rest
            else:
                self._queue.popleft()
        return g711.ulaw_to_pcm(frame) if frame else b""

    def _answer(self) -> None:
        """Marks with nothing before them go back at once."""
        while self._queue and isinstance(first := self._queue[0], str):
            self._answers.append(first)
            self._queue.popleft()


CARRIERS: dict[str, Carrier] = {each.name: each for each in (Twilio(), Telnyx(), Plivo())}


def begun(spelling: Spelling, parameters: dict[str, str] | None = None) -> Start:
    """What the carrier's first messages say."""
    carrier = CARRIERS[spelling.name]
    starts = [carrier.start(json.dumps(message)) for message in spelling.begin(parameters or {})]
    assert starts[:-1] == [None] * (len(starts) - 1)
    assert starts[-1] is not None
    return starts[-1]
