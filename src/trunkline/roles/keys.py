"""API keys from the command line, as `trunkline keys` shows them."""

from datetime import datetime
from uuid import UUID

from trunkline.errors import BadInput, SetupError
from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database
from trunkline.resources.workspaces import service as workspaces
from trunkline.roles import foundation
from trunkline.settings import Settings


async def create(settings: Settings, name: str, workspace: str | None) -> str:
    """A new key's text, which nobody can ask for again."""
    async with foundation.reached(settings) as database:
        box = await foundation.secret_box(settings, database)
        _, text = await workspaces.create_key(database, box, await _workspace(database, workspace), name)
        return text


async def rows(settings: Settings, workspace: str | None) -> list[tuple[str, ...]]:
    """Id, name, created, last used, revoked; oldest first."""
    async with foundation.reached(settings) as database:
        keys = await workspaces.list_keys(database, await _workspace(database, workspace))
    return [
        (key.id, key.name, _when(key.created_at), _when(key.last_used_at), _when(key.revoked_at))
        for key in keys
    ]


async def revoke(settings: Settings, key: str) -> None:
    """Raises NotFound for an id that is unknown."""
    async with foundation.reached(settings) as database:
        await workspaces.revoke_key(database, key)


async def _workspace(database: Database, chosen: str | None) -> UUID:
    if chosen is not None:
        try:
            return UUID(chosen)
        except ValueError as error:
            raise BadInput(f"{chosen} is no workspace id; leave it out for the first workspace") from error
    async with database.system() as session:
        first = await system.first_workspace(session)
    if first is None:
        raise SetupError("there is no workspace yet; the first start of `trunkline serve` makes one")
    return first


def _when(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"
