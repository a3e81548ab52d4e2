"""Memory stores: what agents keep of the people they talked to."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.platform.storage.database import Base


class MemoryStore(Base):
    """A set of contacts that are remembered, for the agents that use it."""

    __tablename__ = "memory_stores"
    __table_args__ = (
        UniqueConstraint("workspace_id", "id"),  # what other tables' foreign keys point at
        Index("ix_memory_stores_created", "workspace_id", text("created_at DESC"), "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    title: Mapped[str] = mapped_column(server_default="", default="")
    description: Mapped[str] = mapped_column(server_default="", default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class MemoryStoreAgent(Base):
    """The store that an agent uses. An agent has one at most; a store may serve many agents."""

    __tablename__ = "memory_store_agents"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "memory_store_id"],
            ["memory_stores.workspace_id", "memory_stores.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(["workspace_id", "agent_id"], ["agents.workspace_id", "agents.id"]),
        Index(None, "workspace_id", "memory_store_id"),
    )

    agent_id: Mapped[UUID] = mapped_column(primary_key=True)
    memory_store_id: Mapped[UUID]
    workspace_id: Mapped[UUID]


class Memory(Base):
    """What a store holds of one contact; there from the moment the contact is attached, gone with it."""

    __tablename__ = "memories"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "memory_store_id"],
            ["memory_stores.workspace_id", "memory_stores.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["workspace_id", "contact_id"], ["contacts.workspace_id", "contacts.id"], ondelete="CASCADE"
        ),
        UniqueConstraint("workspace_id", "memory_store_id", "contact_id"),  # for foreign keys
        Index(None, "workspace_id", "contact_id"),
    )

    memory_store_id: Mapped[UUID] = mapped_column(primary_key=True)
    contact_id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    memory: Mapped[str] = mapped_column(server_default="", default="")
    """Its facts in one text, written with them."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class MemoryTalk(Base):
    """A call or chat that a memory has taken in, whether or not anything in it was worth keeping."""

    __tablename__ = "memory_talks"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "memory_store_id", "contact_id"],
            ["memories.workspace_id", "memories.memory_store_id", "memories.contact_id"],
            ondelete="CASCADE",
        ),
        Index(None, "workspace_id", "source"),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    memory_store_id: Mapped[UUID] = mapped_column(primary_key=True)
    contact_id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    """The id of the call or chat."""
    upto: Mapped[int]
    """How much of it was taken in: `Talk.upto`."""


class MemoryFact(Base):
    """One thing that is known of a contact, by the talk in which it was said. What is no longer true is deleted."""

    __tablename__ = "memory_facts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "memory_store_id", "contact_id", "source"],
            [
                "memory_talks.workspace_id",
                "memory_talks.memory_store_id",
                "memory_talks.contact_id",
                "memory_talks.source",
            ],
            ondelete="CASCADE",
        ),
        Index("ix_memory_facts_of_contact", "workspace_id", "memory_store_id", "contact_id", "source"),
    )

    seq: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    workspace_id: Mapped[UUID]
    memory_store_id: Mapped[UUID]
    contact_id: Mapped[UUID]
    source: Mapped[str]
    said_at: Mapped[datetime]
    """When that talk began."""
    text: Mapped[str]
