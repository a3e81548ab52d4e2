"""Workspaces and keys in the database, across workspaces: every function wants a session of `Database.system()`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.workspaces.models import ApiKey, Workspace

_SETTING_UP = 7_405_001


async def alone(session: AsyncSession) -> None:
    """Wait until no other process is setting up; held to the end of the transaction."""
    await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _SETTING_UP})


async def add_workspace(session: AsyncSession, name: str) -> UUID:
    """A new workspace's id."""
    workspace = Workspace(name=name)
    session.add(workspace)
    await session.flush()
    return workspace.id


async def add_key(session: AsyncSession, key: ApiKey) -> None:
    """Store a new key."""
    session.add(key)
    await session.flush()


async def get_key(session: AsyncSession, key_id: str) -> ApiKey | None:
    """A key, revoked ones too."""
    return await session.get(ApiKey, key_id)


async def get_workspace(session: AsyncSession, workspace_id: UUID) -> Workspace | None:
    """A workspace."""
    return await session.get(Workspace, workspace_id)


async def keys(session: AsyncSession) -> Sequence[ApiKey]:
    """All keys, newest first, revoked ones too."""
    return (await session.scalars(select(ApiKey).order_by(ApiKey.created_at.desc(), ApiKey.id))).all()


async def revoke(session: AsyncSession, key_id: str) -> bool:
    """Make a key good for nothing; False if it is unknown or was revoked before."""
    good = (ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
    statement = update(ApiKey).where(*good).values(revoked_at=datetime.now(UTC)).returning(ApiKey.id)
    return await session.scalar(statement) is not None


async def revoke_named(session: AsyncSession, workspace_id: UUID, name: str, but: str) -> None:
    """Revoke the keys of this name, one excepted."""
    others = (ApiKey.workspace_id == workspace_id, ApiKey.name == name, ApiKey.id != but)
    statement = update(ApiKey).where(*others, ApiKey.revoked_at.is_(None))
    await session.execute(statement.values(revoked_at=datetime.now(UTC)))
