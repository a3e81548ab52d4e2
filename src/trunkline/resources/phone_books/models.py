"""Phone books: where agents may transfer a call to, and when."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.platform.storage.database import Base


class PhoneBook(Base):
    """A list of places to transfer to."""

    __tablename__ = "phone_books"
    __table_args__ = (
        UniqueConstraint("workspace_id", "id"),  # what other tables' foreign keys point at
        Index("ix_phone_books_created", "workspace_id", text("created_at DESC"), "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PhoneBookEntry(Base):
    """One place to transfer to."""

    __tablename__ = "phone_book_entries"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "phone_book_id"],
            ["phone_books.workspace_id", "phone_books.id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("workspace_id", "phone_book_id", "phone_number"),
        Index(
            "ix_phone_book_entries_created", "workspace_id", "phone_book_id", text("created_at DESC"), "id"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    workspace_id: Mapped[UUID]
    phone_book_id: Mapped[UUID]
    phone_number: Mapped[str]
    """E.164, or a SIP URI."""
    transfer_condition: Mapped[str]
    """In plain words: when the agent is to choose this entry."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
