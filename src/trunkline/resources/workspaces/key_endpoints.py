"""`/trunkline/v1/keys`."""

from typing import Annotated

from fastapi import Depends

from trunkline.platform.http.auth import Identity
from trunkline.platform.http.context import Caller, Parts, keyed_router
from trunkline.platform.http.pagination import Items, WholePage, items_of
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import StatusOnly, done
from trunkline.resources.workspaces import acting
from trunkline.resources.workspaces.acting import StrictlyActing, StrictTransaction
from trunkline.resources.workspaces.keys import Keys
from trunkline.resources.workspaces.models import ApiKey
from trunkline.resources.workspaces.schemas import KeyCreate, KeyMade, KeyOut

router = keyed_router("/trunkline/v1/keys", "Keys", Scope.WORKSPACE)


def _keys(session: StrictTransaction, identity: StrictlyActing) -> Keys:
    return Keys(session, identity)


Service = Annotated[Keys, Depends(_keys)]


async def _owner(caller: Caller, parts: Parts, body: KeyCreate | None = None) -> Identity:
    if body is None or body.workspace_id is None:
        return caller
    return await acting.required(parts.database, caller, body.workspace_id, write=True)


@router.post("")
async def create_key(
    owner: Annotated[Identity, Depends(_owner)], parts: Parts, body: KeyCreate | None = None
) -> KeyMade:
    """Make a key, for the key's workspace or a subaccount of it. Its text is shown this once."""
    async with parts.database.workspace(owner.workspace_id) as session:
        row, key = await Keys(session, owner).create(parts.secrets, body or KeyCreate())
    return KeyMade(**_shown(row).model_dump(), key=key)


@router.get("")
async def list_keys(page: WholePage, keys: Service) -> Items[KeyOut]:
    """The keys of the key's workspace, or of a subaccount named by `workspace_id`; never their text."""
    found, total = await keys.page(page.limit, page.offset)
    return items_of([_shown(row) for row in found], total, page)


@router.delete("/{key_id}")
async def revoke_key(key_id: str, identity: StrictlyActing, parts: Parts) -> StatusOnly:
    """Make a key useless: at once in this process, within half a minute in others."""
    async with parts.database.workspace(identity.workspace_id) as session:
        await Keys(session, identity).revoke(key_id)
    parts.authenticator.forget(key_id)
    return done()


def _shown(row: ApiKey) -> KeyOut:
    return KeyOut(
        id=row.id,
        name=row.name,
        workspace_id=str(row.workspace_id),
        scopes=row.scopes,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
