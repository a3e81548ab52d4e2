"""Workspaces and their API keys."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.platform.storage.database import Base


class Workspace(Base):
    """A tenant. The first one is made at set-up; a subaccount has a parent."""

    __tablename__ = "workspaces"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("workspaces.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ApiKey(Base):
    """A key, kept as a hash only; its text is shown once."""

    __tablename__ = "api_keys"
    __table_args__ = (Index(None, "workspace_id", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    """The 8 characters of the key that find its row."""
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    name: Mapped[str] = mapped_column(server_default="")
    hash: Mapped[bytes]
    """HMAC-SHA256 of the whole key under the installation's pepper."""
    scopes: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    """None: everything in the workspace."""
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
