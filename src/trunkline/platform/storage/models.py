"""Rows of the plumbing: of no workspace, and then the system role's alone, or of one."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.platform.storage.database import Base


class Node(Base):
    """A running voice process."""

    __tablename__ = "nodes"
    __table_args__ = (CheckConstraint("active >= 0", name="active"), Index(None, "role", "seen_at"))

    id: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]
    control_url: Mapped[str]
    """Base URL of its own HTTP."""
    sip_address: Mapped[str]
    """host:port that its SIP listens on."""
    capacity: Mapped[int]
    active: Mapped[int] = mapped_column(server_default="0")
    """Calls that it had at its last heartbeat, and what it was promised since; see `system.py`."""
    draining: Mapped[bool] = mapped_column(server_default="false")
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """Last heartbeat, by the database's clock."""


class Installation(Base):
    """Facts of the whole installation, such as the fingerprint of its secret key."""

    __tablename__ = "installation"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class IdempotencyKey(Base):
    """A request that may be sent again, and its answer once there is one."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "created_at"),)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    """SHA-256 of method, path, query and body."""
    claimed_at: Mapped[datetime | None]
    """Since when a request that reaches outside runs."""
    answer: Mapped[bytes | None]
    """Status, type and body, sealed."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
