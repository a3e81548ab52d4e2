"""The scripted server's HTTP: reads requests, asks the script, hands the answer's time-table to its delivery."""

import asyncio
import io
import random
import time
import wave
from collections import Counter, deque
from dataclasses import asdict
from typing import Any, Literal
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from trunkline.voice.scripted import chat, sound
from trunkline.voice.scripted.answer import (
    Answer,
    Delivery,
    Piece,
    Served,
    error_answer,
    json_answer,
    with_fault,
)
from trunkline.voice.scripted.script import Delay, Fault, FaultKind, Script, Spread
from trunkline.voice.speech import tones

Part = Literal["llm", "stt", "tts"]
_RECORD = 10_000
_MODELS = ("scripted", "gpt-4.1", "whisper-1", "tts-1")
_MAX_SOUND = 64 * 1024 * 1024


class Wish(BaseModel):
    """How one request differs from the script: what stands after `?` in its model name or in `X-Scripted`."""

    model_config = ConfigDict(extra="forbid")

    first_ms: float | None = None
    token_ms: float | None = None
    fault: FaultKind | None = None
    drip_ms: float = 1000.0
    retry_after: int = 1
    text: str | None = None


class Play:
    """One run of a script: how many requests each part has had, and the record of them."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.served: deque[Served] = deque(maxlen=_RECORD)
        self._count: Counter[Part] = Counter()

    def restart(self, script: Script) -> None:
        """Counters and dice begin anew; the record stays."""
        self.script = script
        self._count.clear()

    def admit(self, part: Part, arrived: float, request: Request, body: dict[str, Any]) -> "Turn":
        """Number a request, draw its delay and fault."""
        self._count[part] += 1
        number = self._count[part]
        name, _, suffix = str(body.get("model", "")).partition("?")
        query = "&".join(filter(None, (suffix, request.headers.get("x-scripted", ""))))
        wish = _wish(query)
        dice = random.Random(f"{self.script.seed}:{part}:{number}")  # noqa: S311 repeatable on purpose
        script = getattr(self.script, part)
        delay = _delay(script.first_ms, dice) if wish.first_ms is None else wish.first_ms
        fault = _wished(wish) or next((f for f in script.faults if f.strikes(number, dice)), None)
        served = Served(part, number, name, arrived, delay, fault.kind if fault else None, body)
        self.served.append(served)
        return Turn(served, fault, wish)


class Turn:
    """A request that has been admitted."""

    def __init__(self, served: Served, fault: Fault | None, wish: Wish) -> None:
        self.served = served
        self.wish = wish
        self._fault = fault

    def answered(self, answer: Answer) -> ASGIApp:
        """What sends the answer, with its fault if it has one."""
        return Delivery(with_fault(answer, self._fault) if self._fault else answer, self.served)


def _wish(query: str) -> Wish:
    try:
        return Wish.model_validate(dict(parse_qsl(query)))
    except ValidationError as error:
        raise HTTPException(400, f"Parameters after ? in the model name or in X-Scripted: {error}") from None


def _wished(wish: Wish) -> Fault | None:
    if wish.fault is None:
        return None
    return Fault(kind=wish.fault, drip_ms=wish.drip_ms, retry_after=wish.retry_after)


def _delay(delay: Delay, dice: random.Random) -> float:
    return delay.draw(dice) if isinstance(delay, Spread) else delay


class _Endpoints:
    def __init__(self, play: Play) -> None:
        self._play = play

    async def chat(self, request: Request) -> ASGIApp:
        arrived = time.monotonic()
        body = await _json(request)
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            raise HTTPException(400, "messages: a list of at least one is needed")
        turn = self._play.admit("llm", arrived, request, body)
        script = self._play.script.llm
        body["model"] = turn.served.model
        said = chat.reply(script, messages) if turn.wish.text is None else chat.Reply(turn.wish.text)
        form = body.get("response_format") or {}
        if form.get("type") == "json_schema":
            said = chat.shaped(said, form["json_schema"].get("schema", {}))
        turn.served.text = said.text
        token_ms = script.token_ms if turn.wish.token_ms is None else turn.wish.token_ms
        written = chat.streamed if body.get("stream") else chat.whole
        return turn.answered(
            written(said, body, turn.served.number, chat.Pace(turn.served.delay_ms, token_ms))
        )

    async def transcription(self, request: Request) -> ASGIApp:
        await request.body()
        arrived = time.monotonic()
        async with request.form(max_part_size=_MAX_SOUND) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise HTTPException(400, "file: send the sound as multipart/form-data in a part named file")
            body: dict[str, Any] = {name: value for name, value in form.items() if isinstance(value, str)}
            pcm, rate = _wav(await file.read())
        body["seconds"] = round(len(pcm) / 2 / rate, 3)
        turn = self._play.admit("stt", arrived, request, body)
        script, number = self._play.script.stt, turn.served.number
        text = script.texts[number - 1] if number <= len(script.texts) else script.default
        if turn.wish.text is not None:
            text = turn.wish.text
        elif script.decode:
            text = await asyncio.to_thread(tones.hear, pcm, rate) or text
        turn.served.text = text
        return turn.answered(_transcribed(text, body, turn.served.delay_ms))

    async def speech(self, request: Request) -> ASGIApp:
        arrived = time.monotonic()
        body = await _json(request)
        text = body.get("input")
        if not isinstance(text, str) or not text.strip():
            raise HTTPException(400, "input: the text to be spoken is needed")
        if body.get("response_format", "pcm") not in ("pcm", "wav"):
            raise HTTPException(400, "response_format: pcm and wav are served")
        turn = self._play.admit("tts", arrived, request, body)
        turn.served.text = text
        script = self._play.script.tts
        pcm = await asyncio.to_thread(sound.speech, text, script.voice)
        size = int(sound.RATE * script.piece_ms / 1000) * 2
        blocks = [pcm[start : start + size] for start in range(0, len(pcm), size)]
        wav = body.get("response_format") == "wav"
        if wav:
            blocks[0] = sound.wav_header(len(pcm)) + blocks[0]
        first = turn.served.delay_ms
        pieces = tuple(Piece(first + n * script.gap_ms, block) for n, block in enumerate(blocks))
        return turn.answered(Answer(pieces, media_type="audio/wav" if wav else "audio/pcm"))

    async def models(self, request: Request) -> Response:
        return JSONResponse(
            {
                "object": "list",
                "data": [
                    {"id": name, "object": "model", "created": 0, "owned_by": "trunkline"} for name in _MODELS
                ],
            }
        )

    async def health(self, request: Request) -> Response:
        return PlainTextResponse("ok")

    async def read_script(self, request: Request) -> Response:
        return JSONResponse(self._play.script.model_dump(mode="json"))

    async def change_script(self, request: Request) -> Response:
        try:
            self._play.restart(self._play.script.changed(await _json(request)))
        except ValidationError as error:
            raise HTTPException(400, str(error)) from None
        return JSONResponse(self._play.script.model_dump(mode="json"))

    async def requests(self, request: Request) -> Response:
        return JSONResponse([asdict(served) for served in self._play.served])


def _wav(data: bytes) -> tuple[bytes, int]:
    """The sound and its rate."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            if file.getsampwidth() != 2 or file.getnchannels() != 1:
                raise HTTPException(400, "file: only mono WAV of 16 bits is heard here")
            return file.readframes(file.getnframes()), file.getframerate()
    except (wave.Error, EOFError):
        raise HTTPException(400, "file: only WAV is heard here") from None


