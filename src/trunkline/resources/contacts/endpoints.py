"""`/v2/contacts`."""

from typing import Annotated

from fastapi import Depends

from trunkline.platform.http.context import Caller, Transaction, keyed_router
from trunkline.platform.http.pagination import Items, WholePage, items_of
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Ok, StatusOnly, done, ok
from trunkline.resources.contacts import wire
from trunkline.resources.contacts.repository import ContactRepository
from trunkline.resources.contacts.schemas import ContactCreate, ContactId, ContactOut, ContactUpdate
from trunkline.resources.contacts.service import Contacts
from trunkline.resources.memory.repository import MemoryRepository

router = keyed_router("/v2/contacts", "Contacts", Scope.CONTACTS)


def _contacts(session: Transaction, caller: Caller) -> Contacts:
    return Contacts(
        ContactRepository(session, caller.workspace_id), MemoryRepository(session, caller.workspace_id)
    )


Service = Annotated[Contacts, Depends(_contacts)]


@router.post("")
async def create_contact(body: ContactCreate, contacts: Service) -> Ok[ContactId]:
    """Add a person; a workspace has one contact for a number."""
    return ok(ContactId(id=str((await contacts.create(body)).id)))


@router.get("")
async def list_contacts(
    page: WholePage, contacts: Service, search: str | None = None
) -> Ok[Items[ContactOut]]:
    """The workspace's contacts, newest first; `search` is a part of their number."""
    found, total = await contacts.page(page.limit, page.offset, search)
    stores = await contacts.stores_of(found)
    return ok(items_of([wire.shown(contact, stores[contact.id]) for contact in found], total, page))


@router.get("/{contact_id}")
async def get_contact(contact_id: str, contacts: Service) -> Ok[ContactOut]:
    """One contact with its memory stores."""
    contact = await contacts.get(contact_id)
    stores = await contacts.stores_of([contact])
    return ok(wire.shown(contact, stores[contact.id]))


@router.patch("/{contact_id}")
async def update_contact(contact_id: str, contacts: Service, body: ContactUpdate | None = None) -> StatusOnly:
    """Change what is sent, keep the rest."""
    await contacts.update(contact_id, body or ContactUpdate())
    return done()


@router.delete("/{contact_id}")
async def delete_contact(contact_id: str, contacts: Service) -> StatusOnly:
    """Remove a contact, and with it all that is remembered of it."""
    await contacts.delete(contact_id)
    return done()
