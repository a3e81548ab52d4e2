"""A language model that fills any form it is asked for, with the first choice there is."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

_OF_TYPE: dict[str, Any] = {"string": "Said so.", "boolean": True, "array": [], "integer": 1, "number": 1}


def filled(messages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A rule for `ScriptedLanguageModel`."""
    words = str(messages[-1]["content"]).rsplit("JSON schema: ", 1)[1]
    schema = json.loads(words.removesuffix("]"))
    value: dict[str, Any] = _value(schema, schema.get("$defs", {}))
    return value


def _value(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    if "$ref" in schema:
        return _value(known[str(schema["$ref"]).rsplit("/", 1)[1]], known)
    if "properties" in schema:
        return {name: _value(each, known) for name, each in schema["properties"].items()}
    if "enum" in schema:
        return schema["enum"][0]
    type_ = schema["type"]
    return _OF_TYPE[type_ if isinstance(type_, str) else type_[0]]
