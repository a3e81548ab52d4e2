"""Tool servers in the database."""

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.tool_servers.models import ToolConfig


class ToolConfigRepository:
    """The configuration of one workspace, within one transaction."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        self._session = session
        self._workspace = workspace_id

    async def get(self, *, lock: bool = False) -> ToolConfig | None:
        """The configuration."""
        query = select(ToolConfig).where(ToolConfig.workspace_id == self._workspace)
        return (await self._session.scalars(query.with_for_update() if lock else query)).one_or_none()

    async def get_or_add(self) -> ToolConfig:
        """The configuration, locked; a new one where there was none."""
        added = insert(ToolConfig).values(workspace_id=self._workspace).on_conflict_do_nothing()
        await self._session.execute(added)
        query = select(ToolConfig).where(ToolConfig.workspace_id == self._workspace)
        return (await self._session.scalars(query.with_for_update())).one()

    async def delete(self) -> bool:
        """Remove the configuration; False if there was none."""
        statement = delete(ToolConfig).where(ToolConfig.workspace_id == self._workspace)
        gone = await self._session.scalars(statement.returning(ToolConfig.workspace_id))
        return gone.one_or_none() is not None
