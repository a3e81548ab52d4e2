"""Runs of actions in the shape of `executed_actions` (contract, section 5.5): every value a text."""

import json
from collections.abc import Container, Mapping
from datetime import datetime
from typing import Any

Entry = dict[str, str]


def entry(started: Mapping[str, Any], finished: Mapping[str, Any] | None, at: datetime) -> Entry:
    """One run that began at `at` (UTC); `started` and `finished` are the data of its notes."""
    if finished is None:
        result, error = "{}", "The call ended before the action did."
    else:
        # Notes of calls that went on through an update have no `error`.
        result = str(finished["result"])
        error = str(finished.get("error", "" if finished["ok"] else result))
        result = "{}" if error == result else result
    return {
        "name": str(started.get("action") or started["name"]),
        "action_type": str(started.get("action_type", "custom_function_action_type")),
        "description": str(started.get("description", "")),
        "parameters_hard_coded": json.dumps(started.get("parameters_hard_coded", {})),
        "parameters_from_llm": json.dumps(started["arguments"]),
        "return_value": _json_text(result),
        "return_value_status": "",
        "error_message": error,
        "is_relevant_action": "true",
        "timestamp_datetime": at.replace(tzinfo=None).isoformat(timespec="microseconds"),
        "timestamp": f"{at.timestamp():.6f}",
    }


def unused(name: str, taken: Container[str]) -> str:
    """The key of a run: the action's name, with a number behind it from the second run on."""
    number, key = 1, name
    while key in taken:
        number += 1
        key = f"{name}_{number}"
    return key


def _json_text(result: str) -> str:
    """The result as it is if it is JSON, otherwise as a JSON string."""
    try:
        json.loads(result)
    except ValueError:
        return json.dumps(result)
    return result
