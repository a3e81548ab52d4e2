"""Contacts: the people whom agents talk to."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.platform.storage.database import Base


class Contact(Base):
    """A person, known by their number: one contact a number, so that a caller is never matched to two."""

    __tablename__ = "contacts"
    __table_args__ = (
        UniqueConstraint("workspace_id", "id"),  # what other tables' foreign keys point at
        UniqueConstraint("workspace_id", "phone_number"),  # searched by, too
        Index("ix_contacts_created", "workspace_id", text("created_at DESC"), "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    name: Mapped[str]
    phone_number: Mapped[str]
    """E.164, with its plus."""
    email: Mapped[str] = mapped_column(server_default="", default="")
    contact_metadata: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
