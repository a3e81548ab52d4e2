"""Batches and their tasks in the database."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.batches.models import BatchCall, BatchTask
from trunkline.resources.batches.status import TaskStatus
from trunkline.resources.calls.models import Call
from trunkline.resources.ids import as_uuid

# One statement however many tasks: ten thousand parameter sets would take seconds.
_ADD = text(
    "INSERT INTO batch_tasks (workspace_id, batch_id, task_id, to_number, lead_name, lead_email, variables, "
    "override_agent_id, status) "
    "SELECT :workspace, :batch, task->>'task_id', task->>'to_number', task->>'lead_name', task->>'lead_email', "
    "task->'variables', CAST(task->>'override_agent_id' AS uuid), :status "
    "FROM jsonb_array_elements(CAST(:tasks AS jsonb)) WITH ORDINALITY AS sent (task, n) ORDER BY n "
    "ON CONFLICT (workspace_id, batch_id, task_id) DO NOTHING"
)


class BatchRepository:
    """The batches of one workspace, within one transaction."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        self._session = session
        self._workspace = workspace_id

    async def add(self, batch: BatchCall) -> None:
        """Store a new batch."""
        batch.workspace_id = self._workspace
        self._session.add(batch)
        await self._session.flush()

    async def get(self, batch_id: str, *, lock: bool = False) -> BatchCall | None:
        """A batch; with `lock` nobody else moves it or places its calls until the transaction ends."""
        id_ = as_uuid(batch_id)
        if id_ is None:
            return None
        query = select(BatchCall).where(BatchCall.workspace_id == self._workspace, BatchCall.id == id_)
        if lock:
            query = query.with_for_update()
        return (await self._session.execute(query)).scalar_one_or_none()

    async def page(self, limit: int, offset: int) -> tuple[Sequence[BatchCall], int]:
        """Batches, newest first, and how many there are."""
        mine = BatchCall.workspace_id == self._workspace
        total = (await self._session.execute(select(func.count()).where(mine))).scalar_one()
        query = select(BatchCall).where(mine).order_by(BatchCall.created_at.desc(), BatchCall.id)
        rows = await self._session.execute(query.limit(limit).offset(offset))
        return rows.scalars().all(), total

    async def counts(self, batch_ids: Sequence[UUID]) -> Mapping[UUID, Counter[TaskStatus]]:
        """How many tasks of each batch are in each status."""
        query = (
            select(BatchTask.batch_id, BatchTask.status, func.count())
            .where(BatchTask.workspace_id == self._workspace, BatchTask.batch_id.in_(batch_ids))
            .group_by(BatchTask.batch_id, BatchTask.status)
        )
        counts: dict[UUID, Counter[TaskStatus]] = {id_: Counter() for id_ in batch_ids}
        for batch_id, status, count in await self._session.execute(query):
            counts[batch_id][TaskStatus(status)] = count
        return counts

    async def add_tasks(self, batch: BatchCall, tasks: Sequence[Mapping[str, object]]) -> None:
        """Store tasks (columns of `BatchTask`) in this order; those whose id is there already are skipped."""
        values = {"workspace": self._workspace, "batch": batch.id, "status": TaskStatus.PENDING}
        await self._session.execute(_ADD, {**values, "tasks": json.dumps(list(tasks))})

    async def tasks(
        self, batch: BatchCall, status: TaskStatus | None, limit: int, offset: int
    ) -> tuple[Sequence[tuple[BatchTask, str | None]], int]:
        """Tasks in the order added, each with the fault of its call, and how many there are."""
        mine = self._tasks_of(batch)
        if status is not None:
            mine.append(BatchTask.status == status)
        total = (await self._session.execute(select(func.count()).where(*mine))).scalar_one()
        same = (Call.workspace_id == BatchTask.workspace_id) & (Call.id == BatchTask.call_id)
        query: Select[BatchTask, str | None] = (
            select(BatchTask, Call.error_message).outerjoin(Call, same).where(*mine).order_by(BatchTask.seq)
        )
        rows = await self._session.execute(query.limit(limit).offset(offset))
        return [(task, fault) for task, fault in rows], total

    async def cancel_tasks(self, batch: BatchCall) -> None:
        """What waits is called off."""
        waiting = (*self._tasks_of(batch), BatchTask.status == TaskStatus.PENDING)
        await self._session.execute(update(BatchTask).where(*waiting).values(status=TaskStatus.CANCELED))

    async def flush(self) -> None:
        """Write what was changed."""
        await self._session.flush()

    def _tasks_of(self, batch: BatchCall) -> list[ColumnElement[bool]]:
        return [BatchTask.workspace_id == self._workspace, BatchTask.batch_id == batch.id]
