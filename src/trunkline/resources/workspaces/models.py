"""Workspaces, their API keys and their secrets."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.platform.storage.database import Base


class Workspace(Base):
    """A tenant. The first one is made at set-up; a subaccount has a parent, and limits where that sets some.

    A deleted subaccount stays, so that its calls stay readable to the operator; none of its keys work.
    """

    __tablename__ = "workspaces"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("workspaces.id"), index=True)
    revoked_permissions: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}", default=list)
    """What the parent has taken from it, of PERMISSIONS."""
    concurrency: Mapped[int | None]
    """Most calls at once; None: no limit but its parent's."""
    max_agents: Mapped[int | None]
    max_minutes: Mapped[int | None]
    """Most minutes of calls in all."""
    max_workflow_runs: Mapped[int | None]
    pricing_tiers: Mapped[list[Any]] = mapped_column(server_default="[]", default=list)
    """Ids, kept and shown; nothing is billed."""
    subscription: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    members: Mapped[list[Any]] = mapped_column(server_default="[]", default=list)
    """Who was invited: `{email, status}`."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[datetime | None]


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


class WorkspaceSecret(Base):
    """What a workspace shows to an outside service; see `secrets.py` for the names and their shapes."""

    __tablename__ = "workspace_secrets"

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[bytes]
    """A JSON object."""
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
