"""Our own description is complete: programs are generated from it, and people read it instead of the code."""

from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import jsonschema
import pytest
from pydantic import TypeAdapter

from tests.resources.contract.ours import Published, Schema, document, operations, resolved, variants

_TYPED = ("type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const")
_STREAMS = {
    "call_events",
    "generate_simulation_cases",
    "older_generate_simulation_cases",
    "recording",
    "simulation_recording",
    "simulation_session_progress",
    "simulation_session_report",
}
_EMPTY = {HTTPStatus.NO_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE}


def test_every_operation_says_what_it_is() -> None:
    for operation in operations():
        said = operation.described
        assert said["summary"], operation
        assert said["description"].endswith((".", "`")), operation
        assert len(said["tags"]) == 1, operation


def test_every_operation_has_an_id_of_its_own() -> None:
    ids = Counter(operation.described["operationId"] for operation in operations())
    assert [each for each, count in ids.items() if count > 1] == []


def test_every_path_parameter_is_declared() -> None:
    for operation in operations():
        named = {part[1:-1] for part in operation.path.split("/") if part.startswith("{")}
        assert named == set(operation.parameters("path")), operation


def test_every_schema_has_a_type() -> None:
    for name, schema in document()["components"]["schemas"].items():
        assert list(_untyped(schema, name)) == []
    for operation in operations():
        said = operation.described
        for parameter in said.get("parameters", ()):
            assert list(_untyped(parameter["schema"], f"{operation} {parameter['name']}")) == []


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_every_answer_has_a_shape(operation: Published) -> None:
    for status, answer in operation.described["responses"].items():
        assert answer["description"], status
        if int(status) in _EMPTY:
            assert "content" not in answer
            continue
        assert answer["content"], status
        for media, content in answer["content"].items():
            assert list(_untyped(content.get("itemSchema") or content["schema"], f"{status} {media}")) == []
            if operation.route.name not in _STREAMS:
                assert media == "application/json"


def test_every_object_says_what_it_is() -> None:
    for name, schema in document()["components"]["schemas"].items():
        if not schema["title"].startswith(("Ok[", "Items[")):
            assert schema.get("description"), name


def test_choices_from_a_list_are_told() -> None:
    schemas = document()["components"]["schemas"]

    def choices(schema: str, member: str) -> set[str]:
        return {word for each in _choices(schemas[schema]["properties"][member]) for word in each}

    assert "gpt-5.2" in choices("AgentSettings", "llm")
    assert {"en-US", "de-DE", "en"} < choices("AgentSettings", "language")
    assert "multi" not in choices("SuiteCreate", "language")
    assert {"chat", "contacts"} < choices("SubaccountCreate", "grant_permissions")
    assert {"calls", "contacts:read"} < choices("KeyCreate", "scopes")
    assert {"inbound", "outbound", "widget"} == choices("AgentCreate", "type")


@pytest.mark.parametrize("operation", [each for each in operations() if each.body], ids=str)
def test_every_body_has_an_example_that_is_good(operation: Published) -> None:
    assert operation.body is not None
    field = operation.route.body_field
    read = TypeAdapter[Any](field.field_info.annotation or Any) if field else None
    bodies = [each for each in variants(operation.body) if each.get("type") != "null"]
    assert bodies
    for schema in bodies:
        assert schema["examples"], schema["title"]
        for example in schema["examples"]:
            jsonschema.validate(example, {**schema, "components": document()["components"]})
            if read is not None:
                read.validate_python(example)


def _untyped(schema: Schema, at: str) -> Iterator[str]:
    """Where a schema, or one within it, would let anything pass."""
    if not any(word in schema for word in _TYPED):
        yield at
    for name, part in _parts(schema):
        yield from _untyped(part, f"{at}.{name}")


def _parts(schema: Schema) -> Iterator[tuple[str, Schema]]:
    yield from schema.get("properties", {}).items()
    for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
        yield from ((word, each) for each in schema.get(word, ()))
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            yield word, schema[word]


def _choices(schema: Schema) -> Iterator[list[str]]:
    schema = resolved(schema)
    yield from (schema[word] for word in ("enum",) if word in schema)
    for _, part in _parts(schema):
        yield from _choices(part)
