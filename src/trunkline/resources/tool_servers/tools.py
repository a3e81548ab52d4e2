"""What tool servers offer, and running one tool."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import structlog
from mcp import Client
from mcp.types import CallToolResult, EmbeddedResource, TextContent, TextResourceContents, Tool

from trunkline.errors import OutboundFailed, OutboundRefused
from trunkline.platform.outbound.client import Outbound
from trunkline.resources.tool_servers import schema
from trunkline.resources.tool_servers.connection import ask
from trunkline.resources.tool_servers.exchange import Exchange
from trunkline.resources.tool_servers.schemas import ServerTools, ToolOut, ToolResult
from trunkline.resources.tool_servers.server import SEPARATOR, ToolServer

log = structlog.get_logger(__name__)

DISCOVER_WITHIN = 15.0
"""Seconds that each server has to tell its tools."""
MOST_TOOLS = 500
"""Of one server."""


async def discovered(outbound: Outbound, servers: Sequence[ToolServer]) -> list[ServerTools]:
    """What each server offers, all asked at once; a server that fails says so in its own `error`."""
    return list(await asyncio.gather(*(_discovered(outbound, server) for server in servers)))


async def usable(server: ToolServer, found: Iterable[ToolOut], known: Iterable[ToolOut]) -> list[ToolOut]:
    """Those tools that a model can be offered; the others are told in the log. `known` were looked at before."""
    former = {tool.original_tool_name: tool.input_schema for tool in known}
    kept = []
    for tool in found:
        new = former.get(tool.original_tool_name) != tool.input_schema
        fault = await asyncio.to_thread(schema.fault_of, tool.input_schema) if new else ""
        if fault:
            log.warning("tool_left_out", server=server.id, tool=tool.original_tool_name, reason=fault)
        else:
            kept.append(tool)
    return kept


async def faults(taken: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
    """Why these are no arguments for a tool that takes what this schema says; "" where they are."""
    return await asyncio.to_thread(schema.faults, taken, arguments)


async def invoked(
    outbound: Outbound,
    server: ToolServer,
    tool: str,
    arguments: dict[str, Any],
    within: float,
    seen: list[Exchange] | None = None,
) -> ToolResult:
    """What a tool said; a failure of the server counts as the tool's. `seen` gets what goes over the wire."""

    async def call(client: Client) -> CallToolResult:
        return await client.call_tool(tool, arguments)

    try:
        answer = await ask(outbound, server, within, call, seen)
    except (OutboundFailed, OutboundRefused) as error:
        return ToolResult(result="", is_error=True, error=f"{error}.")
    text = _text(answer)
    if answer.is_error:
        return ToolResult(result="", is_error=True, error=text or "The tool failed and does not say why.")
    return ToolResult(result=text, is_error=False, error="")


async def _discovered(outbound: Outbound, server: ToolServer) -> ServerTools:
    async def tell(client: Client) -> ServerTools:
        info = client.server_info
        tools = [_shown(server, each) for each in await _all_tools(client)]
        known = {"server_title": info.title, "server_version": info.version} if info else {}
        return ServerTools(
            config_id=server.id,
            server_name=info.name if info else server.host,
            namespace=server.namespace,
            tools=tools,
            **{name: value for name, value in known.items() if value},
        )

    try:
        return await ask(outbound, server, DISCOVER_WITHIN, tell)
    except (OutboundFailed, OutboundRefused) as error:
        return ServerTools(
            config_id=server.id,
            server_name=server.host,
            namespace=server.namespace,
            tools=[],
            error=f"{error}.",
        )


async def _all_tools(client: Client) -> list[Tool]:
    page = await client.list_tools()
    tools = list(page.tools)
    while page.next_cursor is not None and len(tools) < MOST_TOOLS:
        page = await client.list_tools(cursor=page.next_cursor)
        tools += page.tools
    return tools[:MOST_TOOLS]


def _shown(server: ToolServer, tool: Tool) -> ToolOut:
    return ToolOut(
        namespaced_tool=f"{server.namespace}{SEPARATOR}{tool.name}",
        original_tool_name=tool.name,
        tool_description=tool.description,
        input_schema=tool.input_schema,
    )


def _text(answer: CallToolResult) -> str:
    """The words of an answer; its structure as JSON where it has no words, other things by their kind."""
    pieces: list[str] = []
    for block in answer.content:
        match block:
            case TextContent():
                pieces.append(block.text)
            case EmbeddedResource(resource=TextResourceContents() as resource):
                pieces.append(resource.text)
            case _:
                pieces.append(f"[{block.type}]")
    if not pieces and answer.structured_content is not None:
        return json.dumps(answer.structured_content, ensure_ascii=False)
    return "\n".join(pieces)
