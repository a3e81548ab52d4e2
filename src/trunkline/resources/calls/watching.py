"""Our own API of calls, under /trunkline/v1: events as they happen, the ledger, recordings."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx2
from fastapi import APIRouter, Header, Query
from fastapi.responses import Response, StreamingResponse

from trunkline.errors import Forbidden, NotFound
from trunkline.platform.http.auth import Identity
from trunkline.platform.http.context import Caller, Parts, Platform, keyed_router
from trunkline.platform.http.errors import ErrorEnvelope
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Ok, ok
from trunkline.resources.calls import ranges
from trunkline.resources.calls.endpoints import Service
from trunkline.resources.calls.holders import call_of, events_of
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
_EVENT = {
    "type": "object",
    "properties": {
        "event": {"type": "string", "description": "`end` on the last one; absent on all others."},
        "data": {
            "type": "string",
            "description": "A note as JSON: `at_ms` in the call's clock, its `kind`, and `data`; `{}` at the end.",
            "contentMediaType": "application/json",
        },
    },
}
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"itemSchema": _EVENT}}, "description": "The events."}
}
_WAV = {"audio/wav": {"schema": {"type": "string", "format": "binary"}}}
FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": _WAV, "description": "All of it."},
    206: {"content": _WAV, "description": "The bytes that the Range header asks for."},
    403: {"model": ErrorEnvelope},
    416: {"description": "The range lies outside the recording."},
}


@_keyed.get("/calls/{call_id}/events", response_class=StreamingResponse, responses=_EVENTS)
async def call_events(call_id: str, caller: Caller, parts: Parts) -> StreamingResponse:
    """Everything that happened and happens in a call, as server-sent events; `event: end` closes it."""
    call = await call_of(parts, caller, call_id)
    over = CallStatus(call.status) in FINAL
    live = None if over else await events_of(parts, call)
    body = _replay(await _stored(parts, caller, call), over) if live is None else _relay(live)
    return StreamingResponse(body, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


@_keyed.get("/calls/{call_id}/ledger")
async def call_ledger(call_id: str, calls: Service) -> Ok[Ledger]:
    """Where each turn's latency went, in milliseconds of the call's clock."""
    call = await calls.get(call_id)
    return ok(Ledger(turns=call.ledger, models=call.models, inbound_metadata=call.inbound_metadata))


@_unkeyed.get("/recordings/{call_id}", response_class=Response, responses=FILE)
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
    return await file_answer(parts, key, range_)


async def file_answer(parts: Platform, key: str, asked: str | None) -> Response:
    """A recording, or the bytes of it that a Range header asks for. Raises NotFound, Unavailable."""
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


async def _stored(parts: Platform, caller: Identity, call: Call) -> list[dict[str, Any]]:
    async with parts.database.workspace(caller.workspace_id) as session:
        events = await CallRepository(session, caller.workspace_id).events(call)
    return [{"at_ms": event.at_ms, "kind": event.kind, "data": event.data} for event in events]


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
