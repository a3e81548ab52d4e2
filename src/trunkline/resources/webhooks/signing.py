"""The secret that a workspace's webhooks are signed with, and the signatures.

Two are sent. The compatible one signs the call's id alone: it says who sent, not that nothing was changed. That of
Standard Webhooks signs id, time and body. Both take the same secret: the first its text as it is shown, the second
the 32 bytes that the text stands for.
"""

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.webhooks.models import SigningSecret

PREFIX = "whsec_"
SECRET_BYTES = 32
FORMER_SIGNS_FOR = timedelta(hours=24)
"""After a rotation, so that a receiver has time to learn the new secret."""
COMPATIBLE_HEADER = "Synthflow-Signature"

_FIELD = "signing secret"


@dataclass(frozen=True)
class Signing:
    """The secret of one workspace, and the one before it while that signs too."""

    secret: str = field(repr=False)
    rotated_at: datetime
    former: str | None = field(default=None, repr=False)

    def headers(self, message_id: str, at: datetime, body: bytes, call_id: str = "") -> dict[str, str]:
        """The headers of one attempt to send `body`. Without a `call_id` there is no compatible signature."""
        moment = str(int(at.timestamp()))
        signed = f"{message_id}.{moment}.".encode() + body
        made = {
            "webhook-id": message_id,
            "webhook-timestamp": moment,
            "webhook-signature": " ".join(f"v1,{_hmac(_key(each), signed)}" for each in self._all),
        }
        if call_id:
            made[COMPATIBLE_HEADER] = _hmac(self.secret.encode(), call_id.encode())
        return made

    @property
    def _all(self) -> tuple[str, ...]:
        return (self.secret,) if self.former is None else (self.secret, self.former)


async def signing_of(session: AsyncSession, box: SecretBox, workspace_id: UUID) -> Signing:
    """The workspace's signing, made where there is none. Workspace's or system's session."""
    return (await signings_of(session, box, [workspace_id]))[workspace_id]


async def signings_of(
    session: AsyncSession, box: SecretBox, workspace_ids: Iterable[UUID]
) -> Mapping[UUID, Signing]:
    """The same for several workspaces; the first use of each makes its secret."""
    wanted = sorted(set(workspace_ids))
    found = await _stored(session, box, wanted)
    missing = [workspace for workspace in wanted if workspace not in found]
    if missing:
        rows = [{"workspace_id": each, "sealed": box.seal(each, _FIELD, _new())} for each in missing]
        await session.execute(insert(SigningSecret).on_conflict_do_nothing(), rows)
        found |= await _stored(session, box, missing)
    return found


async def rotate(session: AsyncSession, box: SecretBox, workspace_id: UUID) -> Signing:
    """Make a new secret; the former one signs beside it for `FORMER_SIGNS_FOR`."""
    await signing_of(session, box, workspace_id)
    query = select(SigningSecret).where(SigningSecret.workspace_id == workspace_id).with_for_update()
    row = (await session.scalars(query)).one()
    row.former = row.sealed
    row.sealed = box.seal(workspace_id, _FIELD, _new())
    row.rotated_at = (await session.execute(select(func.now()))).scalar_one()
    await session.flush()
    return await signing_of(session, box, workspace_id)


async def _stored(
    session: AsyncSession, box: SecretBox, workspace_ids: Iterable[UUID]
) -> dict[UUID, Signing]:
    still = SigningSecret.rotated_at > func.now() - FORMER_SIGNS_FOR
    query = select(SigningSecret, still).where(SigningSecret.workspace_id.in_(list(workspace_ids)))
    return {
        row.workspace_id: Signing(
            secret=box.open(row.workspace_id, _FIELD, row.sealed),
            rotated_at=row.rotated_at,
            former=box.open(row.workspace_id, _FIELD, row.former) if row.former and fresh else None,
        )
        for row, fresh in await session.execute(query)
    }


def _new() -> str:
    return PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _key(secret: str) -> bytes:
    return b64decode(secret.removeprefix(PREFIX))


def _hmac(key: bytes, signed: bytes) -> str:
    return b64encode(hmac.digest(key, signed, sha256)).decode()