def _transcribed(text: str, body: dict[str, Any], at_ms: float) -> Answer:
    match body.get("response_format", "json"):
        case "text":
            return Answer((Piece(at_ms, f"{text}\n".encode()),), media_type="text/plain; charset=utf-8")
        case "verbose_json":
            language = body.get("language", "en")
            return json_answer(
                at_ms,
                {
                    "task": "transcribe",
                    "language": language,
                    "duration": body["seconds"],
                    "text": text,
                    "segments": [],
                },
            )
        case _:
            return json_answer(at_ms, {"text": text})


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        raise HTTPException(400, "the body must be JSON") from None
    if not isinstance(body, dict):
        raise HTTPException(400, "the body must be a JSON object")
    return body


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = error_answer(0, error.status_code, error.detail)
    return Response(answer.pieces[0].data, error.status_code, media_type="application/json")


def app(play: Play | Script) -> Starlette:
    """The application that plays a script."""
    if isinstance(play, Script):
        play = Play(play)
    sound.tone()  # made now, not while the first sentence waits
    ends = _Endpoints(play)
    return Starlette(
        routes=[
            Route("/v1/chat/completions", ends.chat, methods=["POST"]),
            Route("/v1/audio/transcriptions", ends.transcription, methods=["POST"]),
            Route("/v1/audio/speech", ends.speech, methods=["POST"]),
            Route("/v1/models", ends.models),
            Route("/health", ends.health),
            Route("/script", ends.read_script),
            Route("/script", ends.change_script, methods=["POST"]),
            Route("/requests", ends.requests),
        ],
        exception_handlers={HTTPException: _refused},
    )
