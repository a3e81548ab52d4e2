"""Phone numbers, the trunks that carry them, and the agents they serve."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.platform.storage.database import Base


class Number(Base):
    """A number (or a provider's identifier). Unique over the installation: inbound calls are routed by it."""

    __tablename__ = "numbers"
    __table_args__ = (
        UniqueConstraint("number"),
        UniqueConstraint("workspace_id", "id"),  # what other tables' foreign keys point at
        UniqueConstraint("workspace_id", "slug"),
        ForeignKeyConstraint(["workspace_id", "inbound_agent_id"], ["agents.workspace_id", "agents.id"]),
        Index("ix_numbers_created", "workspace_id", text("created_at DESC"), "id"),
        Index(None, "workspace_id", "inbound_agent_id"),
        Index("ix_numbers_registering", "workspace_id", "id", postgresql_where=text("uac_enabled")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    number: Mapped[str]
    slug: Mapped[str]
    friendly_name: Mapped[str | None]
    provider_name: Mapped[str] = mapped_column(server_default="custom", default="custom")
    inbound_agent_id: Mapped[UUID | None]
    termination_uri: Mapped[str | None]
    trunk_username: Mapped[str | None]
    trunk_password_encrypted: Mapped[bytes | None]
    sip_transport: Mapped[str | None]
    sip_outbound_proxy: Mapped[str | None]
    uac_enabled: Mapped[bool] = mapped_column(server_default="false", default=False)
    uac_register_expires: Mapped[int] = mapped_column(server_default="300", default=300)
    """Seconds."""
    extra: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(onupdate=func.now())


class NumberAgent(Base):
    """A number in an agent's outbound pool."""

    __tablename__ = "number_agents"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "number_id"], ["numbers.workspace_id", "numbers.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["workspace_id", "agent_id"], ["agents.workspace_id", "agents.id"]),
        Index(None, "workspace_id", "agent_id"),
    )

    number_id: Mapped[UUID] = mapped_column(primary_key=True)
    agent_id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
