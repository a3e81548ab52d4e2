"""Actions, and the agents that they are attached to."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.platform.storage.database import Base


class Action(Base):
    """Something that agents may do. Deleted ones stay: versions of agents name them."""

    __tablename__ = "actions"
    __table_args__ = (
        UniqueConstraint("workspace_id", "id"),  # what other tables' foreign keys point at
        Index("ix_actions_created", "workspace_id", text("created_at DESC"), "id"),
        Index(None, "workspace_id", "name"),
        Index(
            "ix_actions_phone_book",
            "workspace_id",
            "phone_book_id",
            postgresql_where=text("phone_book_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    type: Mapped[str]
    """The upper-case key of the contract, such as `LIVE_TRANSFER`."""
    name: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="", default="")
    settings: Mapped[dict[str, Any]]
    """The type's body, defaults filled in; `MASK` where a secret belongs."""
    secrets_encrypted: Mapped[bytes | None]
    """What belongs there; see `secrets.py`."""
    phone_book_id: Mapped[UUID | None]
    """Of a transfer that chooses from a phone book."""
    inline: Mapped[bool] = mapped_column(server_default="false", default=False)
    """Made by a write of an agent, and deleted when such a write takes it from its last agent."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    deleted_at: Mapped[datetime | None]


class AgentAction(Base):
    """An action that an agent has."""

    __tablename__ = "agent_actions"
    __table_args__ = (
        ForeignKeyConstraint(["workspace_id", "agent_id"], ["agents.workspace_id", "agents.id"]),
        ForeignKeyConstraint(["workspace_id", "action_id"], ["actions.workspace_id", "actions.id"]),
        Index(None, "workspace_id", "action_id"),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    agent_id: Mapped[UUID] = mapped_column(primary_key=True)
    action_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int]
    """The agent's actions in their order."""
    attachment_type: Mapped[str] = mapped_column(server_default="during", default="during")
    """When in a call it may run: `before`, `during` or `after`."""
    trigger_condition: Mapped[str | None]
    """In plain words, when to run it; custom actions only."""
    input_variables_mapping: Mapped[list[Any]] = mapped_column(server_default="[]", default=list)
    """Where values for its variables come from, in the form of the wire."""
