"""Forms: how a model is asked for JSON of a schema, and how its answer is checked."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from trunkline.errors import ProviderError

_Schema = Mapping[str, Any]


def instructed(messages: Sequence[Mapping[str, Any]], schema: _Schema, name: str) -> list[dict[str, Any]]:
    """The messages with the form asked for at their end, in words; for a model that nothing else tells.

    The words join the user's last message: some endpoints refuse two of the same role in a row.
    """
    words = (
        f"[Answer with the {name.replace('_', ' ')}: one JSON object and nothing else, valid by this JSON schema: "
        f"{json.dumps(schema, ensure_ascii=False)}]"
    )
    asked = [dict(each) for each in messages]
    if asked and asked[-1]["role"] == "user":
        asked[-1]["content"] = f"{asked[-1]['content']}\n\n{words}"
    else:
        asked.append({"role": "user", "content": words})
    return asked


def strict(schema: _Schema) -> dict[str, Any]:
    """The schema as strict endpoints take it: objects closed, every member required, those left free nullable."""
    out: dict[str, Any] = {}
    for key, part in schema.items():
        match key:
            case "properties":
                out[key] = {name: _member(name, each, schema) for name, each in part.items()}
            case "$defs" | "definitions":
                out[key] = {name: strict(each) for name, each in part.items()}
            case "items":
                out[key] = strict(part)
            case "anyOf" | "oneOf" | "allOf":
                out[key] = [strict(each) for each in part]
            case "default":
                pass
            case _:
                out[key] = part
    if "properties" in out:
        out |= {"required": list(out["properties"]), "additionalProperties": False}
    return out


def _member(name: str, member: _Schema, schema: _Schema) -> dict[str, Any]:
    if name in schema.get("required", ()):
        return strict(member)
    return {"anyOf": [strict(member), {"type": "null"}]}


def read(text: str, schema: _Schema, name: str) -> dict[str, Any]:
    """The object in an answer, valid by the schema. Raises ProviderError.

    Words or a fence around the object are passed over; a null where `strict` put it means left out.
    """
    whole = text[text.find("{") : text.rfind("}") + 1]
    try:
        value = json.loads(whole)
    except ValueError as error:
        raise ProviderError(f"The language model's {name} is not JSON") from error
    value = _without_nulls(value, schema, schema)
    if (fault := best_match(Draft202012Validator(schema).iter_errors(value))) is not None:
        raise ProviderError(
            f"The language model's {name} is not of its schema: {fault.json_path}: {fault.message[:200]}"
        )
    assert isinstance(value, dict)  # it began with a brace
    return value


def _without_nulls(value: Any, schema: _Schema, root: _Schema) -> Any:
    schema = _resolved(schema, root)
    if isinstance(value, list):
        return [_without_nulls(each, schema.get("items", {}), root) for each in value]
    if not isinstance(value, dict):
        return value
    members, required = schema.get("properties", {}), schema.get("required", ())
    return {
        name: _without_nulls(each, members.get(name, {}), root)
        for name, each in value.items()
        if each is not None or name not in members or name in required
    }


def _resolved(schema: _Schema, root: _Schema) -> _Schema:
    """Where a local `$ref` points; a form that is only a reference of another kind is taken as free."""
    target: Any = root
    while (path := schema.get("$ref")) is not None:
        for step in str(path).removeprefix("#/").split("/"):
            target = target.get(step, {})
        schema, target = target, root
    return schema
