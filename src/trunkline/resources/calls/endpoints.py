"""`/v2/calls`."""

from typing import Annotated

from fastapi import Depends

from trunkline.platform.http.context import Caller, Parts, Transaction, keyed_router, needs
from trunkline.platform.http.pagination import SINGLE, NarrowPage
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Ok, ok
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.calls import wire
from trunkline.resources.calls.filters import Filter
from trunkline.resources.calls.links import Links
from trunkline.resources.calls.repository import CallRepository
from trunkline.resources.calls.schemas import (
    CallCreate,
    CallPage,
    CallPlaced,
    InboundPrepare,
    InboundPrepared,
    Transcript,
    TranscriptAnswer,
)
from trunkline.resources.calls.service import Calls, place, prepare

router = keyed_router("/v2/calls", "Calls", Scope.CALLS)
announcing_router = keyed_router("/v2/prepare_inbound", "Calls", Scope.CALLS)


def calls_of(session: Transaction, caller: Caller) -> Calls:
    """The caller's calls."""
    return Calls(
        CallRepository(session, caller.workspace_id),
        AgentRepository(session, caller.workspace_id),
        caller.workspace_id,
    )


Service = Annotated[Calls, Depends(calls_of)]


@router.post("", dependencies=[needs(Scope.OUTBOUND)])
async def voice_call(body: CallCreate, session: Transaction, caller: Caller) -> Ok[CallPlaced]:
    """Have an agent call somebody. Beyond the workspace's limits: 429, and nobody is called."""
    call_id = await place(session, caller.workspace_id, body)
    return ok(CallPlaced(answer="ok", call_id=str(call_id)))


@router.get("")
async def list_calls(wanted: Filter, page: NarrowPage, calls: Service, parts: Parts) -> Ok[CallPage]:
    """The workspace's calls, newest first; each filter narrows, and all may be combined."""
    found, total = await calls.page(wanted, page.limit, page.offset, parts.totals, parts.landmarks)
    links = Links(parts.secrets, parts.base_url)
    items = [wire.shown_in_list(call, links.recording) for call in found]
    return ok(CallPage(pagination=page.of(total), calls=items))


@router.get("/{call_id}", response_model_exclude_unset=True)
async def get_call(call_id: str, calls: Service, parts: Parts) -> Ok[CallPage]:
    """One call with everything that is known of it."""
    call = await calls.get(call_id)
    shown = wire.shown(call, Links(parts.secrets, parts.base_url).recording)
    return ok(CallPage(pagination=SINGLE, calls=[shown]))


@router.get("/{call_id}/transcript", include_in_schema=False)
async def get_transcript(call_id: str, calls: Service) -> TranscriptAnswer:
    text = (await calls.get(call_id)).transcript or ""
    return TranscriptAnswer(status="ok", response=Transcript(transcript=text), transcript=text)


@announcing_router.post("", dependencies=[needs(Scope.INBOUND)])
async def prepare_inbound(body: InboundPrepare, session: Transaction, caller: Caller) -> InboundPrepared:
    """Announce a call: its INVITE must come within 15 minutes, with the id in the header X-EI."""
    call = await prepare(session, caller.workspace_id, body)
    return wire.prepared(call)
