"""Chats and what was written in them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.platform.storage.database import Base


class Chat(Base):
    """A conversation in writing. Its id is the caller's choice, unique in the workspace."""

    __tablename__ = "chats"
    __table_args__ = (
        ForeignKeyConstraint(["workspace_id", "agent_id"], ["agents.workspace_id", "agents.id"]),
        Index("ix_chats_created", "workspace_id", text("created_at DESC"), "id"),
        Index("ix_chats_agent", "workspace_id", "agent_id", text("created_at DESC"), "id"),
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    agent_id: Mapped[UUID]
    status: Mapped[str]
    """`ongoing`, `completed` or `cancelled`."""
    variables: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    """For the agent's prompt: what was sent as metadata and custom variables."""
    results: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    """Variables too: what actions gave."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    claim: Mapped[UUID | None]
    """Who has a message of this chat answered just now; nobody else does meanwhile."""
    claimed_until: Mapped[datetime | None]
    """The claim of somebody who died ends here."""


class ChatMessage(Base):
    """One message of a dialogue, in order."""

    __tablename__ = "chat_messages"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "chat_id"], ["chats.workspace_id", "chats.id"], ondelete="CASCADE"
        ),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    chat_id: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """From 0."""
    turn: Mapped[int]
    """0 is the agent's first message; a user's message and its answer share one number."""
    message: Mapped[dict[str, Any]]
    """As the dialogue has it: `role`, `content`; what the agent asked of tools and got of them is among it."""
    request: Mapped[str | None]
    """Names the request that brought a user's message; brought again, it gets the answer that it got."""
    created_at: Mapped[datetime]
