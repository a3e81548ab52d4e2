"""Checks answers against the contract's schemas (a small subset of JSON Schema: what the contract uses)."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).parent / "openapi.yaml"
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


@cache
def document() -> dict[str, Any]:
    """The contract."""
    read: dict[str, Any] = yaml.safe_load(PATH.read_text())
    return read


def answer_schema(method: str, path: str, status: int) -> dict[str, Any]:
    """What an operation answers with this status."""
    operation = document()["paths"][path][method.lower()]
    content = operation["responses"][str(status)].get("content")
    if content is None:  # declared without: as for all that have nothing to tell
        return {"$ref": "#/components/schemas/StatusOnly"}
    schema: dict[str, Any] = content["application/json"]["schema"]
    return schema


def faults(value: Any, schema: dict[str, Any], at: str = "answer") -> list[str]:
    """Where a value is not as the schema says; empty if it is."""
    if "$ref" in schema:
        return faults(value, document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]], at)
    if "allOf" in schema:
        return [fault for part in schema["allOf"] for fault in faults(value, part, at)]
    if "oneOf" in schema:
        tried = [faults(value, part, at) for part in schema["oneOf"]]
        return [] if any(not each for each in tried) else [f"{at}: {value!r} is none of the variants"]
    return [*_own(value, schema, at), *_inner(value, schema, at)]


def _own(value: Any, schema: dict[str, Any], at: str) -> list[str]:
    names = schema.get("type", [])
    names = [names] if isinstance(names, str) else names
    if names and not any(_is(value, name) for name in names):
        return [f"{at}: {value!r} is not of type {names}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value!r} is not one of {schema['enum'][:20]}"]
    return []


def _inner(value: Any, schema: dict[str, Any], at: str) -> list[str]:
    found: list[str] = []
    if isinstance(value, dict):
        found += [f"{at}.{name} is missing" for name in schema.get("required", []) if name not in value]
        named = schema.get("properties", {})
        for name, member in value.items():
            if name in named:
                found += faults(member, named[name], f"{at}.{name}")
            elif isinstance(schema.get("additionalProperties"), dict):
                found += faults(member, schema["additionalProperties"], f"{at}.{name}")
    if isinstance(value, list) and "items" in schema:
        for number, member in enumerate(value):
            found += faults(member, schema["items"], f"{at}[{number}]")
    return found


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool) and name != "boolean":
        return False
    return isinstance(value, _TYPES[name])
