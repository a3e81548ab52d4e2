"""A tool of one of the workspace's tool servers as an action: offered under `<namespace>__<tool>`."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from trunkline.resources.actions.results import variables_of
from trunkline.resources.actions.work import Means, Occasion, Outcome, PlannedAction
from trunkline.resources.tool_servers.schemas import ToolOut
from trunkline.resources.tool_servers.server import ToolServer
from trunkline.voice.conversation.profile import Tool, ToolManner

TYPE = "TOOL_SERVER"
"""None of the contract's: it is no action that a user makes."""
WITHIN = 15.0
"""Seconds that a tool has."""


def planned(found: Iterable[tuple[ToolServer, ToolOut]]) -> tuple[PlannedAction, ...]:
    """The tools as every agent of the workspace has them."""
    return tuple(
        PlannedAction(
            id=uuid5(NAMESPACE_URL, f"{server.id}/{tool.original_tool_name}"),
            type=TYPE,
            name=tool.namespaced_tool,
            description=tool.tool_description or "",
            settings={"server": server, "tool": tool.original_tool_name, "schema": tool.input_schema},
        )
        for server, tool in found
    )


def tool_of(action: PlannedAction) -> Tool:
    """The tool by the server's own schema."""
    schema = action.settings["schema"] or {}
    parameters = {"type": "object", "properties": {}, **schema}
    return Tool(action.name, action.description or action.name, parameters, ToolManner(timeout=WITHIN))


async def run(
    means: Means, action: PlannedAction, arguments: Mapping[str, Any], occasion: Occasion
) -> Outcome:
    """Ask the server; what it says is the value, and becomes variables where it is an object."""
    await asyncio.to_thread(import_module, "trunkline.resources.tool_servers.tools")
    from trunkline.resources.tool_servers import tools

    settings = action.settings
    answer = await tools.invoked(
        means.outbound, settings["server"], settings["tool"], dict(arguments), WITHIN
    )
    if answer.is_error:
        return Outcome({"error": "failed", "message": answer.error}, ok=False, error=answer.error)
    try:
        value = json.loads(answer.result)
    except (ValueError, RecursionError):
        return Outcome(answer.result)
    return Outcome(value, variables=variables_of(value) if isinstance(value, dict) else {})
