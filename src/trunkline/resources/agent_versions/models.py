"""Versions of agents."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.platform.storage.database import Base


class AgentVersion(Base):
    """An agent as a write left it. Never changed; counted from 1 for each agent."""

    __tablename__ = "agent_versions"
    __table_args__ = (
        ForeignKeyConstraint(["workspace_id", "agent_id"], ["agents.workspace_id", "agents.id"]),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    agent_id: Mapped[UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]]
    """What `snapshots.content_of` took."""
    restored_from: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
