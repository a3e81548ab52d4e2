"""The rules of contacts."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from trunkline.errors import Conflict, NotFound
from trunkline.resources.calls import phone
from trunkline.resources.contacts.models import Contact
from trunkline.resources.contacts.repository import ContactRepository
from trunkline.resources.contacts.schemas import ContactCreate, ContactUpdate
from trunkline.resources.memory.repository import MemoryRepository


class Contacts:
    """The contacts of one workspace, within one transaction."""

    def __init__(self, contacts: ContactRepository, memories: MemoryRepository) -> None:
        self._contacts = contacts
        self._memories = memories

    async def create(self, body: ContactCreate) -> Contact:
        """A new contact.

        Raises:
            Conflict: the workspace has a contact with this number.
        """
        contact = Contact(email="", contact_metadata={})
        await self._write(contact, body)
        return contact

    async def update(self, contact_id: str, body: ContactUpdate) -> None:
        """Change what is sent, keep the rest.

        Raises:
            NotFound: no such contact.
            Conflict: another contact has this number.
        """
        await self._write(await self.get(contact_id, lock=True), body)

    async def get(self, contact_id: str, *, lock: bool = False) -> Contact:
        """One contact. Raises NotFound."""
        contact = await self._contacts.get(contact_id, lock=lock)
        if contact is None:
            raise NotFound(f"There is no contact {contact_id}.")
        return contact

    async def page(self, limit: int, offset: int, search: str | None) -> tuple[Sequence[Contact], int]:
        """Contacts, newest first, and how many there are; `search`: those whose number holds it."""
        return await self._contacts.page(limit, offset, None if search is None else _sought(search))

    async def stores_of(self, contacts: Sequence[Contact]) -> Mapping[UUID, Sequence[UUID]]:
        """The memory stores that each of these contacts is attached to."""
        return await self._memories.stores_of([contact.id for contact in contacts])

    async def delete(self, contact_id: str) -> None:
        """Remove a contact, and with it all that is remembered of it. Raises NotFound."""
        await self._contacts.delete(await self.get(contact_id, lock=True))

    async def _write(self, contact: Contact, body: ContactUpdate) -> None:
        for name, value in body.model_dump(exclude_unset=True).items():
            setattr(contact, name, value)
        number = contact.phone_number
        if not await self._contacts.put(contact):
            raise Conflict(
                f"phone_number: there is a contact with {number} already; search for it and change that one."
            )


def _sought(search: str) -> str:
    # A plus that was not URL-encoded arrives as a blank.
    return phone.plain("+" + search.lstrip() if search.startswith(" ") else search)
