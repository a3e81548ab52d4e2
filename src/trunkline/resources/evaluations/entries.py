"""`executed_actions` entries of what runs after a talk (contract, section 5.5): every value a text."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def entry(
    name: str,
    action_type: str,
    settings: Mapping[str, Any],
    value: Mapping[str, Any],
    at: datetime | None,
    error: str = "",
) -> dict[str, str]:
    """One entry. `settings` is what was asked for, `value` what came of it; `at` is now where it is None."""
    at = (at or datetime.now(UTC)).astimezone(UTC)
    return {
        "name": name,
        "action_type": action_type,
        "description": "",
        "parameters_hard_coded": _json(settings),
        "parameters_from_llm": "{}",
        "return_value": _json(value),
        "return_value_status": "",
        "error_message": error,
        "is_relevant_action": "true",
        "timestamp_datetime": at.replace(tzinfo=None).isoformat(timespec="microseconds"),
        "timestamp": f"{at.timestamp():.6f}",
    }


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
