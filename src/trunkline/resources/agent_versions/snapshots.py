"""What of an agent a version holds, and how two versions differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from trunkline.resources.actions.models import AgentAction
from trunkline.resources.agents.models import Agent

CONTENT = (
    "name",
    "type",
    "description",
    "settings",
    "external_webhook_url",
    "inbound_call_webhook_url",
    "is_recording",
    "max_duration",
    "voicemail_message",
)
"""Columns of an agent that a version holds; its numbers and its place in the workspace are not of them."""

_ATTACHED = ("attachment_type", "trigger_condition", "input_variables_mapping")
"""How an agent has an action."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One member that is not the same; None where it is absent."""

    path: str
    before: Any
    after: Any


def content_of(agent: Agent, attached: Sequence[AgentAction]) -> dict[str, Any]:
    """An agent as it is now, with the actions that it has, in their order."""
    actions = [
        {"action_id": str(each.action_id)} | {name: getattr(each, name) for name in _ATTACHED}
        for each in attached
    ]
    return {name: getattr(agent, name) for name in CONTENT} | {"actions": actions}


def put_back(content: Mapping[str, Any], agent: Agent) -> None:
    """Make an agent what it was, but for its actions."""
    for name in CONTENT:
        setattr(agent, name, content[name])


def actions_in(content: Mapping[str, Any], agent: Agent) -> list[AgentAction] | None:
    """The actions that an agent had, to be attached again; None for a version that does not know."""
    if "actions" not in content:
        return None
    return [
        AgentAction(
            agent_id=agent.id,
            action_id=UUID(each["action_id"]),
            position=position,
            **{name: each[name] for name in _ATTACHED},
        )
        for position, each in enumerate(content["actions"])
    ]


def differences(before: Any, after: Any, path: str = "") -> list[Difference]:
    """Where two contents differ, member by member; arrays are compared as a whole."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return [
            difference
            for name in sorted({*before, *after})
            for difference in differences(
                before.get(name), after.get(name), f"{path}.{name}" if path else name
            )
        ]
    return [] if before == after else [Difference(path, before, after)]
