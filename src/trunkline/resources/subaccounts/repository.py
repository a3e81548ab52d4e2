"""Subaccounts in the database. They are other workspaces than the caller's: every query wants the system role."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.status import CallStatus
from trunkline.resources.ids import as_uuid
from trunkline.resources.workspaces.models import ApiKey, Workspace

WAITING = (CallStatus.PENDING, CallStatus.QUEUE, CallStatus.PAUSED, CallStatus.REGISTERED)


class SubaccountRepository:
    """The subaccounts of one workspace, within one transaction of the system role."""

    def __init__(self, session: AsyncSession, parent_id: UUID) -> None:
        self._session = session
        self._parent = parent_id

    async def add(self, subaccount: Workspace) -> None:
        """Store a new subaccount."""
        subaccount.parent_id = self._parent
        self._session.add(subaccount)
        await self._session.flush()

    async def get(self, subaccount_id: str, *, lock: bool = False) -> Workspace | None:
        """A subaccount; `lock`: held against changes, and against what would be stored in it."""
        id_ = as_uuid(subaccount_id)
        if id_ is None:
            return None
        query = select(Workspace).where(*self._mine(), Workspace.id == id_)
        if lock:
            query = query.with_for_update()
        return (await self._session.execute(query)).scalar_one_or_none()

    async def page(self, limit: int, offset: int) -> Sequence[Workspace]:
        """Subaccounts, newest first."""
        query = select(Workspace).where(*self._mine()).order_by(Workspace.created_at.desc(), Workspace.id)
        return (await self._session.scalars(query.limit(limit).offset(offset))).all()

    async def waiting_calls(self, subaccount: Workspace) -> Sequence[Call]:
        """Calls that nobody has answered or dialled yet, held against being dialled."""
        query = select(Call).where(Call.workspace_id == subaccount.id, Call.status.in_(WAITING))
        return (await self._session.scalars(query.order_by(Call.id).with_for_update())).all()

    async def close(self, subaccount: Workspace) -> None:
        """Take the subaccount, its agents and its keys out of use; the rows stay."""
        now = datetime.now(UTC)
        subaccount.deleted_at = now
        of_it = Agent.workspace_id == subaccount.id, Agent.deleted_at.is_(None)
        await self._session.execute(update(Agent).where(*of_it).values(deleted_at=now, phone_number=""))
        keys = ApiKey.workspace_id == subaccount.id, ApiKey.revoked_at.is_(None)
        await self._session.execute(update(ApiKey).where(*keys).values(revoked_at=now))
        await self._session.flush()

    def _mine(self) -> tuple[ColumnElement[bool], ...]:
        return Workspace.parent_id == self._parent, Workspace.deleted_at.is_(None)
