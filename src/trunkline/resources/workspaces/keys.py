"""The keys of one workspace, as its own keys and its parent's make, list and revoke them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import BadInput, Forbidden, NotFound
from trunkline.platform.http.auth import Identity
from trunkline.platform.http.scopes import checked, within
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.workspaces.models import ApiKey
from trunkline.resources.workspaces.schemas import KeyCreate
from trunkline.resources.workspaces.service import check_expiry, key_row, new_key


class Keys:
    """The keys of the workspace in which `acting` acts, within one transaction there."""

    def __init__(self, session: AsyncSession, acting: Identity) -> None:
        self._session = session
        self._acting = acting
        self._mine = ApiKey.workspace_id == acting.workspace_id

    async def create(self, box: SecretBox, body: KeyCreate) -> tuple[ApiKey, str]:
        """A new key and its text, which cannot be had again.

        Raises:
            BadInput: a scope is not known, or the time of expiry is past.
            Forbidden: the new key could do more, or would live longer, than the one that makes it.
        """
        scopes, expires_at = given(self._acting, body.scopes, body.expires_at)
        key = new_key()
        row = key_row(self._acting.workspace_id, body.name, key, box, scopes=scopes, expires_at=expires_at)
        self._session.add(row)
        await self._session.flush()
        return row, key

    async def page(self, limit: int, offset: int) -> tuple[Sequence[ApiKey], int]:
        """Keys, newest first, revoked and expired ones too, and how many there are."""
        total = (await self._session.execute(select(func.count()).where(self._mine))).scalar_one()
        query = select(ApiKey).where(self._mine).order_by(ApiKey.created_at.desc(), ApiKey.id)
        return (await self._session.scalars(query.limit(limit).offset(offset))).all(), total

    async def revoke(self, key_id: str) -> None:
        """Make a key good for nothing.

        Raises:
            NotFound: there is no such key.
            BadInput: it was revoked before.
        """
        good = self._mine, ApiKey.id == key_id
        statement = update(ApiKey).where(*good, ApiKey.revoked_at.is_(None)).returning(ApiKey.id)
        if await self._session.scalar(statement.values(revoked_at=datetime.now(UTC))) is not None:
            return
        if await self._session.scalar(select(ApiKey.id).where(*good)) is None:
            raise NotFound(f"There is no key {key_id}.")
        raise BadInput(f"The key {key_id} was revoked before.")


def given(
    giver: Identity, scopes: Sequence[str] | None, expires_at: datetime | None
) -> tuple[list[str] | None, datetime | None]:
    """Scopes and expiry of a key that `giver` makes; what is left out is the giver's own.

    Raises:
        BadInput: a scope is not known, or the time of expiry is past.
        Forbidden: the new key could do more, or would live longer, than the giver.
    """
    held = giver.scopes
    wanted = sorted(held) if scopes is None and held is not None else scopes
    named = None if wanted is None else checked(wanted)
    if named is not None and held is not None and not within(named, held):
        raise Forbidden(f"scopes: this key has only {', '.join(sorted(held))} and can give no more.")
    check_expiry(expires_at)
    if giver.expires_at is not None and expires_at is not None and expires_at > giver.expires_at:
        raise Forbidden(
            f"expires_at: this key expires at {giver.expires_at.isoformat()} and can make none that lives longer."
        )
    return named, expires_at or giver.expires_at
