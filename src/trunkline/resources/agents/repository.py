"""Agents in the database."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.agents.models import Agent
from trunkline.resources.ids import as_uuid


class AgentRepository:
    """The agents of one workspace, within one transaction."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        self._session = session
        self._workspace = workspace_id

    async def add(self, agent: Agent) -> None:
        """Store a new agent."""
        agent.workspace_id = self._workspace
        self._session.add(agent)
        await self._session.flush()

    async def get(self, agent_id: str | UUID, *, lock: bool = False, deleted: bool = False) -> Agent | None:
        """An agent; with `deleted` also one that was deleted."""
        id_ = agent_id if isinstance(agent_id, UUID) else as_uuid(agent_id)
        if id_ is None:
            return None
        query = select(Agent).where(Agent.workspace_id == self._workspace, Agent.id == id_)
        if not deleted:
            query = query.where(Agent.deleted_at.is_(None))
        if lock:
            query = query.with_for_update()
        return (await self._session.execute(query)).scalar_one_or_none()

    async def page(self, limit: int, offset: int) -> tuple[list[Agent], int]:
        """Agents, newest first, and how many there are."""
        mine = (Agent.workspace_id == self._workspace, Agent.deleted_at.is_(None))
        total = (await self._session.execute(select(func.count()).where(*mine))).scalar_one()
        query = select(Agent).where(*mine).order_by(Agent.created_at.desc(), Agent.id)
        rows = await self._session.execute(query.limit(limit).offset(offset))
        return list(rows.scalars()), total

    async def delete(self, agent: Agent) -> None:
        """Take an agent away; its calls keep its name."""
        agent.deleted_at = datetime.now(UTC)
        await self._session.flush()
