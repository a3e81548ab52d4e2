"""Messages that went out or came in."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.platform.storage.database import Base


class Message(Base):
    """One message. Of those that we send the text is in the log of the request, not here."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("workspace_id", "run_id"),
        UniqueConstraint("workspace_id", "provider_id"),
        Index(
            "ix_messages_between",
            "workspace_id",
            "number_from",
            "number_to",
            text("created_at DESC"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    channel: Mapped[str]
    """`sms` or `whatsapp`."""
    status: Mapped[str]
    """Ours: `begun` (whether it went out is not known), `sent` or `refused`. Theirs: `received`."""
    number_from: Mapped[str]
    """E.164, without a channel before it."""
    number_to: Mapped[str]
    text: Mapped[str | None]
    """What somebody wrote to us."""
    run_id: Mapped[str | None]
    """The run of an action that sent it; a run sends no message twice."""
    talk_id: Mapped[str | None]
    """The call or chat in which it was sent."""
    provider_id: Mapped[str | None]
    """The provider's own, such as `SM…`."""
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
