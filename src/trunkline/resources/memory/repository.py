"""Memory stores in the database: who uses them, and whom they hold."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.ids import as_uuid
from trunkline.resources.memory.models import Memory, MemoryStore, MemoryStoreAgent


class MemoryRepository:
    """The memory stores of one workspace, within one transaction."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        self._session = session
        self._workspace = workspace_id

    async def add(self, store: MemoryStore) -> None:
        """Store a new one."""
        store.workspace_id = self._workspace
        self._session.add(store)
        await self._session.flush()

    async def get(self, store_id: str, *, lock: bool = False) -> MemoryStore | None:
        """A memory store."""
        id_ = as_uuid(store_id)
        if id_ is None:
            return None
        query = select(MemoryStore).where(MemoryStore.workspace_id == self._workspace, MemoryStore.id == id_)
        if lock:
            query = query.with_for_update()
        return (await self._session.execute(query)).scalar_one_or_none()

    async def page(self, limit: int, offset: int, title: str | None) -> tuple[Sequence[MemoryStore], int]:
        """Stores whose title holds `title` in any case, newest first, and how many there are."""
        wanted: list[ColumnElement[bool]] = [MemoryStore.workspace_id == self._workspace]
        if title is not None:
            wanted.append(MemoryStore.title.icontains(title, autoescape=True))
        total = (await self._session.execute(select(func.count()).where(*wanted))).scalar_one()
        query = select(MemoryStore).where(*wanted).order_by(MemoryStore.created_at.desc(), MemoryStore.id)
        rows = await self._session.execute(query.limit(limit).offset(offset))
        return rows.scalars().all(), total

    async def delete(self, store: MemoryStore) -> None:
        """Remove a store, and all that it holds."""
        await self._session.delete(store)
        await self._session.flush()

    async def contacts_of(self, stores: Sequence[UUID]) -> Mapping[UUID, Sequence[UUID]]:
        """Store → the contacts attached to it, in the order they came; each store has an entry."""
        query = select(Memory.memory_store_id, Memory.contact_id).where(
            Memory.workspace_id == self._workspace, Memory.memory_store_id.in_(stores)
        )
        return await self._grouped(query.order_by(Memory.created_at, Memory.contact_id))

    async def stores_of(self, contacts: Sequence[UUID]) -> Mapping[UUID, Sequence[UUID]]:
        """Contact → the stores it is attached to, in the order it came to them; each contact has an entry."""
        query = select(Memory.contact_id, Memory.memory_store_id).where(
            Memory.workspace_id == self._workspace, Memory.contact_id.in_(contacts)
        )
        return await self._grouped(query.order_by(Memory.created_at, Memory.memory_store_id))

    async def memory(self, store: MemoryStore, contact_id: UUID) -> Memory | None:
        """What a store holds of a contact; None if the contact is not attached to it."""
        query = select(Memory).where(
            Memory.workspace_id == self._workspace,
            Memory.memory_store_id == store.id,
            Memory.contact_id == contact_id,
        )
        return (await self._session.execute(query)).scalar_one_or_none()

    async def attach_contact(self, store: MemoryStore, contact_id: UUID) -> None:
        """Begin to remember a contact; one that is attached already keeps its memory."""
        row = {"memory_store_id": store.id, "contact_id": contact_id, "workspace_id": self._workspace}
        await self._session.execute(insert(Memory).values(row).on_conflict_do_nothing())

    async def detach_contact(self, store: MemoryStore, contact_id: UUID) -> None:
        """Forget a contact."""
        await self._session.execute(
            delete(Memory).where(
                Memory.workspace_id == self._workspace,
                Memory.memory_store_id == store.id,
                Memory.contact_id == contact_id,
            )
        )

    async def attach_agent(self, store: MemoryStore, agent_id: UUID) -> None:
        """Have an agent use this store, in place of the one it used before."""
        row = {"agent_id": agent_id, "memory_store_id": store.id, "workspace_id": self._workspace}
        statement = insert(MemoryStoreAgent).values(row)
        await self._session.execute(
            statement.on_conflict_do_update(index_elements=["agent_id"], set_={"memory_store_id": store.id})
        )

    async def detach_agent(self, store: MemoryStore, agent_id: UUID) -> None:
        """Have an agent not use this store any more."""
        await self._session.execute(
            delete(MemoryStoreAgent).where(
                MemoryStoreAgent.workspace_id == self._workspace,
                MemoryStoreAgent.agent_id == agent_id,
                MemoryStoreAgent.memory_store_id == store.id,
            )
        )

    async def _grouped(self, pairs: Select[UUID, UUID]) -> Mapping[UUID, Sequence[UUID]]:
        grouped: dict[UUID, list[UUID]] = defaultdict(list)
        for key, value in await self._session.execute(pairs):
            grouped[key].append(value)
        return grouped
