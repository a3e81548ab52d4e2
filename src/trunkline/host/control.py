"""The voice process's own HTTP: health for the operator, control and events of live calls for the API.

Everything under `/calls` and `/media-calls` wants the header `X-Trunkline-Node-Token`; only processes of this
installation can make it.
"""

import asyncio
import hmac
import json
import socket
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from typing import Any, Protocol
from uuid import UUID

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from trunkline.errors import Conflict, PortTaken
from trunkline.platform.storage.secrets import NODE_TOKEN_HEADER
from trunkline.platform.telemetry import metrics
from trunkline.voice.conversation.events import HangUp, Note, Say, Whisper
from trunkline.voice.lines.line import Referred

_MAX_BODY = 16_384
_MAX_TEXT = 2_000
_MAX_MESSAGE = 65_536
"""Bytes of a WebSocket message; a second of the widest sound is half of it."""
_GUARDED = ("/calls", "/media-calls")
_CLOSE_SECONDS = 2
"""For answers in progress (watchers) when the process stops."""


class Live(Protocol):
    """A live call as control sees it."""

    def describe(self) -> dict[str, Any]:
        """Id, direction, state and time, without words or numbers."""
        ...

    def control(self, event: HangUp | Say | Whisper) -> None:
        """Feed the conversation."""
        ...

    async def transfer(self, target: str, seconds: float) -> Referred:
        """Send the other side to a `sip:` URI; returns the outcome. Raises Conflict while another transfer runs."""
        ...

    def watch(self) -> AsyncIterator[Note]:
        """Every note, those of before first; ends with the call."""
        ...


class Board(Protocol):
    """What control sees of the host."""

    def find(self, call_id: UUID) -> Live | None: ...

    def cancel(self, call_id: UUID) -> bool:
        """Give up a call that we placed and nobody has answered; False when there is none of this id."""
        ...

    def live(self) -> Sequence[Live]: ...

    def not_ready(self) -> str | None:
        """Why no call can be taken right now; None when one can."""
        ...


def app(board: Board, token: str, node: UUID, further: Sequence[BaseRoute] = ()) -> ASGIApp:
    """The application of this `node` with these `further` routes; `token` is what the header must hold."""
    routes = [
        Route("/healthz", _health),
        Route("/nodes/{node_id:uuid}", _node),
        Route("/readyz", _ready),
        Route("/metrics", _metrics),
        Route("/calls", _calls),
        Route("/calls/{call_id:uuid}/hangup", _hang_up, methods=["POST"]),
        Route("/calls/{call_id:uuid}/say", _say, methods=["POST"]),
        Route("/calls/{call_id:uuid}/whisper", _whisper, methods=["POST"]),
        Route("/calls/{call_id:uuid}/transfer", _transfer, methods=["POST"]),
        Route("/calls/{call_id:uuid}/events", _events),
        *further,
    ]
    starlette = Starlette(routes=routes)
    starlette.state.board = board
    starlette.state.node = node
    return _Guard(starlette, token)


@asynccontextmanager
async def served(application: ASGIApp, bind: str, port: int) -> AsyncIterator[int]:
    """Serve in the running loop; gives the port, which the system chooses for 0. Raises PortTaken."""
    with _listener(bind, port) as listener:
        config = uvicorn.Config(
            application,
            http="httptools",
            ws="websockets-sansio",
            ws_max_size=_MAX_MESSAGE,
            ws_per_message_deflate=False,  # sound does not shrink, and 50 messages a second are not worth the try
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_CLOSE_SECONDS,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve([listener]), name="control")
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    """Leaves the process's signals to the role."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _listener(bind: str, port: int) -> socket.socket:
    # With the protocol named: asyncio turns Nagle's delay off only for sockets that say they are TCP (40 ms a reply).
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((bind, port))
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"Control of calls cannot listen on {bind}:{port} ({error.strerror}). Stop what holds it, or set "
            "TRUNKLINE_VOICE_PORT to a free port."
        ) from error
    return listener


class _Guard:
    """Lets only this installation's processes at the calls."""

    def __init__(self, inner: ASGIApp, token: str) -> None:
        self._inner = inner
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(_GUARDED):
            sent = Request(scope).headers.get(NODE_TOKEN_HEADER, "").encode()
            if not hmac.compare_digest(sent, self._token):
                refusal = problem(401, f"{NODE_TOKEN_HEADER} is missing or is not this installation's")
                await refusal(scope, receive, send)
                return
        await self._inner(scope, receive, send)


