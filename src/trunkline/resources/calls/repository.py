"""Calls in the database."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from trunkline.platform.http.landmarks import STRIDE, Place, Way
from trunkline.resources.batches.models import BatchCall
from trunkline.resources.calls.filters import CallFilter
from trunkline.resources.calls.models import Call, CallEvent
from trunkline.resources.ids import as_uuid

_NEWEST = (Call.created_at.desc(), Call.id)


class CallRepository:
    """The calls of one workspace, within one transaction."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        self._session = session
        self._workspace = workspace_id

    async def add(self, call: Call) -> None:
        """Store a new call."""
        call.workspace_id = self._workspace
        self._session.add(call)
        await self._session.flush()

    async def get(self, call_id: str) -> Call | None:
        """A call."""
        id_ = as_uuid(call_id)
        if id_ is None:
            return None
        query = select(Call).where(Call.workspace_id == self._workspace, Call.id == id_)
        return (await self._session.execute(query)).scalar_one_or_none()

    async def count(self, wanted: CallFilter) -> int:
        """How many calls there are of this kind."""
        query = select(func.count()).select_from(Call).where(*self._where(wanted))
        return (await self._session.execute(query)).scalar_one()

    async def page(
        self, wanted: CallFilter, limit: int, offset: int, after: Place | None = None
    ) -> Sequence[Call]:
        """Calls of this kind, newest first; `offset` counts from the place `after`, where one is given.

        The ids are found first, in an index alone, and the rows joined to them: a page far into a long list
        costs milliseconds instead of reading every row before it.
        """
        conditions = self._where(wanted)
        if after is not None:
            conditions.append(Call.created_at <= after.created_at)
            conditions.append(or_(Call.created_at < after.created_at, Call.id > after.id))
        ids = select(Call.id).where(*conditions).order_by(*_NEWEST).limit(limit).offset(offset).subquery()
        query = select(Call).join(ids, Call.id == ids.c.id).order_by(*_NEWEST)
        return (await self._session.execute(query.options(defer(Call.ledger)))).scalars().all()

    async def way(self, wanted: CallFilter, settled: datetime) -> Way:
        """The landmarks among calls of this kind that were made at `settled` or before."""
        place = func.row_number().over(order_by=_NEWEST).label("place")
        counted = (
            select(Call.created_at, Call.id, place)
            .where(*self._where(wanted), Call.created_at <= settled)
            .subquery()
        )
        query = select(counted.c.created_at, counted.c.id).where(counted.c.place % STRIDE == 0)
        rows = await self._session.execute(query.order_by(counted.c.place))
        return Way(settled, tuple(Place(row.created_at, row.id) for row in rows))

    async def has_batch(self, batch_id: str) -> bool:
        """Whether the workspace has this batch."""
        mine = BatchCall.workspace_id == self._workspace, BatchCall.id == as_uuid(batch_id)
        return await self._session.scalar(select(BatchCall.id).where(*mine)) is not None

    async def events(self, call: Call) -> Sequence[CallEvent]:
        """What is stored of a call's events, in their order."""
        query = select(CallEvent).where(CallEvent.call_id == call.id)
        return (await self._session.execute(query.order_by(CallEvent.seq))).scalars().all()

    def _where(self, wanted: CallFilter) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = [Call.workspace_id == self._workspace]
        if wanted.agent is not None:
            agent = as_uuid(wanted.agent)
            conditions.append(Call.agent_id == agent if agent else false())
        if wanted.since is not None:
            conditions.append(Call.created_at >= wanted.since)
        if wanted.until is not None:
            conditions.append(Call.created_at < wanted.until)
        if wanted.after is not None:
            conditions.append(Call.created_at > wanted.after)
        if wanted.status is not None:
            conditions.append(Call.status == wanted.status)
        if wanted.shortest is not None:
            conditions.append(Call.duration_s >= wanted.shortest)
        if wanted.longest is not None:
            conditions.append(Call.duration_s <= wanted.longest)
        if wanted.number is not None:
            conditions.append(Call.other_party == wanted.number)
        if wanted.batch is not None:
            batch = as_uuid(wanted.batch)
            conditions.append(Call.batch_call_id == batch if batch else false())
        return conditions


async def recording_key(session: AsyncSession, call_id: str) -> str | None:
    """Where a call's recording lies, whichever workspace it belongs to; for signed links. System role."""
    id_ = as_uuid(call_id)
    return await session.scalar(select(Call.recording_key).where(Call.id == id_)) if id_ else None
