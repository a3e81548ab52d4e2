"""The doors of media calls on the voice process's HTTP.

POST      /media-calls   of the API, with the node token: a call is about to come
WebSocket /media/{sid}   its socket
WebSocket /media         its socket too: we say who we are, the other side names the sid
"""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from trunkline.errors import NoFreeSlot, NotFound, SetupError
from trunkline.host.control import body_of, problem
from trunkline.host.media import MediaCalls, MediaOrder
from trunkline.voice.lines.codecs import CodecName
from trunkline.voice.lines.framing import FramingName, Message
from trunkline.voice.lines.websocket import SocketClosed

BIND_SECONDS = 60.0
_NOT_FOUND = 4404
"""Close code of a sid that no call waits under."""
_NO_BIND = 4400
"""Close code of a first message that is no bind, or does not come."""


class StarletteSocket:
    """A WebSocket of the server as a line's socket."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def receive(self) -> Message:
        got = await self._websocket.receive()
        if got["type"] == "websocket.disconnect":
            raise SocketClosed(int(got.get("code") or 1005))
        text = got.get("text")
        return got.get("bytes") or b"" if text is None else str(text)

    async def send(self, message: Message) -> None:
        try:
            if isinstance(message, bytes):
                await self._websocket.send_bytes(message)
            else:
                await self._websocket.send_text(message)
        except (WebSocketDisconnect, RuntimeError) as error:  # of a socket that was closed meanwhile
            raise SocketClosed(1005) from error

    async def close(self, code: int, reason: str) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._websocket.close(code, reason)


def routes(media: MediaCalls) -> Sequence[BaseRoute]:
    """The doors to these calls."""

    async def announce(request: Request) -> Response:
        body = await body_of(request)
        if isinstance(body, Response):
            return body
        order = _order(body)
        if order is None:
            return problem(422, "`call_id`, `sid`, `codec` and `framing` are needed")
        try:
            media.expect(order)
        except (NoFreeSlot, SetupError) as error:
            return problem(503, str(error))
        return JSONResponse({"ok": True}, 202)

    async def direct(websocket: WebSocket) -> None:
        sid = websocket.path_params["sid"]
        if not media.knows(sid):
            await websocket.send_denial_response(PlainTextResponse("no call waits here\n", 404))
            return
        await websocket.accept()
        await _join(media, sid, StarletteSocket(websocket))

    async def base(websocket: WebSocket) -> None:
        await websocket.accept()
        socket = StarletteSocket(websocket)
        with contextlib.suppress(SocketClosed):
            await socket.send(json.dumps({"type": "server_info", "server-name": str(media.host)}))
            sid = await _bound(socket)
            if sid is None:
                await socket.close(_NO_BIND, "the first message must be {type: bind, sid}")
            else:
                await _join(media, sid, socket)

    return (
        Route("/media-calls", announce, methods=["POST"]),
        WebSocketRoute("/media", base),
        WebSocketRoute("/media/{sid}", direct),
    )


async def _join(media: MediaCalls, sid: str, socket: StarletteSocket) -> None:
    try:
        await media.join(sid, socket)
    except NotFound as error:
        await socket.close(_NOT_FOUND, str(error))


async def _bound(socket: StarletteSocket) -> str | None:
    """The sid of the first message; None when it is no bind, or does not come in time."""
    try:
        async with asyncio.timeout(BIND_SECONDS):
            told = json.loads(await socket.receive())
    except (TimeoutError, ValueError):
        return None
    if not isinstance(told, dict) or told.get("type") != "bind" or not isinstance(told.get("sid"), str):
        return None
    return str(told["sid"])


def _order(body: dict[str, Any]) -> MediaOrder | None:
    try:
        return MediaOrder(
            call_id=UUID(body["call_id"]),
            sid=str(body["sid"]),
            codec=CodecName(body["codec"]),
            framing=FramingName(body["framing"]),
        )
    except (KeyError, ValueError, AttributeError, TypeError):
        return None
