"""A tool of one of the workspace's tool servers as an action: offered under `<namespace>__<tool>`."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from trunkline.resources.actions.results import variables_of
from trunkline.resources.actions.work import Means, Occasion, Outcome, PlannedAction
from trunkline.resources.tool_servers.exchange import Exchange
from trunkline.resources.tool_servers.schemas import ToolOut
from trunkline.resources.tool_servers.server import ToolServer
from trunkline.resources.vendors import Purpose
from trunkline.resources.webhooks.record import Delivery
from trunkline.resources.webhooks.sending import GIVEN_UP
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
    parameters = {"properties": {}, **action.settings["schema"]}
    return Tool(action.name, action.description or action.name, parameters, ToolManner(timeout=WITHIN))


async def run(
    means: Means, action: PlannedAction, arguments: Mapping[str, Any], occasion: Occasion
) -> Outcome:
    """Ask the server; what it says is the value, and becomes variables where it is an object.

    Arguments that its schema does not allow are not sent.
    """
    await asyncio.to_thread(import_module, "trunkline.resources.tool_servers.tools")
    from trunkline.resources.tool_servers import tools

    settings = action.settings
    if fault := await tools.faults(settings["schema"], arguments):
        told = {
            "error": "invalid_arguments",
            "message": f"Nothing was sent: {fault}. Call this again with others.",
        }
        return Outcome(told, ok=False, error=fault)
    seen: list[Exchange] = []
    server, purpose = settings["server"], occasion.purpose_of(action)
    try:
        answer = await tools.invoked(means.outbound, server, settings["tool"], dict(arguments), WITHIN, seen)
    except asyncio.CancelledError:
        for each in _sent(server, seen, purpose, GIVEN_UP):
            means.given_up(replace(each, timed_out=True))
        raise
    sent = _sent(server, seen, purpose, answer.error)
    if answer.is_error:
        told = {"error": "failed", "message": answer.error}
        return Outcome(told, ok=False, error=answer.error, sent=sent)
    try:
        value = json.loads(answer.result)
    except (ValueError, RecursionError):
        return Outcome(answer.result, sent=sent)
    return Outcome(value, variables=variables_of(value) if isinstance(value, dict) else {}, sent=sent)


def _sent(server: ToolServer, seen: Sequence[Exchange], purpose: Purpose, error: str) -> tuple[Delivery, ...]:
    """The requests that called the tool, for the log; where it did not come to that, the last one that went out."""
    calls = [each for each in seen if each.asks == "tools/call"] or list(seen[-1:])
    return tuple(
        Delivery(
            kind="custom_action",
            method=each.method,
            url=each.url,
            headers=each.headers,
            body=each.body,
            sent_at=each.sent_at,
            answer=each.answer,
            error=error.removesuffix("."),
            unusable=bool(error) and each.answer is not None and 200 <= each.answer.status < 300,
            secrets=frozenset(name.lower() for name in server.headers),
            attempt=number,
            call_id=purpose.call_id,
            agent_id=purpose.agent_id,
            action_id=purpose.action_id,
        )
        for number, each in enumerate(calls, 1)
    )
