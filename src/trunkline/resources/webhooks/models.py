"""What is to be delivered to users' addresses, what signs it, and logs of what was sent there."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.platform.storage.database import Base

_NEWEST = text("requested_at DESC")


class WebhookLog(Base):
    """One request that went out, and its answer. Call, agent and action are named only: a log outlives them."""

    __tablename__ = "webhook_logs"
    __table_args__ = (
        Index("ix_webhook_logs_requested", "workspace_id", _NEWEST, "id"),
        Index("ix_webhook_logs_kind", "workspace_id", "kind", _NEWEST, "id"),
        Index("ix_webhook_logs_status", "workspace_id", "status", _NEWEST, "id"),
        Index("ix_webhook_logs_method", "workspace_id", "method", _NEWEST, "id"),
        Index("ix_webhook_logs_agent", "workspace_id", "agent_id", _NEWEST, "id"),
        Index("ix_webhook_logs_call", "workspace_id", "call_id", _NEWEST, "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    kind: Mapped[str]
    """`external_webhook`, `inbound_webhook` or `custom_action`."""
    url: Mapped[str]
    """Without secrets, like everything here."""
    method: Mapped[str]
    """Lower case."""
    status: Mapped[str]
    """`pending`, `success` or `failed`."""
    call_id: Mapped[UUID | None]
    agent_id: Mapped[UUID | None]
    action_id: Mapped[UUID | None]
    attempt: Mapped[int]
    """From 1."""
    error: Mapped[str | None]
    requested_at: Mapped[datetime]
    request_headers: Mapped[dict[str, Any]]
    request_payload: Mapped[dict[str, Any]]
    request_query: Mapped[dict[str, Any]]
    answered_at: Mapped[datetime | None]
    answer_status: Mapped[int | None]
    answer_headers: Mapped[dict[str, Any] | None]
    answer_payload: Mapped[dict[str, Any] | None]
    duration_ms: Mapped[int | None]
    first_byte_ms: Mapped[int | None]
    answer_bytes: Mapped[int | None]
    """Headers and body."""
    body_bytes: Mapped[int | None]


class WebhookDelivery(Base):
    """One message that has to arrive: pending → delivered | dead. A claim is a lease: while it runs nobody else sends."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_due", "host", "due_at", postgresql_where=text("state = 'pending'")),
        Index(
            "ix_deliveries_call", "call_id", "kind", unique=True, postgresql_where=text("call_id IS NOT NULL")
        ),
        Index("ix_deliveries_newest", "workspace_id", text("created_at DESC"), "id"),
        Index("ix_deliveries_state", "workspace_id", "state", text("created_at DESC"), "id"),
        Index("ix_deliveries_ended", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    """The `webhook-id` of every attempt."""
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    kind: Mapped[str]
    """`external_webhook`."""
    call_id: Mapped[UUID | None]
    agent_id: Mapped[UUID | None]
    url: Mapped[str]
    host: Mapped[str]
    """Host and port of the address: what one slow receiver is told apart by."""
    body: Mapped[bytes]
    """Rendered once; every attempt sends these bytes."""
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default="0", default=0)
    """How often it was claimed; who claimed it last may write."""
    attempts_before: Mapped[int] = mapped_column(server_default="0", default=0)
    """How many of them were before somebody asked for it again."""
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """Not before; of a claimed one the end of its lease."""
    give_up_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    answer_status: Mapped[int | None]
    """Of the last attempt that was answered."""
    error: Mapped[str | None]
    """Why the last attempt failed."""


class SigningSecret(Base):
    """What a workspace's webhooks are signed with, sealed."""

    __tablename__ = "signing_secrets"

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    sealed: Mapped[bytes]
    former: Mapped[bytes | None]
    """Signs as well for a while after a rotation."""
    rotated_at: Mapped[datetime] = mapped_column(server_default=func.now())
