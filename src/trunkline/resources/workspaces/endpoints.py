"""`/trunkline/v1/workspace`."""

from trunkline.errors import NotFound
from trunkline.platform.http.context import Caller, Transaction, keyed_router
from trunkline.resources.workspaces import repository
from trunkline.resources.workspaces.schemas import WorkspaceOut

router = keyed_router("/trunkline/v1", "Workspaces", None)


@router.get("/workspace")
async def get_workspace(caller: Caller, session: Transaction) -> WorkspaceOut:
    """The workspace of the key: its id is what `workspace_id` of other operations wants."""
    workspace = await repository.get_workspace(session, caller.workspace_id)
    if workspace is None:
        raise NotFound("The workspace of this key is gone.")
    return WorkspaceOut(id=str(workspace.id), name=workspace.name)
