"""How many calls a workspace may have and place."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.platform.storage.database import Base

CONCURRENCY = 100
ATTEMPTS_PER_SECOND = 10


class CallLimit(Base):
    """The pool of a workspace and its subaccounts: one row, the parent's, made by the first call that it counts."""

    __tablename__ = "call_limits"
    __table_args__ = (CheckConstraint("active >= 0", name="active"),)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    concurrency: Mapped[int] = mapped_column(server_default=str(CONCURRENCY))
    """Outbound calls that may be open at once, from their acceptance to their end."""
    attempts_per_second: Mapped[int] = mapped_column(server_default=str(ATTEMPTS_PER_SECOND))
    """Outbound calls that may be accepted within any one second."""
    active: Mapped[int] = mapped_column(server_default="0")
    """Open calls whose `counted` is true."""
    recent: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)), server_default="{}")
    """When the last calls were accepted, oldest first; as many as count for the next."""
