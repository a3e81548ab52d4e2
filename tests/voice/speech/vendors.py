"""Deepgram and ElevenLabs on loopback, true to what the vendors document of their wire: paths, headers, messages.

They hear and speak the tones of `voice.speech.tones`. What they are not sent right they refuse as the vendors do.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.voice.language.served import served
from trunkline.voice.scripted.script import FaultKind
from trunkline.voice.speech import tones

KEY = "a key of the vendor's"
_PARTIAL_SECONDS = 0.2
_PIECE_SECONDS = 0.1
_VOICES = ("21m00Tcm4TlvDq8ikWAM", "pNInz6obpgDQGcFmaJgB")


@dataclass
class Vendor:
    """What came in, and what goes wrong."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    """Of each request: `path`, its query and its body."""
    fault: FaultKind | None = None
    """Of every request until it is taken away."""
    drip: float = 1.0
    """Seconds between the pieces of a dripping answer."""
    end_held: asyncio.Event | None = None
    """Until this is set the last piece of a sound is not sent."""

    def of(self, path: str) -> list[dict[str, Any]]:
        return [each for each in self.asked if path in each["path"]]

    async def refused(self) -> Response | None:
        """The answer to a request that never comes to be heard."""
        match self.fault:
            case FaultKind.TOO_MANY:
                return JSONResponse({"err_code": "TOO_MANY_REQUESTS", "err_msg": "Too many requests."}, 429)
            case FaultKind.BROKEN:
                return JSONResponse({"err_code": "INTERNAL_SERVER_ERROR", "err_msg": "An error."}, 500)
            case FaultKind.HANG:
                await asyncio.sleep(60)
        return None

    async def sound(self, pieces: list[bytes]) -> AsyncIterator[bytes]:
        """A body of sound, as the fault leaves it."""
        if self.fault is FaultKind.GARBAGE:
            yield b"<html>\x00\xff</html>"
            return
        for n, piece in enumerate(pieces):
            if self.fault is FaultKind.DIE and n >= (len(pieces) + 1) // 2:
                raise ConnectionError("dies on purpose")
            if self.fault is FaultKind.DRIP and n:
                await asyncio.sleep(self.drip)
            if self.end_held is not None and n == len(pieces) - 1:
                await self.end_held.wait()
            yield piece

    async def accept(self, socket: WebSocket) -> bool:
        """Open a socket, unless it is refused."""
        if (answer := await self.refused()) is not None:
            await socket.send_denial_response(answer)
            return False
        await socket.accept()
        return True


class Segment:
    """The sound of one recognition, and what has been said of it."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.pcm = bytearray()
        self.told = 0

    def take(self, pcm: bytes) -> bool:
        """More sound; is it time for a partial?"""
        self.pcm += pcm
        due = len(self.pcm) - self.told >= _PARTIAL_SECONDS * self.rate * 2
        if due:
            self.told = len(self.pcm)
        return due

    @property
    def text(self) -> str:
        return tones.hear(bytes(self.pcm), self.rate)


