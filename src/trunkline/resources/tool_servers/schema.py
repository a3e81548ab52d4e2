"""What a foreign server says that its tool takes: whether a model can be offered it, and arguments checked against it.

Of JSON Schema (2020-12) what is cheap and harmless to check; the rest the server checks itself. Nothing is fetched,
no pattern of a stranger's is run, and references are followed a bounded number of times.
"""

import json
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from jsonschema.validators import extend

LARGEST = 32_768
"""Bytes of a schema as JSON: it is part of every request to the model."""
DEEPEST = 32
"""Objects and arrays within each other."""
MOST_REFERENCES = 500
"""Followed while arguments are checked."""

_NAMED = frozenset({"properties", "$defs", "definitions"})
_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_NESTED = frozenset({"items", "additionalProperties", "not"})
_PLAIN = frozenset({
    "type", "required", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength",
    "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "$ref",
})  # fmt: skip
_left: ContextVar[int] = ContextVar("references_left")


def fault_of(schema: object) -> str:
    """Why a tool with this schema cannot be offered; "" where it can."""
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return "its input schema is no JSON schema of an object"
    if _depth(schema) > DEEPEST:
        return f"its input schema is nested more than {DEEPEST} deep"
    if (size := len(json.dumps(schema).encode())) > LARGEST:
        return f"its input schema is larger than {LARGEST} bytes ({size})"
    kept = _kept(schema)
    try:
        Draft202012Validator.check_schema(kept)
    except SchemaError as error:
        return f"its input schema is no valid JSON schema ({error.json_path}: {error.message[:200]})"
    if reference := _led_astray(kept):
        return f"its input schema refers to what is not in it ({reference[:200]})"
    return ""


def faults(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
    """Why these are no arguments for a tool of this schema; "" where they are. The schema has no fault of its own."""
    kept = _kept(schema)
    token = _left.set(MOST_REFERENCES)
    try:
        fault = best_match(_Checker(kept).iter_errors(dict(arguments)))
    except (_TooMany, RecursionError):
        return "its input schema refers to itself without end"
    finally:
        _left.reset(token)
    return "" if fault is None else f"{fault.json_path.replace('$', 'arguments', 1)}: {fault.message[:200]}"


class _TooMany(Exception):
    """More references than are followed."""


def _reference(
    validator: Any, reference: str, instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    left = _left.get() - 1
    if left < 0:
        raise _TooMany
    _left.set(left)
    yield from Draft202012Validator.VALIDATORS["$ref"](validator, reference, instance, schema)


_Checker = extend(Draft202012Validator, {"$ref": _reference})


def _kept(schema: Any) -> Any:
    """The keywords that are checked, and no others: above all none that chooses another dialect or runs a pattern."""
    if not isinstance(schema, Mapping):
        return schema
    kept: dict[str, Any] = {}
    for keyword, part in schema.items():
        if keyword in _NAMED and isinstance(part, Mapping):
            kept[keyword] = {name: _kept(each) for name, each in part.items()}
        elif keyword in _LISTS and isinstance(part, list):
            kept[keyword] = [_kept(each) for each in part]
        elif keyword in _NESTED and isinstance(part, Mapping | bool):
            kept[keyword] = _kept(part)
        elif keyword in _PLAIN or keyword in _NAMED or keyword in _LISTS:
            kept[keyword] = part
    if "patternProperties" in schema:
        kept.pop("additionalProperties", None)  # what the patterns let through is not known here
    return kept


def _led_astray(schema: Mapping[str, Any]) -> str:
    """A reference of the schema that leads to no schema in it; "" where there is none."""
    parts = dict(_parts(schema, "#"))
    wanted = (part["$ref"] for part in parts.values() if "$ref" in part)
    return next((reference for reference in wanted if reference not in parts), "")


def _parts(schema: Any, at: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The schema and all that it is made of, by their places."""
    if not isinstance(schema, Mapping):
        return
    yield at, schema
    for keyword, part in schema.items():
        if keyword in _NAMED:
            for name, each in part.items():
                yield from _parts(each, f"{at}/{keyword}/{name.replace('~', '~0').replace('/', '~1')}")
        elif keyword in _LISTS:
            for number, each in enumerate(part):
                yield from _parts(each, f"{at}/{keyword}/{number}")
        elif keyword in _NESTED:
            yield from _parts(part, f"{at}/{keyword}")


def _depth(value: object, at: int = 0) -> int:
    """How deep a value is nested, as far as it matters."""
    if at > DEEPEST:
        return at
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return max((_depth(each, at + 1) for each in inner), default=at)
