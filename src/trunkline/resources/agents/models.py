"""Agents ("assistants" on the wire)."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.platform.storage.database import Base


class Agent(Base):
    """One agent as it is now. Deleted agents stay, so that their calls keep a name."""

    __tablename__ = "agents"
    __table_args__ = (
        UniqueConstraint("workspace_id", "id"),  # what other tables' foreign keys point at
        Index("ix_agents_created", "workspace_id", text("created_at DESC"), "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    name: Mapped[str]
    type: Mapped[str]
    settings: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    """The `agent` object, as merged by writes."""
    description: Mapped[str | None]
    external_webhook_url: Mapped[str | None]
    inbound_call_webhook_url: Mapped[str | None]
    is_recording: Mapped[bool] = mapped_column(server_default="true", default=True)
    max_duration: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    voicemail_message: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    extra: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    """Further top-level fields that were sent and are shown again."""
    phone_number: Mapped[str] = mapped_column(server_default="", default="")
    version: Mapped[int] = mapped_column(server_default="0", default=0)
    """The number of its newest version; 0 only until its first write is done."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    deleted_at: Mapped[datetime | None]
    forgot_before: Mapped[datetime | None]
    """Calls and chats of before are without words, numbers and recordings (`resources/retention`)."""
