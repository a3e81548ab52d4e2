"""What a workspace shows to outside services: sealed, and never shown again.

deepgram, elevenlabs, calcom   {api_key}
ghl                            {api_key, location_id}, the second where one was given
twilio                         {account_sid, auth_token}
"""

import json
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, get_args
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.workspaces.models import WorkspaceSecret

Name = Literal["deepgram", "elevenlabs", "twilio", "calcom", "ghl"]
NAMES: tuple[Name, ...] = get_args(Name)


class Opener(Protocol):
    """What is needed of `platform.storage.secrets.SecretBox` to read."""

    def open(self, workspace_id: UUID, field: str, sealed: bytes) -> str:
        """The text that was sealed for this workspace and field."""
        ...


async def store(
    session: AsyncSession, box: SecretBox, workspace_id: UUID, name: Name, value: Mapping[str, str]
) -> WorkspaceSecret:
    """Keep a value, of the shape above, in place of the former one."""
    sealed = box.seal(workspace_id, _field(name), json.dumps(dict(value)))
    statement = insert(WorkspaceSecret).values(workspace_id=workspace_id, name=name, sealed=sealed)
    changed = statement.on_conflict_do_update(
        index_elements=["workspace_id", "name"], set_={"sealed": sealed, "updated_at": func.now()}
    )
    returned = changed.returning(WorkspaceSecret)
    return (await session.execute(returned, execution_options={"populate_existing": True})).scalar_one()


async def secret(session: AsyncSession, box: Opener, workspace_id: UUID, name: Name) -> dict[str, str] | None:
    """The value, of the shape above; None where the workspace has none. Workspace's or system's session.

    Raises:
        SetupError: it was sealed with another secret key.
    """
    row = await session.get(WorkspaceSecret, (workspace_id, name))
    if row is None:
        return None
    value: dict[str, str] = json.loads(box.open(workspace_id, _field(name), row.sealed))
    return value


async def stored(session: AsyncSession, workspace_id: UUID) -> Sequence[WorkspaceSecret]:
    """Those that a workspace has set."""
    query = select(WorkspaceSecret).where(WorkspaceSecret.workspace_id == workspace_id)
    return (await session.scalars(query)).all()


async def remove(session: AsyncSession, workspace_id: UUID, name: str | None = None) -> bool:
    """Take one away, or all; False if there was none."""
    statement = delete(WorkspaceSecret).where(WorkspaceSecret.workspace_id == workspace_id)
    if name is not None:
        statement = statement.where(WorkspaceSecret.name == name)
    return bool((await session.scalars(statement.returning(WorkspaceSecret.name))).all())


def _field(name: str) -> str:
    return f"secret {name}"
