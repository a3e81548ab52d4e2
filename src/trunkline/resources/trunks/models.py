"""How the SIP trunks of numbers stand at their registrars."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.platform.storage.database import Base


class TrunkRegistration(Base):
    """A number's registration, and the one voice process that keeps it.

    `host_id` is claimed by a conditional update; the lease is that process's own heartbeat in `nodes`.
    """

    __tablename__ = "trunk_registrations"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "number_id"],
            ["numbers.workspace_id", "numbers.id"],
            ondelete="CASCADE",
            onupdate="CASCADE",  # numbers move between a workspace and its subaccounts
        ),
        Index(None, "host_id"),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    number_id: Mapped[UUID] = mapped_column(primary_key=True)
    host_id: Mapped[str | None] = mapped_column(ForeignKey("nodes.id", ondelete="SET NULL"))
    """None: nobody keeps it now."""
    state: Mapped[str]
    """A `RegistrationState`."""
    code: Mapped[int | None]
    """SIP status of the registrar's refusal."""
    reason: Mapped[str] = mapped_column(server_default="", default="")
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """Since when it stands so."""
