"""Knowledge bases and their sources in the database."""

from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.agents.models import Agent
from trunkline.resources.ids import as_uuid
from trunkline.resources.knowledge.models import (
    KnowledgeBase,
    KnowledgeBaseAgent,
    KnowledgeChunk,
    KnowledgeSource,
)
from trunkline.resources.knowledge.steps import forget_chunks, queue


class KnowledgeRepository:
    """The knowledge of one workspace, within one transaction."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        self._session = session
        self._workspace = workspace_id

    async def add(self, row: KnowledgeBase | KnowledgeSource) -> None:
        """Store a new base, or a new source of a base of this workspace."""
        row.workspace_id = self._workspace
        self._session.add(row)
        await self._session.flush()

    async def delete(self, row: KnowledgeBase | KnowledgeSource) -> None:
        """Remove a base or a source with all that hangs on it."""
        await self._session.delete(row)
        await self._session.flush()

    # ---- bases -----------------------------------------------------------------------------------------

    async def base(self, base_id: str, *, lock: bool = False) -> KnowledgeBase | None:
        """A base."""
        id_ = as_uuid(base_id)
        if id_ is None:
            return None
        query = select(KnowledgeBase).where(
            KnowledgeBase.workspace_id == self._workspace, KnowledgeBase.id == id_
        )
        if lock:
            query = query.with_for_update()
        return (await self._session.execute(query)).scalar_one_or_none()

    async def page(self, limit: int, offset: int) -> tuple[list[KnowledgeBase], int]:
        """Bases, newest first, and how many there are."""
        mine = KnowledgeBase.workspace_id == self._workspace
        total = (await self._session.execute(select(func.count()).where(mine))).scalar_one()
        query = select(KnowledgeBase).where(mine).order_by(KnowledgeBase.created_at.desc(), KnowledgeBase.id)
        rows = await self._session.execute(query.limit(limit).offset(offset))
        return list(rows.scalars()), total

    # ---- agents ----------------------------------------------------------------------------------------

    async def attach(self, base: KnowledgeBase, agent: Agent) -> None:
        """Let an agent search a base; nothing happens if it does already."""
        row = {"knowledge_base_id": base.id, "agent_id": agent.id, "workspace_id": self._workspace}
        await self._session.execute(insert(KnowledgeBaseAgent).values(row).on_conflict_do_nothing())

    async def detach(self, base: KnowledgeBase, agent: Agent) -> bool:
        """Let an agent search a base no more; False if it did not."""
        statement = delete(KnowledgeBaseAgent).where(
            KnowledgeBaseAgent.workspace_id == self._workspace,
            KnowledgeBaseAgent.knowledge_base_id == base.id,
            KnowledgeBaseAgent.agent_id == agent.id,
        )
        gone = await self._session.scalar(statement.returning(KnowledgeBaseAgent.agent_id))
        return gone is not None

    async def bases_of(self, agent_id: UUID) -> list[KnowledgeBase]:
        """The bases that an agent searches, the oldest first."""
        attached = select(KnowledgeBaseAgent.knowledge_base_id).where(
            KnowledgeBaseAgent.workspace_id == self._workspace, KnowledgeBaseAgent.agent_id == agent_id
        )
        query = (
            select(KnowledgeBase)
            .where(KnowledgeBase.workspace_id == self._workspace, KnowledgeBase.id.in_(attached))
            .order_by(KnowledgeBase.created_at, KnowledgeBase.id)
        )
        return list((await self._session.execute(query)).scalars())

    # ---- sources ---------------------------------------------------------------------------------------

    async def source(
        self, base: KnowledgeBase, source_id: str, *, lock: bool = False
    ) -> KnowledgeSource | None:
        """A source of a base."""
        id_ = as_uuid(source_id)
        if id_ is None:
            return None
        query = select(KnowledgeSource).where(*_of(base), KnowledgeSource.id == id_)
        if lock:
            query = query.with_for_update()
        return (await self._session.execute(query)).scalar_one_or_none()

    async def sources(
        self, base: KnowledgeBase, limit: int, offset: int, name: str | None
    ) -> tuple[list[KnowledgeSource], int]:
        """Sources of a base, newest first, and how many there are; `name`: those whose name holds this text."""
        wanted = _of(base)
        if name is not None:
            wanted.append(KnowledgeSource.name.icontains(name, autoescape=True))
        total = (await self._session.execute(select(func.count()).where(*wanted))).scalar_one()
        query = select(KnowledgeSource).where(*wanted)
        query = query.order_by(KnowledgeSource.created_at.desc(), KnowledgeSource.id)
        rows = await self._session.execute(query.limit(limit).offset(offset))
        return list(rows.scalars()), total

    async def embedded(self, source: KnowledgeSource) -> int:
        """How many chunks of a source have their vector."""
        query = select(func.count(KnowledgeChunk.embedding)).where(
            KnowledgeChunk.workspace_id == self._workspace, KnowledgeChunk.source_id == source.id
        )
        return (await self._session.execute(query)).scalar_one()

    async def forget_chunks(self, source: KnowledgeSource) -> None:
        """Remove what was read of a source."""
        await forget_chunks(self._session, source.id)

    async def queue(self, source: KnowledgeSource) -> None:
        """Enqueue the job that reads a source as it is now."""
        await queue(self._session, source)


def _of(base: KnowledgeBase) -> list[ColumnElement[bool]]:
    return [
        KnowledgeSource.workspace_id == base.workspace_id,
        KnowledgeSource.knowledge_base_id == base.id,
    ]
