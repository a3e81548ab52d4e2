"""`/v2/workspaces/{workspace_id}/mcp-…`: bare answers, and 404 for another workspace."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Request

from trunkline.errors import NotFound
from trunkline.platform.http.context import Caller, Parts, keyed_router
from trunkline.platform.http.scopes import READING, Scope
from trunkline.resources.tool_servers.schemas import (
    ConfigOut,
    ConfigWrite,
    Discovery,
    ServerOut,
    ToolInvoke,
    ToolResult,
)
from trunkline.resources.tool_servers.service import ToolServers
from trunkline.resources.workspaces.acting import named

router = keyed_router("/v2/workspaces/{workspace_id}", "Workspace MCP", Scope.WORKSPACE)


async def _servers(workspace_id: str, request: Request, parts: Parts, caller: Caller) -> ToolServers:
    acting = await named(parts.database, caller, workspace_id, write=request.method not in READING)
    if acting is None:
        raise NotFound(f"There is no workspace {workspace_id}.")
    return ToolServers(parts.database, parts.secrets, parts.outbound, acting.workspace_id)


Service = Annotated[ToolServers, Depends(_servers)]


@router.get("/mcp-config")
async def get_mcp_config(servers: Service) -> ConfigOut:
    """The workspace's tool servers (MCP); of headers the names only."""
    return ConfigOut(servers=[_shown(each) for each in await servers.get()])


@router.post("/mcp-config")
async def set_mcp_config(body: ConfigWrite, servers: Service) -> ServerOut:
    """Add servers, or change those that are there: found by id, or else by address."""
    return _shown(await servers.add(body.servers))


@router.put("/mcp-config", status_code=204)
async def update_mcp_config(body: ConfigWrite, servers: Service) -> None:
    """Have these servers and no others; headers that are left out stay with their id."""
    await servers.replace(body.servers)


@router.delete("/mcp-config", status_code=204)
async def delete_mcp_config(servers: Service) -> None:
    """Forget all tool servers."""
    await servers.delete()


@router.post("/mcp-tools/discover", response_model_exclude_unset=True)
async def discover_mcp_tools(servers: Service, config_id: str | None = None) -> Discovery:
    """What the servers offer, or the one of `config_id`."""
    return Discovery(servers=await servers.discover(config_id))


@router.post("/mcp-tools/invoke")
async def invoke_mcp_tool(body: ToolInvoke, servers: Service) -> ToolResult:
    """Call a tool of a server."""
    return await servers.invoke(body)


def _shown(server: Mapping[str, Any]) -> ServerOut:
    keys = list(server["headers_keys"])
    return ServerOut(id=server["id"], mcp_url=server["mcp_url"], has_headers=bool(keys), headers_keys=keys)
