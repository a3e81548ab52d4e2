"""How the agent ends a talk: the tool that the model calls for it, and which of the agent's reasons it named."""

from collections.abc import Mapping, Sequence
from typing import Any

from trunkline.voice.conversation.profile import END_CALL, EndCondition, Tool

DONE = "the conversation is over"
"""Named when none of the agent's own reasons holds."""


def end_call(conditions: Sequence[EndCondition]) -> Tool:
    """The tool; with reasons of the agent's own the model has to name one of them, or that the talk is over."""
    if not conditions:
        return END_CALL
    reasons = [each.reason for each in conditions]
    return Tool(
        name=END_CALL.name,
        description=(
            "End the call after saying goodbye. Use it only when the caller has said goodbye or is done, or when one "
            f"of these is so: {'; '.join(reasons)}."
        ),
        parameters={
            "type": "object",
            "properties": {
                "reason": {
                    "type": "string",
                    "enum": [*reasons, DONE],
                    "description": "Why the call ends, word for word from the list",
                }
            },
            "required": ["reason"],
            "additionalProperties": False,
        },
    )


def named(arguments: Mapping[str, Any], conditions: Sequence[EndCondition]) -> EndCondition | None:
    """The agent's own reason that the model gave; None for a usual end. Case and a last full stop do not matter."""
    reason = _plain(str(arguments.get("reason") or ""))
    return next((each for each in conditions if _plain(each.reason) == reason), None)


def closing_note(condition: EndCondition, said: str) -> str:
    """What the model reads when it shall find the closing words itself. `said`: what it has just said."""
    so_far = f' You have just said: "{said}".' if said else ""
    return (
        f"[The call ends now, because: {condition.reason}.{so_far} Say the last words of the call, one or two short "
        f"sentences and no question, by this instruction: {condition.closing_message}]"
    )


def _plain(text: str) -> str:
    return " ".join(text.split()).rstrip(".").casefold()
