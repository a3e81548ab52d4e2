"""Our own API of calls, under /trunkline/v1: events as they happen, hanging up, the ledger, recordings."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx2
import structlog
from fastapi import APIRouter, Header, Query
from fastapi.responses import Response, StreamingResponse

from trunkline.errors import Conflict, Forbidden, NotFound, Unavailable
from trunkline.platform.http.auth import Identity
from trunkline.platform.http.context import Caller, Parts, Platform, keyed_router
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Ok, StatusOnly, done, ok
from trunkline.platform.storage import system
from trunkline.platform.storage.secrets import NODE_TOKEN_HEADER
from trunkline.resources.calls import ranges
from trunkline.resources.calls.endpoints import Service, calls_of
from trunkline.resources.calls.links import path_of
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.repository import CallRepository, recording_key
from trunkline.resources.calls.schemas import Ledger
from trunkline.resources.calls.status import FINAL, CallStatus

_keyed = keyed_router("/trunkline/v1", "Live calls", Scope.CALLS)
_unkeyed = APIRouter(prefix="/trunkline/v1", tags=["Recordings"])

PIECE = 256 * 1024
_END = b"event: end\ndata: {}\n\n"
_AGAIN = b"retry: 1000\n\n"

_log = structlog.get_logger(__name__)


@_keyed.get("/calls/{call_id}/events", response_class=StreamingResponse)
async def call_events(call_id: str, caller: Caller, parts: Parts) -> StreamingResponse:
    """Everything that happened and happens in a call, as server-sent events; `event: end` closes it."""
    call = await _call(parts, caller, call_id)
    over = CallStatus(call.status) in FINAL
    live = None if over else await _live_events(parts, call)
    body = _replay(await _stored(parts, caller, call), over) if live is None else _relay(live)
    return StreamingResponse(body, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


@_keyed.post("/calls/{call_id}/hangup")
async def hang_up(call_id: str, caller: Caller, parts: Parts) -> StatusOnly:
    """End a call that is on."""
    call = await _call(parts, caller, call_id)
    if CallStatus(call.status) in FINAL:
        raise Conflict(f"The call has ended already ({call.status}).")
    url = await _control_url(parts, call)
    if url is None:
        raise Conflict(f"The call is {call.status}: no voice process holds it yet; try again when it is on.")
    try:
        answer = await parts.nodes.post(f"{url}/hangup", headers=_token(parts))
    except httpx2.TransportError as error:
        raise Unavailable("The voice process that holds the call does not answer; try again.") from error
    if answer.status_code == httpx2.codes.NOT_FOUND:
        raise Conflict("The call is not live: it is not answered yet, or has just ended.")
    if answer.is_error:
        raise Unavailable(f"The voice process refused to hang up ({answer.status_code}); try again.")
    return done()


@_keyed.get("/calls/{call_id}/ledger")
async def call_ledger(call_id: str, calls: Service) -> Ok[Ledger]:
    """Where each turn's latency went, in milliseconds of the call's clock."""
    call = await calls.get(call_id)
    return ok(Ledger(turns=call.ledger, models=call.models))


@_unkeyed.get("/recordings/{call_id}", response_class=Response)
async def recording(
    call_id: str,
    parts: Parts,
    expires: Annotated[int, Query()],
    signature: Annotated[str, Query()],
    range_: Annotated[str | None, Header(alias="range")] = None,
) -> Response:
    """The WAV of a call: left the caller, right what the caller heard. The link is the authority; no key."""
    if not parts.secrets.link_is_good(path_of(call_id), expires, signature):
        raise Forbidden("This link has expired or was changed; read the call again for a new one.")
    async with parts.database.system() as session:
        key = await recording_key(session, call_id)
    if key is None:
        raise NotFound("This call has no recording.")
    return await _file(parts, key, range_)


async def _file(parts: Platform, key: str, asked: str | None) -> Response:
    size = await parts.blobs.size(key)
    try:
        span = ranges.span_of(asked, size)
    except ranges.Unsatisfiable:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "private, max-age=3600"}
    whole = span or ranges.Span(0, size)
    headers["Content-Length"] = str(whole.length)
    if span is not None:
        headers["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{size}"
    return StreamingResponse(
        _pieces(parts, key, whole),
        status_code=206 if span else 200,
        media_type="audio/wav",
        headers=headers,
    )


async def _pieces(parts: Platform, key: str, span: ranges.Span) -> AsyncIterator[bytes]:
    for start in range(span.start, span.end, PIECE):
        yield await parts.blobs.get(key, start, min(PIECE, span.end - start))


# Transactions of their own, each short: none is held while a voice process is waited for.


async def _call(parts: Platform, caller: Identity, call_id: str) -> Call:
    async with parts.database.workspace(caller.workspace_id) as session:
        return await calls_of(session, caller).get(call_id)


async def _stored(parts: Platform, caller: Identity, call: Call) -> list[dict[str, Any]]:
    async with parts.database.workspace(caller.workspace_id) as session:
        events = await CallRepository(session, caller.workspace_id).events(call)
    return [{"at_ms": event.at_ms, "kind": event.kind, "data": event.data} for event in events]


async def _control_url(parts: Platform, call: Call) -> str | None:
    """The call's own address at the voice process that holds it."""
    if call.host_id is None:
        return None
    async with parts.database.system() as session:
        hosts = {node.id: node.control_url for node in await system.nodes(session)}
    url = hosts.get(call.host_id)
    return f"{url.rstrip('/')}/calls/{call.id}" if url else None


def _token(parts: Platform) -> dict[str, str]:
    return {NODE_TOKEN_HEADER: parts.secrets.node_token}


async def _live_events(parts: Platform, call: Call) -> httpx2.Response | None:
    """The open stream of the voice process that holds the call, or None."""
    url = await _control_url(parts, call)
    if url is None:
        return None
    request = parts.nodes.build_request(
        "GET", f"{url}/events", headers=_token(parts), timeout=httpx2.Timeout(5.0, read=None)
    )
    try:
        answer = await parts.nodes.send(request, stream=True)
    except httpx2.TransportError as error:
        _log.warning("voice_host_silent", call_id=str(call.id), error=type(error).__name__)
        return None
    if answer.status_code == httpx2.codes.OK:
        return answer
    await answer.aclose()
    return None


async def _relay(answer: httpx2.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.aiter_bytes():
            yield piece
        yield _END
    except httpx2.TransportError:
        yield _AGAIN  # the host went away in mid-call: the watcher comes back and reads what is stored
    finally:
        await answer.aclose()


async def _replay(notes: list[dict[str, Any]], over: bool) -> AsyncIterator[bytes]:
    for note in notes:
        yield f"data: {json.dumps(note, separators=(',', ':'))}\n\n".encode()
    yield _END if over else _AGAIN


router = APIRouter()
router.include_router(_keyed)
router.include_router(_unkeyed)
