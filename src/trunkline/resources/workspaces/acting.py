"""In which workspace a request acts: the key's own, or a subaccount of it that `workspace` or `workspace_id` names.

A parent's key keeps its scopes there, and wants `subaccounts` as well; what was taken from the subaccount binds the
subaccount's own keys only.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request, params
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import Forbidden
from trunkline.platform.http.auth import Identity
from trunkline.platform.http.context import Caller, Parts, transaction_in
from trunkline.platform.http.scopes import READING, Scope
from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database
from trunkline.resources.ids import as_uuid

_FOREIGN = (
    "{field}: this key does not belong to the workspace {named}, nor is that a subaccount of its workspace; "
    "send the id that GET /trunkline/v1/workspace answers."
)


async def named(database: Database, caller: Identity, workspace: str, *, write: bool) -> Identity | None:
    """The caller in the workspace of this id; None where it is neither its own nor a subaccount of that.

    Raises:
        Forbidden: it is a subaccount, and the key lacks the scope for subaccounts.
    """
    id_ = as_uuid(workspace)
    if id_ == caller.workspace_id:
        return caller
    if id_ is None:
        return None
    async with database.system() as session:
        if not await system.has_subaccount(session, caller.workspace_id, id_):
            return None
    caller.require(Scope.SUBACCOUNTS, write=write)
    return replace(caller, workspace_id=id_, parent_id=caller.workspace_id)


async def required(
    database: Database, caller: Identity, workspace: str, *, write: bool, field: str = "workspace_id"
) -> Identity:
    """Like `named`, where another workspace is an error. Raises Forbidden."""
    acting = await named(database, caller, workspace, write=write)
    if acting is None:
        raise Forbidden(_FOREIGN.format(field=field, named=workspace))
    return acting


async def _acting(
    request: Request,
    parts: Parts,
    caller: Caller,
    workspace: str | None = None,
    workspace_id: str | None = None,
) -> Identity:
    text = workspace or workspace_id
    if text is None:
        return caller
    acting = await named(parts.database, caller, text, write=request.method not in READING)
    return acting or caller


async def _acting_strictly(
    request: Request, parts: Parts, caller: Caller, workspace_id: str | None = None
) -> Identity:
    if workspace_id is None:
        return caller
    return await required(parts.database, caller, workspace_id, write=request.method not in READING)


def transaction_of(acting: Callable[..., Awaitable[Identity]]) -> params.Depends:
    """A dependency: a transaction in the workspace that another dependency decides, committed before the answer."""

    async def transaction(
        request: Request, parts: Parts, identity: Annotated[Identity, Depends(acting)]
    ) -> AsyncIterator[AsyncSession]:
        async with transaction_in(request, parts, identity.workspace_id) as session:
            yield session

    transaction.opens_transaction = True  # type: ignore[attr-defined]
    return params.Depends(transaction, scope="function")


Acting = Annotated[Identity, Depends(_acting)]
"""Who acts where `workspace` and `workspace_id` are ignored unless they name a subaccount."""
ActingTransaction = Annotated[AsyncSession, transaction_of(_acting)]
StrictlyActing = Annotated[Identity, Depends(_acting_strictly)]
"""Who acts where a `workspace_id` that is neither the key's nor a subaccount's is 403."""
StrictTransaction = Annotated[AsyncSession, transaction_of(_acting_strictly)]
