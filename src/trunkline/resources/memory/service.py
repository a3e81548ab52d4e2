"""The rules of memory stores."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from trunkline.errors import BadInput, NotFound
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.contacts.repository import ContactRepository
from trunkline.resources.memory.models import Memory, MemoryStore
from trunkline.resources.memory.repository import MemoryRepository
from trunkline.resources.memory.schemas import StoreWrite


class MemoryStores:
    """The memory stores of one workspace, within one transaction."""

    def __init__(
        self, stores: MemoryRepository, contacts: ContactRepository, agents: AgentRepository
    ) -> None:
        self._stores = stores
        self._contacts = contacts
        self._agents = agents

    async def create(self, body: StoreWrite) -> MemoryStore:
        """A new store."""
        store = MemoryStore(title=body.title or "", description=body.description or "")
        await self._stores.add(store)
        return store

    async def get(self, store_id: str, *, lock: bool = False) -> MemoryStore:
        """One store. Raises NotFound."""
        store = await self._stores.get(store_id, lock=lock)
        if store is None:
            raise NotFound(f"There is no memory store {store_id}.")
        return store

    async def named(self, store_id: str | None) -> str:
        """The id of a store that the path does not name.

        Raises:
            BadInput: none is named, or there is no such store.
        """
        if not store_id:
            raise BadInput("memory_store_id is required; send it in the query or in the body.")
        if await self._stores.get(store_id) is None:
            raise BadInput(f"memory_store_id: there is no memory store {store_id}.")
        return store_id

    async def page(self, limit: int, offset: int, title: str | None) -> tuple[Sequence[MemoryStore], int]:
        """Stores whose title holds `title`, newest first, and how many there are."""
        return await self._stores.page(limit, offset, title)

    async def contacts_of(self, stores: Sequence[MemoryStore]) -> Mapping[UUID, Sequence[UUID]]:
        """The contacts that are attached to each of these stores."""
        return await self._stores.contacts_of([store.id for store in stores])

    async def update(self, store_id: str, body: StoreWrite) -> MemoryStore:
        """Change what is sent, keep the rest. Raises NotFound."""
        store = await self.get(store_id, lock=True)
        for name in ("title", "description"):
            if name in body.model_fields_set:
                setattr(store, name, getattr(body, name))
        return store

    async def delete(self, store_id: str) -> None:
        """Remove a store and all that it holds. Raises NotFound."""
        await self._stores.delete(await self.get(store_id, lock=True))

    async def memory(self, store_id: str, contact_id: str) -> tuple[MemoryStore, Memory]:
        """What a store holds of a contact.

        Raises:
            NotFound: no such store or contact, or the contact is not attached to it.
        """
        store, contact = await self.get(store_id), await self._contact(contact_id)
        memory = await self._stores.memory(store, contact)
        if memory is None:
            raise NotFound(f"The contact {contact_id} is not attached to the memory store {store_id}.")
        return store, memory

    async def attach_contact(self, store_id: str, contact_id: str) -> None:
        """Begin to remember a contact. Raises NotFound."""
        store = await self.get(store_id, lock=True)
        await self._stores.attach_contact(store, await self._contact(contact_id, lock=True))

    async def detach_contact(self, store_id: str, contact_id: str) -> None:
        """Forget a contact. Raises NotFound."""
        await self._stores.detach_contact(await self.get(store_id), await self._contact(contact_id))

    async def attach_agent(self, store_id: str, agent_id: str) -> None:
        """Have an agent use a store, in place of any other. Raises NotFound."""
        store = await self.get(store_id, lock=True)
        await self._stores.attach_agent(store, await self._agent(agent_id, lock=True))

    async def detach_agent(self, store_id: str, agent_id: str) -> None:
        """Have an agent not use a store any more. Raises NotFound."""
        await self._stores.detach_agent(await self.get(store_id), await self._agent(agent_id))

    # Both sides of an attachment are locked, so that neither is deleted meanwhile.
    async def _contact(self, contact_id: str, *, lock: bool = False) -> UUID:
        contact = await self._contacts.get(contact_id, lock=lock)
        if contact is None:
            raise NotFound(f"There is no contact {contact_id}.")
        return contact.id

    async def _agent(self, agent_id: str, *, lock: bool = False) -> UUID:
        agent = await self._agents.get(agent_id, lock=lock)
        if agent is None:
            raise NotFound(f"There is no agent {agent_id}.")
        return agent.id
