"""`/v2/workspaces/{workspace_id}/mcp-…`."""

from trunkline.platform.http.context import keyed_router
from trunkline.platform.http.scopes import Scope

router = keyed_router("/v2/workspaces/{workspace_id}", "Workspace MCP", Scope.WORKSPACE)
