"""Versions of agents in the database."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.agent_versions.models import AgentVersion
from trunkline.resources.agents.models import Agent

LARGEST = 2**31 - 1


class AgentVersionRepository:
    """The versions of one workspace's agents, within one transaction."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        self._session = session
        self._workspace = workspace_id

    async def add(
        self, agent: Agent, content: dict[str, Any], restored_from: int | None = None
    ) -> AgentVersion:
        """Store the content as this agent's next version, its current one. The agent's row is locked or new."""
        agent.version += 1
        row = AgentVersion(
            workspace_id=self._workspace,
            agent_id=agent.id,
            n=agent.version,
            content=content,
            restored_from=restored_from,
        )
        self._session.add(row)
        await self._session.flush()
        return row

    async def get(self, agent_id: UUID, n: str | int) -> AgentVersion | None:
        """One version of an agent, by its number."""
        if not str(n).isascii() or not str(n).isdigit() or not 1 <= int(n) <= LARGEST:
            return None
        query = select(AgentVersion).where(*self._mine(agent_id), AgentVersion.n == int(n))
        return (await self._session.execute(query)).scalar_one_or_none()

    async def page(self, agent_id: UUID, limit: int, offset: int) -> Sequence[AgentVersion]:
        """Versions of an agent, newest first."""
        query = select(AgentVersion).where(*self._mine(agent_id)).order_by(AgentVersion.n.desc())
        return (await self._session.execute(query.limit(limit).offset(offset))).scalars().all()

    def _mine(self, agent_id: UUID) -> tuple[Any, ...]:
        return AgentVersion.workspace_id == self._workspace, AgentVersion.agent_id == agent_id
