"""Holes such as `{name}` and `{{name}}` in what users write, and their filling (contract, section 2.9)."""

import json
import re
from collections.abc import Mapping
from typing import Any

SYSTEM = frozenset(
    {"call_id", "twilio_call_sid", "to_phone_number", "from_phone_number", "user_phone_number"}
)
"""Variables that every call has and nobody sets: neither the model nor a result nor who placed the call."""
HOLE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}|\{\s*([^{}]+?)\s*\}")


def substitute(text: str, variables: Mapping[str, str]) -> str:
    """Fill `{name}` and `{{name}}`; a name that is not known stays as it is written."""
    return HOLE.sub(lambda hole: variables.get(hole[1] or hole[2], hole[0]), text)


def has_hole(text: str, name: str) -> bool:
    """Whether `substitute` would fill in this name."""
    return any(name == (hole[1] or hole[2]) for hole in HOLE.finditer(text))


MESSAGE_HOLE = re.compile(r"<\s*([^<>{}]+?)\s*>")


def fill_message(text: str, variables: Mapping[str, str]) -> str:
    """As `substitute`, and `<name>` as well: in messages; in a prompt that may be markup."""
    # One pass over each spelling: what a variable holds is never filled again.
    holes = re.compile(f"{HOLE.pattern}|{MESSAGE_HOLE.pattern}")
    return holes.sub(lambda hole: variables.get(hole[1] or hole[2] or hole[3], hole[0]), text)


def as_texts(variables: Mapping[str, Any]) -> dict[str, str]:
    """Variables as they are spoken of: texts stay, other values as JSON."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in variables.items()
    }
