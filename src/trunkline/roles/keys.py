"""API keys from the command line, as `trunkline keys` shows them."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from trunkline.errors import BadInput
from trunkline.resources.workspaces import service as workspaces
from trunkline.roles import foundation, installation
from trunkline.settings import Settings

_SPAN = re.compile(r"(?P<n>[1-9][0-9]{0,4})(?P<unit>[hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


async def create(
    settings: Settings, name: str, workspace: str | None, scopes: Sequence[str], expires: str | None
) -> str:
    """A new key's text, which nobody can ask for again.

    No workspace means the first one, no scopes everything; `expires` is as `expiry` reads it, None: never.
    """
    owner, expires_at = _id(workspace), expiry(expires) if expires else None
    async with foundation.reached(settings) as database:
        box = await installation.secret_box(settings, database)
        return await workspaces.create_key(
            database, box, owner, name, scopes=scopes or None, expires_at=expires_at
        )


async def rows(settings: Settings) -> list[tuple[str, ...]]:
    """Id, name, workspace, scopes, created, last used, expires, revoked; newest first."""
    async with foundation.reached(settings) as database:
        return [
            (
                key.id,
                key.name,
                str(key.workspace_id),
                "all" if key.scopes is None else " ".join(key.scopes),
                _when(key.created_at),
                _when(key.last_used_at),
                _when(key.expires_at),
                _when(key.revoked_at),
            )
            for key in await workspaces.list_keys(database)
        ]


async def revoke(settings: Settings, key: str) -> None:
    """Raises NotFound for an id that is unknown."""
    async with foundation.reached(settings) as database:
        await workspaces.revoke_key(database, key)


def expiry(text: str) -> datetime:
    """The time that `12h`, `30d`, `8w` (from now), or an ISO date or date with time (UTC without a zone) means.

    Raises:
        BadInput: it is none of these.
    """
    if match := _SPAN.fullmatch(text):
        return datetime.now(UTC) + int(match["n"]) * _UNITS[match["unit"]]
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(
            f"--expires: {text} is no time; write 12h, 30d, 8w or a date such as 2027-01-31"
        ) from error
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _id(workspace: str | None) -> UUID | None:
    try:
        return None if workspace is None else UUID(workspace)
    except ValueError as error:
        raise BadInput(f"{workspace} is no workspace id; leave it out for the first workspace") from error


def _when(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"
