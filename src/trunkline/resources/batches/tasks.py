"""Placing the calls of batches: looked through in one place of the installation, though two looks at once do no harm.

A task becomes a call in one transaction: its batch is locked, its place in the workspace's limits taken, the call
stored as `queue` and the task marked `dispatched`. So a task has one call or none, whatever dies when; and the call,
like every other that waits, is offered to a host at once or within a second (`calls/tasks.py`).
"""

from collections import deque
from collections.abc import Sequence
from enum import Enum, auto
from uuid import UUID

import structlog
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import Conflict, Forbidden, OverLimit
from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database
from trunkline.platform.work.schedules import Schedules
from trunkline.resources import weekly_hours
from trunkline.resources.agents import vocabulary
from trunkline.resources.agents.models import Agent
from trunkline.resources.batches.models import BatchCall, BatchTask
from trunkline.resources.batches.status import OPEN, BatchStatus, TaskStatus, move
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.new import outbound_call
from trunkline.resources.calls.status import CallStatus
from trunkline.resources.calls.tasks import CallTasks
from trunkline.resources.limits import repository as limits
from trunkline.resources.workspaces.limits import check_concurrency, check_dialling

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.5
AT_ONCE = 100
"""Tasks that one look goes through, so that new batches get their turn."""

_NO_AGENT = "The agent that was to call was deleted; nobody was called."


class _Outcome(Enum):
    """What came of looking for a batch's next task."""

    TAKEN = auto()
    NOTHING = auto()
    """Nothing to do for this batch now."""
    NO_SLOT = auto()
    """No host has room, for whichever batch."""


class BatchTasks:
    """Turns the tasks of batches into calls."""

    def __init__(self, database: Database, calls: CallTasks) -> None:
        self._database = database
        self._calls = calls

    def register(self, schedules: Schedules) -> None:
        """Tell the worker what there is to do."""
        schedules.every(LOOK_SECONDS, self.look)

    async def look(self) -> None:
        """Place what is due, one task of each batch in turn, as far as limits and slots reach."""
        async with self._database.system() as session:
            turns = deque(await _due(session))
        for _ in range(AT_ONCE):
            if not turns:
                return
            batch_id = turns.popleft()
            match await self._next(batch_id):
                case _Outcome.TAKEN:
                    turns.append(batch_id)
                case _Outcome.NO_SLOT:
                    return

    async def _next(self, batch_id: UUID) -> _Outcome:
        """Make a call of the batch's next task, or see that there is none to be made now."""
        try:
            async with self._database.system() as session:
                call, outcome = await _take(session, batch_id)
        except (Conflict, Forbidden, OverLimit):
            return _Outcome.NOTHING  # what a parent allows is used up
        if call is not None:
            # Only now: a slot's lock comes before that of the limits, everywhere.
            await self._calls.place(call)
        return outcome


async def _take(session: AsyncSession, batch_id: UUID) -> tuple[UUID | None, _Outcome]:
    """The call that became of the batch's next task, if there is one to be made now.

    Raises Conflict, Forbidden, OverLimit: the workspace may not place it.
    """
    # Whoever pauses or cancels the batch waits for this lock, or this look finds it paused.
    batch = await session.get(BatchCall, batch_id, with_for_update=True)
    if batch is None or batch.status not in OPEN:
        return None, _Outcome.NOTHING
    task = await _first_pending(session, batch)
    on = await _open_calls(session, batch)
    if task is None and not on:
        _complete(batch)
    if task is None or not await _may_dial(session, batch, on):
        return None, _Outcome.NOTHING
    agent = await _agent(session, batch.workspace_id, task.override_agent_id or batch.agent_id)
    if agent.deleted_at is not None:
        task.status, task.error_message = TaskStatus.FAILED, _NO_AGENT
        return None, _Outcome.TAKEN
    if not await system.has_free_slot(session):
        return None, _Outcome.NO_SLOT
    await check_dialling(session, batch.workspace_id)
    if not await limits.take(session, batch.workspace_id):
        return None, _Outcome.NOTHING
    call = await _store(session, batch, task, agent)
    await check_concurrency(session, batch.workspace_id)
    return call.id, _Outcome.TAKEN


async def _due(session: AsyncSession) -> Sequence[UUID]:
    due = or_(BatchCall.trigger_at.is_(None), BatchCall.trigger_at <= func.now())
    query = select(BatchCall.id).where(BatchCall.status.in_(OPEN), due).order_by(BatchCall.created_at)
    return (await session.scalars(query)).all()


async def _first_pending(session: AsyncSession, batch: BatchCall) -> BatchTask | None:
    mine = BatchTask.workspace_id == batch.workspace_id, BatchTask.batch_id == batch.id
    query = select(BatchTask).where(*mine, BatchTask.status == TaskStatus.PENDING).order_by(BatchTask.seq)
    return (await session.scalars(query.limit(1))).one_or_none()


async def _open_calls(session: AsyncSession, batch: BatchCall) -> int:
    query = select(func.count()).where(Call.batch_call_id == batch.id, Call.ended_at.is_(None))
    return (await session.execute(query)).scalar_one()


async def _may_dial(session: AsyncSession, batch: BatchCall, on: int) -> bool:
    """Whether the batch's own rules let it place one call more now."""
    if batch.reserved_concurrency is not None and on >= batch.reserved_concurrency:
        return False
    if batch.weekly_hours is None:
        return True
    agent = await _agent(session, batch.workspace_id, batch.agent_id)
    now = (await session.execute(select(func.now()))).scalar_one()
    zone = agent.settings.get("timezone") or vocabulary.DEFAULT_TIMEZONE
    return weekly_hours.is_open(batch.weekly_hours, now, zone)


async def _agent(session: AsyncSession, workspace_id: UUID, agent_id: UUID) -> Agent:
    query = select(Agent).where(Agent.workspace_id == workspace_id, Agent.id == agent_id)
    return (await session.execute(query)).scalar_one()


async def _store(session: AsyncSession, batch: BatchCall, task: BatchTask, agent: Agent) -> Call:
    call = outbound_call(
        agent,
        CallStatus.QUEUE,
        number_from=batch.from_number,
        number_to=task.to_number,
        name=task.lead_name,
        variables=task.variables,
        overrides={"lead_email": task.lead_email} if task.lead_email else {},
    )
    call.batch_call_id = batch.id
    session.add(call)
    await session.flush()
    task.status, task.call_id = TaskStatus.DISPATCHED, call.id
    if batch.status == BatchStatus.SCHEDULED:
        batch.status = move(BatchStatus.SCHEDULED, BatchStatus.IN_PROGRESS)
    if batch.started_at is None:
        batch.started_at = (await session.execute(select(func.now()))).scalar_one()
    return call


def _complete(batch: BatchCall) -> None:
    batch.status = move(BatchStatus(batch.status), BatchStatus.COMPLETED)
    log.info("batch_completed", batch_id=str(batch.id))
