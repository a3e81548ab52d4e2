"""Filling holes in what an action sends: addresses, headers and JSON, where a value must not break out."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from trunkline.resources.holes import HOLE, as_texts, substitute

_JSON_TEXT = re.compile(r'("(?:[^"\\]|\\.)*")', re.DOTALL)
_BREAKS = re.compile(r"[\r\n\x00]+")


def in_address(text: str, values: Mapping[str, Any]) -> str:
    """An address; values are quoted, so none of them leads elsewhere than to where it stands."""
    return substitute(text, {name: quote(value, safe="") for name, value in _texts(values).items()})


def in_line(text: str, values: Mapping[str, Any]) -> str:
    """One line, such as a header's value; line breaks in values become blanks."""
    return substitute(text, {name: _BREAKS.sub(" ", value) for name, value in _texts(values).items()})


def in_json(text: str, values: Mapping[str, Any]) -> str:
    """JSON text: within quotes a value is written as text, outside them as JSON."""
    inside = {name: json.dumps(value, ensure_ascii=False)[1:-1] for name, value in _texts(values).items()}
    outside = {name: json.dumps(value, ensure_ascii=False) for name, value in values.items()}
    return "".join(
        substitute(part, inside if part.startswith('"') else outside) for part in _JSON_TEXT.split(text)
    )


def with_nulls(text: str) -> str:
    """JSON text with null in every hole outside quotes; for checking it."""
    return "".join(
        part if part.startswith('"') else HOLE.sub("null", part) for part in _JSON_TEXT.split(text)
    )


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Like `as_texts`, but nothing is an empty text."""
    return {**as_texts(values), **{name: "" for name, value in values.items() if value is None}}
