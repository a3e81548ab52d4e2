"""Logs of what was sent to users' addresses."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, text
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