def _board(request: Request) -> Board:
    board: Board = request.app.state.board
    return board


def problem(status: int, text: str) -> JSONResponse:
    """A refusal in words."""
    return JSONResponse({"error": text}, status)


def _gone(call_id: UUID) -> JSONResponse:
    return problem(404, f"call {call_id} is not live on this host; it has ended or is held by another")


async def _health(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _node(request: Request) -> Response:
    """Whether this is that node: another process may listen by now where it did."""
    return Response(status_code=204 if request.path_params["node_id"] == request.app.state.node else 404)


async def _ready(request: Request) -> Response:
    reason = _board(request).not_ready()
    return JSONResponse({"ready": reason is None, "reason": reason}, 200 if reason is None else 503)


async def _metrics(_: Request) -> Response:
    return Response(metrics.render(), media_type=metrics.CONTENT_TYPE)


async def _calls(request: Request) -> Response:
    return JSONResponse({"calls": [call.describe() for call in _board(request).live()]})


async def _hang_up(request: Request) -> Response:
    call_id: UUID = request.path_params["call_id"]
    body = await body_of(request)
    if isinstance(body, Response):
        return body
    reason = body.get("reason", "user_canceled")
    if not isinstance(reason, str) or not reason:
        return problem(422, "`reason` must be a text that is not empty")
    if _board(request).cancel(call_id):
        return JSONResponse({"ok": True}, 202)
    return _feed(request, call_id, HangUp(reason[:_MAX_TEXT]))


async def _say(request: Request) -> Response:
    text = await _text(request)
    return text if isinstance(text, Response) else _feed(request, request.path_params["call_id"], Say(text))


async def _whisper(request: Request) -> Response:
    text = await _text(request)
    return (
        text if isinstance(text, Response) else _feed(request, request.path_params["call_id"], Whisper(text))
    )


async def _text(request: Request) -> str | Response:
    body = await body_of(request)
    if isinstance(body, Response):
        return body
    text = body.get("text")
    if not isinstance(text, str) or not text.strip() or len(text) > _MAX_TEXT:
        return problem(422, f"`text` must be a text of 1 to {_MAX_TEXT} characters")
    return text


async def _transfer(request: Request) -> Response:
    call_id: UUID = request.path_params["call_id"]
    body = await body_of(request)
    if isinstance(body, Response):
        return body
    target, seconds = body.get("target"), body.get("timeout")
    if not isinstance(target, str) or not isinstance(seconds, int | float):
        return problem(422, "`target` must be a text and `timeout` a number of seconds")
    call = _board(request).find(call_id)
    if call is None:
        return _gone(call_id)
    try:
        return JSONResponse(asdict(await call.transfer(target, seconds)))
    except Conflict as error:
        return problem(409, str(error))


def _feed(request: Request, call_id: UUID, event: HangUp | Say | Whisper) -> Response:
    call = _board(request).find(call_id)
    if call is None:
        return _gone(call_id)
    call.control(event)
    return JSONResponse({"ok": True}, 202)


async def _events(request: Request) -> Response:
    call_id: UUID = request.path_params["call_id"]
    call = _board(request).find(call_id)
    if call is None:
        return _gone(call_id)
    return StreamingResponse(
        _stream(call), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def _stream(call: Live) -> AsyncIterator[str]:
    async for note in call.watch():
        yield f"data: {json.dumps(asdict(note), separators=(',', ':'))}\n\n"


async def body_of(request: Request) -> dict[str, Any] | Response:
    """The JSON object of a request; an empty body counts as {}."""
    raw = b""
    async for piece in request.stream():
        raw += piece
        if len(raw) > _MAX_BODY:
            return problem(413, f"the body may hold {_MAX_BODY} bytes")
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        body = None
    return body if isinstance(body, dict) else problem(422, "the body must be a JSON object")
