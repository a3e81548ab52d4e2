"""Workspaces and their API keys: how keys are made, found and revoked.

A key is `sk_<env>_<8 characters>_<secret>`; the 8 characters find its row. The first workspace's key may be
chosen by the operator instead: any 16 to 200 printable characters, found by the start of its keyed hash.
Only hashes are stored.
"""

import secrets
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import BadInput, NotFound, SetupError
from trunkline.platform.http.auth import LONGEST_KEY, Identity
from trunkline.platform.http.scopes import checked
from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.workspaces import repository
from trunkline.resources.workspaces.models import ApiKey

SHORTEST_KEY = 16
FIRST = "First workspace"
CHOSEN = "TRUNKLINE_API_KEY"
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


class StoredKeys:
    """Looks keys up in the database, for the authenticator of the HTTP application."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._database = database
        self._box = box

    async def find(self, key: str) -> Identity | None:
        """The identity of a key that is known, not revoked and not expired."""
        async with self._database.system() as session:
            row = await system.find_key(session, _id_of(key, self._box))
        if row is None or not self._box.verify_key(key, row.hash) or row.revoked_at is not None:
            return None
        if row.expires_at is not None and row.expires_at <= datetime.now(UTC):
            return None
        return Identity(
            row.id,
            row.workspace_id,
            scopes=None if row.scopes is None else frozenset(row.scopes),
            denied=frozenset(row.revoked_permissions),
            expires_at=row.expires_at,
            parent_id=row.parent_id,
        )

    async def used(self, key_ids: Collection[str]) -> None:
        """Note that these keys were used just now."""
        async with self._database.system() as session:
            await system.keys_used(session, key_ids)


async def ensure_first_workspace(database: Database, box: SecretBox, chosen_key: str | None) -> str | None:
    """Make the first workspace and its key where they are missing; may be called at every start.

    Returns the key's text if it was made just now: nobody can ask for it again. A chosen key takes the place of
    the one chosen before.

    Raises:
        SetupError: the chosen key has a wrong form, or was revoked.
    """
    if chosen_key is not None:
        _check_chosen(chosen_key)
    async with database.system() as session:
        await repository.alone(session)
        workspace_id = await system.first_workspace(session)
        if workspace_id is None:
            workspace_id = await repository.add_workspace(session, FIRST)
        if chosen_key is not None:
            await _choose(session, box, workspace_id, chosen_key)
            return None
        if await repository.keys(session):
            return None
        key = new_key()
        await repository.add_key(session, key_row(workspace_id, "first", key, box))
        return key


async def _choose(session: AsyncSession, box: SecretBox, workspace_id: UUID, key: str) -> None:
    id_ = _id_of(key, box)
    known = await repository.get_key(session, id_)
    if known is None:
        await repository.add_key(session, key_row(workspace_id, CHOSEN, key, box))
    elif known.revoked_at is not None:
        raise SetupError("The key in TRUNKLINE_API_KEY was revoked; choose another one or unset it.")
    elif not box.verify_key(key, known.hash):
        raise SetupError(
            "The key in TRUNKLINE_API_KEY looks like another key of this installation; choose another."
        )
    await repository.revoke_named(session, workspace_id, CHOSEN, but=id_)


async def create_key(
    database: Database,
    box: SecretBox,
    workspace_id: UUID | None,
    name: str,
    *,
    scopes: Sequence[str] | None = None,
    expires_at: datetime | None = None,
) -> str:
    """A new key's text, which cannot be had again; no workspace means the first one, no scopes everything.

    Raises:
        NotFound: there is no such workspace.
        BadInput: a scope is not known, or the time of expiry is past.
    """
    wanted = None if scopes is None else checked(scopes)
    check_expiry(expires_at)
    key = new_key()
    async with database.system() as session:
        owner = workspace_id or await system.first_workspace(session)
        workspace = owner and await repository.get_workspace(session, owner)
        if not workspace or workspace.deleted_at is not None:
            raise NotFound(f"There is no workspace {owner or ''}; `trunkline serve` makes the first one.")
        row = key_row(workspace.id, name, key, box, scopes=wanted, expires_at=expires_at)
        await repository.add_key(session, row)
    return key


async def list_keys(database: Database) -> Sequence[ApiKey]:
    """All keys of the installation, newest first, revoked ones too."""
    async with database.system() as session:
        return await repository.keys(session)


async def revoke_key(database: Database, key_id: str) -> None:
    """Make a key good for nothing; running processes notice within 30 s.

    Raises:
        NotFound: there is no such key, or it was revoked before.
    """
    async with database.system() as session:
        if not await repository.revoke(session, key_id):
            raise NotFound(f"There is no key {key_id} that could be revoked; see `trunkline keys list`.")


def new_key() -> str:
    """A random key."""
    id_ = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    return f"sk_live_{id_}_{secrets.token_urlsafe(32)}"


def check_expiry(at: datetime | None) -> None:
    """Raises BadInput for a time that is past."""
    if at is not None and at <= datetime.now(UTC):
        raise BadInput(
            "expires_at is past; send a time to come, or leave it out for a key that does not expire."
        )


def key_row(
    workspace_id: UUID,
    name: str,
    key: str,
    box: SecretBox,
    *,
    scopes: Sequence[str] | None = None,
    expires_at: datetime | None = None,
) -> ApiKey:
    """The row of a key's text."""
    return ApiKey(
        id=_id_of(key, box),
        workspace_id=workspace_id,
        name=name,
        hash=box.hash_key(key),
        scopes=None if scopes is None else list(scopes),
        expires_at=expires_at,
    )


def _id_of(key: str, box: SecretBox) -> str:
    parts = key.split("_", 3)
    if len(parts) == 4 and parts[0] == "sk" and len(parts[2]) == 8 and parts[2].isalnum():
        return parts[2]
    return box.hash_key(key).hex()[:8]


def _check_chosen(key: str) -> None:
    if not (SHORTEST_KEY <= len(key) <= LONGEST_KEY and key.isprintable() and key == key.strip()):
        raise SetupError(
            f"TRUNKLINE_API_KEY must have {SHORTEST_KEY} to {LONGEST_KEY} printable characters and no blank at either end."
        )
