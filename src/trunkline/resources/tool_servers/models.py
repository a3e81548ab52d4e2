"""Which tool servers a workspace has."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.platform.storage.database import Base


class ToolConfig(Base):
    """The tool servers of a workspace: one configuration each, written as a whole."""

    __tablename__ = "tool_configs"

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    servers: Mapped[list[Any]] = mapped_column(server_default="[]", default=list)
    """In their order: `id`, `mcp_url`, `headers_keys`."""
    headers_encrypted: Mapped[bytes | None]
    """Sealed JSON: id of a server → its headers."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
