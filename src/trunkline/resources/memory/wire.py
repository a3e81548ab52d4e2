"""How memory stores and memories are shown."""

from collections.abc import Sequence
from uuid import UUID

from trunkline.resources.memory.models import Memory, MemoryStore
from trunkline.resources.memory.schemas import MemoryData, StoreCreated, StoreOut


def created(store: MemoryStore) -> StoreCreated:
    """A new store, which nobody uses yet."""
    return StoreCreated(
        id=str(store.id),
        title=store.title,
        description=store.description,
        workspace_id=str(store.workspace_id),
        number_of_contacts=0,
        number_of_agents=0,
        created_at=store.created_at.isoformat(),
        updated_at=store.updated_at.isoformat(),
    )


def shown(store: MemoryStore, contacts: Sequence[UUID]) -> StoreOut:
    """A store and the contacts attached to it."""
    return StoreOut(
        id=str(store.id),
        title=store.title,
        workspace_id=str(store.workspace_id),
        created_at=store.created_at.isoformat(),
        updated_at=store.updated_at.isoformat(),
        contact_ids=[str(contact) for contact in contacts],
    )


def data(store: MemoryStore, memory: Memory) -> MemoryData:
    """What a store holds of one contact."""
    return MemoryData(
        memory_store_id=str(store.id),
        memory_store_title=store.title,
        memory=memory.memory,
        created_at=memory.created_at.isoformat(),
        updated_at=memory.updated_at.isoformat(),
    )
