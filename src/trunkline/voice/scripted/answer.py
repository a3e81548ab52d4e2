"""An answer as a time-table of bytes, and what faults make of it."""

import asyncio
import json
import time
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from trunkline.voice.scripted.script import Fault, FaultKind

_TIMER_LATE = 0.0012


@dataclass(frozen=True)
class Piece:
    """Bytes, and when they go out: milliseconds after the request arrived."""

    at_ms: float
    data: bytes


@dataclass(frozen=True)
class Answer:
    """What goes back for one request. Head and first piece leave together."""

    pieces: tuple[Piece, ...]
    media_type: str = "application/json"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    whole: bool = True
    """False: the connection breaks after the last piece."""


@dataclass
class Served:
    """One line of the server's record. Times are of `time.monotonic()`."""

    part: str
    """llm, stt or tts."""
    number: int
    """Of its part, from 1."""
    model: str
    arrived: float
    delay_ms: float
    fault: FaultKind | None
    request: dict[str, Any]
    """The JSON body; for sound, `{"seconds": …}` and the form's fields."""
    text: str = ""
    """The words of the answer: replied, heard or spoken."""
    first_byte: float | None = None
    finished: float | None = None
    """None while it is under way, and for ever when the client left before its end."""
    left: bool = False
    """The client closed the connection before the end."""


def json_answer(at_ms: float, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """A whole JSON body at once."""
    return Answer((Piece(at_ms, json.dumps(body).encode()),), status=status, headers=headers or {})


def error_answer(at_ms: float, status: int, message: str, headers: dict[str, str] | None = None) -> Answer:
    """An error in OpenAI's shape."""
    kind = "invalid_request_error" if status < 429 else "server_error"
    return json_answer(at_ms, {"error": {"message": message, "type": kind, "code": status}}, status, headers)


def with_fault(answer: Answer, fault: Fault) -> Answer:
    """The answer as this fault leaves it."""
    at_ms = answer.pieces[0].at_ms
    match fault.kind:
        case FaultKind.TOO_MANY:
            return error_answer(at_ms, 429, "Too many requests.", {"Retry-After": str(fault.retry_after)})
        case FaultKind.BROKEN:
            return error_answer(at_ms, 500, "The server had an error.")
        case FaultKind.HANG:
            return replace(answer, pieces=(), whole=False)
        case FaultKind.GARBAGE:
            return replace(answer, pieces=(Piece(at_ms, b'data: {"choices": [}<html>\x00\xff\n\n'),))
        case FaultKind.DRIP:
            return replace(answer, pieces=_dripped(answer.pieces, fault.drip_ms))
        case FaultKind.DIE:
            return replace(answer, pieces=_half(answer.pieces), whole=False)


def _dripped(pieces: tuple[Piece, ...], gap_ms: float) -> tuple[Piece, ...]:
    return tuple(Piece(pieces[0].at_ms + n * gap_ms, piece.data) for n, piece in enumerate(pieces))


def _half(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    if len(pieces) == 1:
        return (replace(pieces[0], data=pieces[0].data[: len(pieces[0].data) // 2]),)
    return pieces[: len(pieces) // 2]


class Delivery:
    """Sends an answer by its time-table; an ASGI application for one request."""

    def __init__(self, answer: Answer, served: Served) -> None:
        self._answer = answer
        self._served = served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        leaving = asyncio.create_task(_leave(receive))
        try:
            await self._send(send, leaving)
        finally:
            leaving.cancel()
            self._served.left = self._served.finished is None and leaving.done()

    async def _send(self, send: Send, leaving: asyncio.Task[None]) -> None:
        answer, served = self._answer, self._served
        if not answer.pieces:
            await asyncio.wait({leaving})
            return
        for piece in answer.pieces:
            await _until(served.arrived + piece.at_ms / 1000, leaving, exact=served.first_byte is None)
            if leaving.done():
                return
            if served.first_byte is None:
                served.first_byte = time.monotonic()
                await send(_head(answer))
            await send({"type": "http.response.body", "body": piece.data, "more_body": True})
        if answer.whole:
            await send({"type": "http.response.body", "body": b""})
            served.finished = time.monotonic()
        # Otherwise the application returns with its answer open, and the server breaks the connection.


async def _until(due: float, leaving: asyncio.Task[None], exact: bool) -> None:
    """Wait until `due` or until the client leaves. A timer fires up to 1.2 ms late; an exact wait turns the last bit."""
    wait = due - time.monotonic() - (_TIMER_LATE if exact else 0.0)
    if wait > 0:
        await asyncio.wait({leaving}, timeout=wait)
    while exact and time.monotonic() < due and not leaving.done():  # noqa: ASYNC110 1.2 ms at most
        await asyncio.sleep(0)


async def _leave(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _head(answer: Answer) -> Message:
    headers = {"Content-Type": answer.media_type, **answer.headers}
    if answer.whole and len(answer.pieces) == 1:
        headers["Content-Length"] = str(len(answer.pieces[0].data))
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http.response.start", "status": answer.status, "headers": raw}
