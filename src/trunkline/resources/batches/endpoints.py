"""`/v2/calls/batch`."""

from typing import Annotated

from fastapi import Depends

from trunkline.platform.http.context import LARGE_BODY, Caller, Transaction, keyed_router, needs
from trunkline.platform.http.pagination import NarrowPage
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Ok, ok
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.batches import wire
from trunkline.resources.batches.repository import BatchRepository
from trunkline.resources.batches.schemas import BatchCallCreate, BatchCallOut, BatchCallPage, BatchTaskPage
from trunkline.resources.batches.service import Batches
from trunkline.resources.batches.status import TaskStatus
from trunkline.resources.numbers.repository import NumberRepository

router = keyed_router("/v2/calls/batch", "Batch calls", Scope.CALLS)
_dials = [needs(Scope.OUTBOUND)]


def _batches(session: Transaction, caller: Caller) -> Batches:
    workspace = caller.workspace_id
    return Batches(
        BatchRepository(session, workspace),
        AgentRepository(session, workspace),
        NumberRepository(session, workspace),
    )


Service = Annotated[Batches, Depends(_batches)]


@router.post("", dependencies=_dials, openapi_extra=LARGE_BODY)
async def create_a_batch_call(body: BatchCallCreate, batches: Service) -> Ok[BatchCallOut]:
    """Open a batch, or append tasks to one."""
    return ok(wire.shown(*await batches.take(body)))


@router.get("")
async def list_batch_calls(page: NarrowPage, batches: Service) -> Ok[BatchCallPage]:
    """The workspace's batches, newest first."""
    found, total = await batches.page(page.limit, page.offset)
    items = [wire.shown(*batch) for batch in found]
    return ok(BatchCallPage(pagination=page.of(total), batch_calls=items))


@router.get("/{batch_call_id}")
async def get_a_batch_call(batch_call_id: str, batches: Service) -> Ok[BatchCallOut]:
    """One batch with how many of its tasks stand where."""
    return ok(wire.shown(*await batches.get(batch_call_id)))


@router.get("/{batch_call_id}/tasks")
async def list_batch_call_recipients(
    batch_call_id: str, page: NarrowPage, batches: Service, status: TaskStatus | None = None
) -> Ok[BatchTaskPage]:
    """The tasks of a batch in the order added, each with its call."""
    found, total = await batches.tasks(batch_call_id, status, page.limit, page.offset)
    items = [wire.shown_task(*task) for task in found]
    return ok(BatchTaskPage(pagination=page.of(total), tasks=items))


@router.post("/{batch_call_id}/pause")
async def pause_a_batch_call(batch_call_id: str, batches: Service) -> Ok[BatchCallOut]:
    """Dial nobody more for now; calls that are placed go on."""
    return ok(wire.shown(*await batches.pause(batch_call_id)))


@router.post("/{batch_call_id}/resume", dependencies=_dials)
async def resume_a_batch_call(batch_call_id: str, batches: Service) -> Ok[BatchCallOut]:
    """Go on after a pause."""
    return ok(wire.shown(*await batches.resume(batch_call_id)))


@router.post("/{batch_call_id}/cancel")
async def cancel_a_batch_call(batch_call_id: str, batches: Service) -> Ok[BatchCallOut]:
    """Call off what waits; calls that are placed go on."""
    return ok(wire.shown(*await batches.cancel(batch_call_id)))
