"""Knowledge bases, their sources, the pieces that these are cut into, and the agents that search them."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from pgvector.sqlalchemy import VECTOR
from sqlalchemy import Computed, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, deferred, mapped_column

from trunkline.platform.storage.database import Base
from trunkline.voice.language.embeddings import DIMENSIONS, Vectors


class KnowledgeBase(Base):
    """A set of sources that agents search together."""

    __tablename__ = "knowledge_bases"
    __table_args__ = (
        UniqueConstraint("workspace_id", "id"),  # what other tables' foreign keys point at
        Index("ix_knowledge_bases_created", "workspace_id", text("created_at DESC"), "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    name: Mapped[str] = mapped_column(server_default="", default="")
    rag_use_condition: Mapped[str] = mapped_column(server_default="", default="")
    """When to search; a text for the language model."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class KnowledgeBaseAgent(Base):
    """An agent that searches a base."""

    __tablename__ = "knowledge_base_agents"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "knowledge_base_id"],
            ["knowledge_bases.workspace_id", "knowledge_bases.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(["workspace_id", "agent_id"], ["agents.workspace_id", "agents.id"]),
        Index(None, "workspace_id", "agent_id"),
    )

    knowledge_base_id: Mapped[UUID] = mapped_column(primary_key=True)
    agent_id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]


class KnowledgeSource(Base):
    """A document, a text or a page, and how far it has been read."""

    __tablename__ = "knowledge_sources"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "knowledge_base_id"],
            ["knowledge_bases.workspace_id", "knowledge_bases.id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("workspace_id", "id"),
        Index(
            "ix_knowledge_sources_created",
            "workspace_id",
            "knowledge_base_id",
            text("created_at DESC"),
            "id",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    workspace_id: Mapped[UUID]
    knowledge_base_id: Mapped[UUID]
    type: Mapped[str]
    name: Mapped[str] = mapped_column(server_default="", default="")
    url: Mapped[str] = mapped_column(server_default="", default="")
    content: Mapped[str | None] = deferred(mapped_column())
    """Of a text as it was sent: up to 16 MiB, so read only where it is needed."""
    preview: Mapped[str] = mapped_column(server_default="", default="")
    version: Mapped[int] = mapped_column(server_default="1", default=1)
    """Counts what was to be read; a job writes only while the version is the one it was made for."""
    state: Mapped[str]
    error: Mapped[str | None]
    """Why it failed, or why it is tried again."""
    tries: Mapped[int] = mapped_column(server_default="0", default=0)
    """Begun since it last got on."""
    chunk_count: Mapped[int | None]
    """None until the text is read and cut."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """When it was last written by its owner."""


class KnowledgeChunk(Base):
    """A piece of a source's text, of that source's present version always."""

    __tablename__ = "knowledge_chunks"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "source_id"],
            ["knowledge_sources.workspace_id", "knowledge_sources.id"],
            ondelete="CASCADE",
        ),
        Index(None, "workspace_id", "knowledge_base_id"),
    )

    source_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    knowledge_base_id: Mapped[UUID]
    text: Mapped[str]
    words: Mapped[Any] = mapped_column(
        TSVECTOR, Computed("to_tsvector('english'::regconfig, text)", persisted=True)
    )
    """English word forms; words of other languages are kept as they are."""
    embedding: Mapped[Vectors | None] = mapped_column(VECTOR(DIMENSIONS))
    """None until it is embedded."""
