"""`/v2/memory_stores`."""

from typing import Annotated

from fastapi import Depends, Query

from trunkline.platform.http.context import Caller, Transaction, keyed_router
from trunkline.platform.http.pagination import Items, WholePage, items_of
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Ok, StatusOnly, done, ok
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.contacts.repository import ContactRepository
from trunkline.resources.memory import wire
from trunkline.resources.memory.repository import MemoryRepository
from trunkline.resources.memory.schemas import (
    MemoryData,
    StoreCreated,
    StoreId,
    StoreNamed,
    StoreNamedWrite,
    StoreOut,
    StoreWrite,
)
from trunkline.resources.memory.service import MemoryStores

router = keyed_router("/v2/memory_stores", "Memory stores", Scope.CONTACTS)


def _stores(session: Transaction, caller: Caller) -> MemoryStores:
    return MemoryStores(
        MemoryRepository(session, caller.workspace_id),
        ContactRepository(session, caller.workspace_id),
        AgentRepository(session, caller.workspace_id),
    )


Service = Annotated[MemoryStores, Depends(_stores)]


@router.post("")
async def create_memory_store(stores: Service, body: StoreWrite | None = None) -> Ok[StoreCreated]:
    """Make a memory store: what agents remember of contacts from call to call."""
    return ok(wire.created(await stores.create(body or StoreWrite())))


@router.get("")
async def list_memory_stores(
    page: WholePage, stores: Service, search: str | None = None
) -> Ok[Items[StoreOut]]:
    """The workspace's memory stores, newest first; `search` looks through titles."""
    found, total = await stores.page(page.limit, page.offset, search)
    contacts = await stores.contacts_of(found)
    return ok(items_of([wire.shown(store, contacts[store.id]) for store in found], total, page))


StoreQuery = Annotated[StoreNamed, Query()]
"""The id as `memory_store_id` or `id` of the query."""


@router.patch("")
async def update_named_memory_store(
    query: StoreQuery, stores: Service, body: StoreNamedWrite | None = None
) -> StoreId:
    """Change the store that the query or the body names."""
    body = body or StoreNamedWrite()
    store = await stores.update(await stores.named(_named(query, body)), body)
    return StoreId(id=str(store.id))


@router.delete("")
async def delete_named_memory_store(
    query: StoreQuery, stores: Service, body: StoreNamed | None = None
) -> StatusOnly:
    """Remove the store that the query or the body names."""
    await stores.delete(await stores.named(_named(query, body or StoreNamed())))
    return done()


def _named(query: StoreNamed, body: StoreNamed) -> str | None:
    return query.memory_store_id or query.id or body.memory_store_id or body.id


@router.get("/{memory_store_id}")
async def get_memory_store(memory_store_id: str, stores: Service) -> Ok[StoreOut]:
    """One store with its contacts."""
    store = await stores.get(memory_store_id)
    contacts = await stores.contacts_of([store])
    return ok(wire.shown(store, contacts[store.id]))


@router.patch("/{memory_store_id}")
async def update_memory_store(
    memory_store_id: str, stores: Service, body: StoreWrite | None = None
) -> StoreId:
    """Change what is sent, keep the rest."""
    store = await stores.update(memory_store_id, body or StoreWrite())
    return StoreId(id=str(store.id))


@router.delete("/{memory_store_id}")
async def delete_memory_store(memory_store_id: str, stores: Service) -> StatusOnly:
    """Remove a store with all that it holds."""
    await stores.delete(memory_store_id)
    return done()


@router.post("/{memory_store_id}/assistants/{assistant_id}/attach")
async def attach_agent(memory_store_id: str, assistant_id: str, stores: Service) -> StatusOnly:
    """Have an agent use a store."""
    await stores.attach_agent(memory_store_id, assistant_id)
    return done()


@router.post("/{memory_store_id}/assistants/{assistant_id}/detach")
async def detach_agent(memory_store_id: str, assistant_id: str, stores: Service) -> StatusOnly:
    """Have an agent use a store no more."""
    await stores.detach_agent(memory_store_id, assistant_id)
    return done()


@router.post("/{memory_store_id}/contacts/{contact_id}/attach")
async def attach_contact(memory_store_id: str, contact_id: str, stores: Service) -> StatusOnly:
    """Remember a contact in a store."""
    await stores.attach_contact(memory_store_id, contact_id)
    return done()


@router.post("/{memory_store_id}/contacts/{contact_id}/detach")
async def detach_contact(memory_store_id: str, contact_id: str, stores: Service) -> StatusOnly:
    """Take a contact out of a store."""
    await stores.detach_contact(memory_store_id, contact_id)
    return done()


_MEMORY = "/{memory_store_id}/contacts/{contact_id}/memory_data"


@router.get(_MEMORY)
async def get_memory_data(memory_store_id: str, contact_id: str, stores: Service) -> Ok[MemoryData]:
    """What a store remembers of a contact."""
    return ok(wire.data(*await stores.memory(memory_store_id, contact_id)))


# Reading by POST is the spelling of 2025.
@router.post(_MEMORY)
async def post_memory_data(memory_store_id: str, contact_id: str, stores: Service) -> Ok[MemoryData]:
    """What a store remembers of a contact; the spelling of 2025."""
    return ok(wire.data(*await stores.memory(memory_store_id, contact_id)))
