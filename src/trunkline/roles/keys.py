"""API keys from the command line, as `trunkline keys` shows them."""

from datetime import datetime
from uuid import UUID

from trunkline.errors import BadInput
from trunkline.resources.workspaces import service as workspaces
from trunkline.roles import foundation, installation
from trunkline.settings import Settings


async def create(settings: Settings, name: str, workspace: str | None) -> str:
    """A new key's text, which nobody can ask for again; no workspace means the first one."""
    async with foundation.reached(settings) as database:
        box = await installation.secret_box(settings, database)
        return await workspaces.create_key(database, box, _id(workspace), name)


async def rows(settings: Settings) -> list[tuple[str, ...]]:
    """Id, name, workspace, created, last used, revoked; newest first."""
    async with foundation.reached(settings) as database:
        return [
            (
                key.id,
                key.name,
                str(key.workspace_id),
                _when(key.created_at),
                _when(key.last_used_at),
                _when(key.revoked_at),
            )
            for key in await workspaces.list_keys(database)
        ]


async def revoke(settings: Settings, key: str) -> None:
    """Raises NotFound for an id that is unknown."""
    async with foundation.reached(settings) as database:
        await workspaces.revoke_key(database, key)


def _id(workspace: str | None) -> UUID | None:
    try:
        return None if workspace is None else UUID(workspace)
    except ValueError as error:
        raise BadInput(f"{workspace} is no workspace id; leave it out for the first workspace") from error


def _when(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"