def _spoken(text: str, rate: int) -> list[bytes]:
    pcm = bytes(rate // 5 * 2) + tones.speak(text, rate)  # a voice's breath before it speaks
    size = int(_PIECE_SECONDS * rate) * 2 - 1  # odd, as pieces of a body may be
    return [pcm[at : at + size] for at in range(0, len(pcm), size)]


# ---- Deepgram ----


class Deepgram(Vendor):
    """`/v1/listen` (WebSocket) and `/v1/speak`."""

    def routes(self) -> list[Route | WebSocketRoute]:
        return [
            WebSocketRoute("/v1/listen", self._listen),
            Route("/v1/speak", self._speak, methods=["POST"]),
        ]

    async def _listen(self, socket: WebSocket) -> None:
        query = dict(socket.query_params)
        keyterms = socket.query_params.getlist("keyterm")
        self.asked.append({"path": socket.url.path, **query, "keyterm": keyterms})
        if socket.headers.get("authorization") != f"Token {KEY}":
            await socket.send_denial_response(JSONResponse({"err_code": "INVALID_AUTH"}, 401))
            return
        if query.get("encoding") != "linear16" or not query.get("sample_rate", "").isdigit():
            await socket.send_denial_response(JSONResponse({"err_code": "Bad Request"}, 400))
            return
        if not await self.accept(socket):
            return
        segment = Segment(int(query["sample_rate"]))
        try:
            while (message := await socket.receive())["type"] == "websocket.receive":
                if message.get("bytes") is not None:
                    if segment.take(message["bytes"]) and query.get("interim_results") == "true":
                        await self._result(socket, segment, final=False)
                    continue
                match json.loads(message["text"])["type"]:
                    case "CloseStream":
                        await self._end(socket, segment)
                        return
                    case "KeepAlive":
                        pass
        except WebSocketDisconnect:
            return

    async def _result(self, socket: WebSocket, segment: Segment, final: bool) -> None:
        if self.fault is FaultKind.GARBAGE:
            await socket.send_text('{"type": <html>')
            return
        if self.fault is FaultKind.DIE:
            await socket.close(1011, "NET-0000")
            raise WebSocketDisconnect(1011)
        if self.fault is FaultKind.DRIP:
            await asyncio.sleep(self.drip * 10)
        text = segment.text
        words = [
            {"word": word.lower(), "start": 0.0, "end": 0.1, "confidence": 0.99, "punctuated_word": word}
            for word in text.split()
        ]
        await socket.send_json(
            {
                "type": "Results",
                "channel_index": [0, 1],
                "duration": len(segment.pcm) / 2 / segment.rate,
                "start": 0.0,
                "is_final": final,
                "speech_final": False,
                "channel": {"alternatives": [{"transcript": text, "confidence": 0.99, "words": words}]},
                "metadata": {
                    "request_id": "r",
                    "model_uuid": "m",
                    "model_info": {"name": "general-nova-3", "version": "1", "arch": "nova-3"},
                },
                "from_finalize": False,
            }
        )

    async def _end(self, socket: WebSocket, segment: Segment) -> None:
        await self._result(socket, segment, final=True)
        if self.fault is not FaultKind.GARBAGE:
            metadata = {"transaction_key": "deprecated", "request_id": "r", "sha256": "s", "created": "c"}
            seconds = len(segment.pcm) / 2 / segment.rate
            await socket.send_json({"type": "Metadata", **metadata, "duration": seconds, "channels": 1})
        await socket.close(1000)

    async def _speak(self, request: Request) -> Response:
        query, body = dict(request.query_params), await request.json()
        self.asked.append({"path": request.url.path, **query, **body})
        if request.headers.get("authorization") != f"Token {KEY}":
            return JSONResponse({"err_code": "INVALID_AUTH", "err_msg": "Invalid credentials."}, 401)
        if not query.get("model", "").startswith("aura-") or query.get("container") != "none":
            return JSONResponse({"err_code": "Bad Request", "err_msg": "No such model."}, 400)
        if (answer := await self.refused()) is not None:
            return answer
        pieces = _spoken(body["text"], int(query["sample_rate"]))
        return StreamingResponse(self.sound(pieces), media_type="audio/l16;rate=24000;channels=1")


# ---- ElevenLabs ----


class ElevenLabs(Vendor):
    """`/v1/speech-to-text/realtime` (WebSocket) and `/v1/text-to-speech/{voice}/stream`."""

    def routes(self) -> list[Route | WebSocketRoute]:
        return [
            WebSocketRoute("/v1/speech-to-text/realtime", self._listen),
            Route("/v1/text-to-speech/{voice}/stream", self._speak, methods=["POST"]),
        ]

    async def _listen(self, socket: WebSocket) -> None:
        query = dict(socket.query_params)
        keyterms = socket.query_params.getlist("keyterms")
        self.asked.append({"path": socket.url.path, **query, "keyterms": keyterms})
        if socket.headers.get("xi-api-key") != KEY:
            await socket.send_denial_response(JSONResponse({"detail": {"status": "invalid_api_key"}}, 403))
            return
        if not await self.accept(socket):
            return
        await socket.send_json({"message_type": "session_started", "session_id": "s", "config": query})
        segment = Segment(int(query["audio_format"].removeprefix("pcm_")))
        try:
            async for message in socket.iter_json():
                assert message["message_type"] == "input_audio_chunk"
                if segment.take(base64.b64decode(message["audio_base_64"])):
                    await self._words(socket, "partial_transcript", segment)
                if message["commit"]:
                    await self._commit(socket, segment)
        except WebSocketDisconnect:
            return

    async def _commit(self, socket: WebSocket, segment: Segment) -> None:
        if len(segment.pcm) < 0.3 * segment.rate * 2:
            told = {
                "message_type": "commit_throttled",
                "error": "Commit request ignored: under 0.3s of audio.",
            }
            await socket.send_json(told)
            return
        await self._words(socket, "committed_transcript", segment)

    async def _words(self, socket: WebSocket, kind: str, segment: Segment) -> None:
        match self.fault:
            case FaultKind.GARBAGE:
                await socket.send_text('{"message_type": <html>')
                return
            case FaultKind.DIE:
                await socket.close(1011, "internal error")
                raise WebSocketDisconnect(1011)
            case FaultKind.DRIP:
                await asyncio.sleep(self.drip * 10)
        await socket.send_json({"message_type": kind, "text": segment.text})

    async def _speak(self, request: Request) -> Response:
        query, body = dict(request.query_params), await request.json()
        voice = request.path_params["voice"]
        self.asked.append({"path": request.url.path, "voice": voice, **query, **body})
        if request.headers.get("xi-api-key") != KEY:
            return JSONResponse({"detail": {"status": "invalid_api_key", "message": "Invalid API key"}}, 401)
        if voice not in _VOICES:
            return JSONResponse({"detail": {"status": "voice_not_found", "message": "No such voice."}}, 404)
        if (answer := await self.refused()) is not None:
            return answer
        pieces = _spoken(body["text"], int(query["output_format"].removeprefix("pcm_")))
        return StreamingResponse(self.sound(pieces), media_type="audio/pcm")


@asynccontextmanager
async def running(*vendors: Deepgram | ElevenLabs) -> AsyncIterator[None]:
    """The vendors on one port of loopback; their `url` is set."""
    routes = [route for vendor in vendors for route in vendor.routes()]
    async with served(Starlette(routes=routes)) as url:
        for vendor in vendors:
            vendor.url = url
        yield


def split(pcm: bytes, size: int) -> Iterator[bytes]:
    """The sound in frames."""
    for at in range(0, len(pcm), size):
        yield pcm[at : at + size]
