"""Batches of calls, and the tasks they consist of."""

from datetime import datetime
from typing import Any
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


class BatchCall(Base):
    """Many calls of one agent. `status` moves by `status.py` only."""

    __tablename__ = "batch_calls"
    __table_args__ = (
        UniqueConstraint("workspace_id", "id"),  # what other tables' foreign keys point at
        ForeignKeyConstraint(["workspace_id", "agent_id"], ["agents.workspace_id", "agents.id"]),
        Index("ix_batch_calls_created", "workspace_id", text("created_at DESC"), "id"),
        Index(
            "ix_batch_calls_open",
            "created_at",
            postgresql_where=text("status IN ('scheduled', 'in_progress')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[UUID]
    name: Mapped[str]
    from_number: Mapped[str]
    status: Mapped[str]
    trigger_at: Mapped[datetime | None]
    """Nobody is called before."""
    reserved_concurrency: Mapped[int | None]
    """Calls of this batch that may be open at once; None: as many as the workspace may have."""
    weekly_hours: Mapped[list[Any] | None]
    """When people may be called, in the agent's time zone; None: always."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    """When its first call was placed."""


class BatchTask(Base):
    """One person to be called."""

    __tablename__ = "batch_tasks"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "batch_id"], ["batch_calls.workspace_id", "batch_calls.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["workspace_id", "override_agent_id"], ["agents.workspace_id", "agents.id"]),
        ForeignKeyConstraint(["workspace_id", "call_id"], ["calls.workspace_id", "calls.id"]),
        UniqueConstraint(
            "workspace_id", "batch_id", "task_id", name="uq_batch_tasks_workspace_id_batch_id_task_id"
        ),
        Index("ix_batch_tasks_added", "workspace_id", "batch_id", "seq"),
        Index("ix_batch_tasks_status", "workspace_id", "batch_id", "status", "seq"),
    )

    seq: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    """Rises in the order in which tasks were added."""
    workspace_id: Mapped[UUID]
    batch_id: Mapped[UUID]
    task_id: Mapped[str]
    """The caller's own name of it, unique in the batch."""
    to_number: Mapped[str]
    lead_name: Mapped[str] = mapped_column(server_default="")
    lead_email: Mapped[str | None]
    variables: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    override_agent_id: Mapped[UUID | None]
    status: Mapped[str]
    call_id: Mapped[UUID | None]
    error_message: Mapped[str | None]
    """Why no call was placed."""
