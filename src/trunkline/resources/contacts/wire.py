"""How a contact's row is shown."""

from collections.abc import Sequence
from uuid import UUID

from trunkline.resources.contacts.models import Contact
from trunkline.resources.contacts.schemas import ContactOut


def shown(contact: Contact, stores: Sequence[UUID]) -> ContactOut:
    """A contact and the memory stores it is attached to."""
    return ContactOut(
        id=str(contact.id),
        name=contact.name,
        phone_number=contact.phone_number,
        email=contact.email,
        contact_metadata=contact.contact_metadata,
        workspace_id=str(contact.workspace_id),
        created_at=contact.created_at.isoformat(),
        updated_at=contact.updated_at.isoformat(),
        memory_store_ids=[str(store) for store in stores],
    )
