"""Numbers in the database, and which agents they serve."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.numbers.models import Number, NumberAgent


class NumberRepository:
    """The numbers of one workspace, within one transaction."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        self._session = session
        self._workspace = workspace_id

    async def add(self, number: Number) -> bool:
        """Store a new number; False if the installation has it already."""
        number.workspace_id = self._workspace
        try:
            async with self._session.begin_nested():
                self._session.add(number)
        except IntegrityError:
            return False
        return True

    async def find(self, text: str, *, lock: bool = False) -> Number | None:
        """A number by its slug or as it is written, with its plus."""
        query = select(Number).where(
            Number.workspace_id == self._workspace, or_(Number.slug == text, Number.number == text)
        )
        if lock:
            query = query.with_for_update()
        return (await self._session.execute(query)).scalars().first()

    async def page(self, limit: int, offset: int, available: bool | None) -> tuple[list[Number], int]:
        """Numbers, newest first, and how many there are; `available`: those without, or with, an inbound agent."""
        mine: list[ColumnElement[bool]] = [Number.workspace_id == self._workspace]
        if available is not None:
            mine.append(Number.inbound_agent_id.is_(None) == available)
        total = (await self._session.execute(select(func.count()).where(*mine))).scalar_one()
        query = select(Number).where(*mine).order_by(Number.created_at.desc(), Number.id)
        rows = await self._session.execute(query.limit(limit).offset(offset))
        return list(rows.scalars()), total

    async def of_agent(self, agent_id: UUID) -> Sequence[Number]:
        """Every number that an agent answers or calls from, oldest first."""
        pool = select(NumberAgent.number_id).where(NumberAgent.agent_id == agent_id)
        query = (
            select(Number)
            .where(
                Number.workspace_id == self._workspace,
                or_(Number.inbound_agent_id == agent_id, Number.id.in_(pool)),
            )
            .order_by(Number.created_at, Number.id)
        )
        return (await self._session.execute(query)).scalars().all()

    async def agents_of(self, number: Number) -> list[UUID]:
        """The agents that a number serves, its inbound agent first."""
        query = select(NumberAgent.agent_id).where(NumberAgent.number_id == number.id)
        pool = (await self._session.execute(query.order_by(NumberAgent.agent_id))).scalars().all()
        inbound = [number.inbound_agent_id] if number.inbound_agent_id else []
        return [*inbound, *(agent for agent in pool if agent not in inbound)]

    async def link(self, number: Number, agent_id: UUID) -> None:
        """Put a number into an agent's outbound pool."""
        row = {"number_id": number.id, "agent_id": agent_id, "workspace_id": self._workspace}
        await self._session.execute(insert(NumberAgent).values(row).on_conflict_do_nothing())

    async def unlink(self, number: Number, agent_id: UUID) -> None:
        """Take a number out of an agent's outbound pool."""
        await self._session.execute(
            delete(NumberAgent).where(NumberAgent.number_id == number.id, NumberAgent.agent_id == agent_id)
        )

    async def flush(self) -> None:
        """Write what was changed, so that queries see it."""
        await self._session.flush()

    async def delete(self, number: Number) -> None:
        """Remove a number and its place in every pool."""
        await self._session.delete(number)
        await self._session.flush()
