"""Contacts on the wire."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from trunkline.platform.http.wire import Wire, WireInput, example
from trunkline.resources.calls import phone

Name = Annotated[str, Field(min_length=1, max_length=1000)]
Phone = Annotated[str, AfterValidator(phone.e164)]
Email = Annotated[str, Field(max_length=320)]


class ContactUpdate(WireInput):
    """What may be written. What is left out keeps its value."""

    model_config = example(email="ann@example.com")

    name: Name | None = None
    phone_number: Phone | None = None
    email: Email | None = None
    """Empty for none."""
    contact_metadata: dict[str, Any] | None = None
    """Anything of one's own; a new object replaces the old one."""


class ContactCreate(ContactUpdate):
    """A new contact."""

    model_config = example(
        name="Ann",
        phone_number="+14155552671",
        email="ann@example.com",
        contact_metadata={"customer": "4711"},
    )

    name: Name
    phone_number: Phone


class ContactId(Wire):
    """Which contact was made."""

    id: str


class ContactOut(Wire):
    """One contact, alone and in a list."""

    id: str
    name: str
    phone_number: str
    email: str
    contact_metadata: dict[str, Any]
    workspace_id: str
    created_at: str
    updated_at: str
    memory_store_ids: list[str]
