"""What of an agent a version holds, and how two versions differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Difference:
    """One member that is not the same; None where it is absent."""

    path: str
    before: Any
    after: Any


def content_of(agent: Agent) -> dict[str, Any]:
    """An agent as it is now."""
    return {name: getattr(agent, name) for name in CONTENT}


def put_back(content: Mapping[str, Any], agent: Agent) -> None:
    """Make an agent what it was."""
    for name in CONTENT:
        setattr(agent, name, content[name])


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
