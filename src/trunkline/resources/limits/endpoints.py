"""`/trunkline/v1/workspace/limits`."""

from trunkline.platform.http.context import Caller, Transaction, keyed_router
from trunkline.platform.http.scopes import Scope
from trunkline.resources.limits import service
from trunkline.resources.limits.schemas import LimitsChange, LimitsOut

router = keyed_router("/trunkline/v1/workspace/limits", "Workspaces", Scope.WORKSPACE)


@router.get("")
async def get_limits(session: Transaction, caller: Caller) -> LimitsOut:
    """How many calls the workspace may place, and how many are on."""
    return await service.read(session, caller.workspace_id)


@router.put("")
async def change_limits(session: Transaction, caller: Caller, body: LimitsChange | None = None) -> LimitsOut:
    """Change how many calls the workspace may place."""
    return await service.write(session, caller.workspace_id, body or LimitsChange())
