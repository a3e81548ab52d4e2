"""What a foreign server says that its tool takes: offered only where it can be, and arguments held to it."""

import random
from typing import Any

import pytest

from trunkline.resources.tool_servers.schema import DEEPEST, LARGEST, fault_of, faults


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return {"type": "object", "properties": {"a": schema}}


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (None, "no JSON schema of an object"),
        ({}, "no JSON schema of an object"),
        ({"type": "string"}, "no JSON schema of an object"),
        ({"type": ["object"]}, "no JSON schema of an object"),
        ({"type": "object", "properties": {"a": {"type": "town"}}}, "no valid JSON schema"),
        ({"type": "object", "properties": []}, "no valid JSON schema"),
        ({"type": "object", "required": "a"}, "no valid JSON schema"),
        ({"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}}, "refers to what is not in it"),
        ({"type": "object", "properties": {"a": {"$ref": "http://169.254.169.254/s"}}}, "refers to what is not in it"),
        ({"type": "object", "description": "x" * LARGEST}, f"larger than {LARGEST} bytes"),
        (deep(DEEPEST), f"nested more than {DEEPEST} deep"),
        (deep(900), f"nested more than {DEEPEST} deep"),
    ],
    ids=["nothing", "empty", "text", "list", "type", "properties", "required", "nowhere", "elsewhere", "large", "deep",
         "very-deep"],
)  # fmt: skip
def test_a_schema_with_which_no_tool_is_offered(schema: Any, why: str) -> None:
    assert why in fault_of(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {"a": {"type": "string"}}},
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "^\\p{L}+$", "format": "uri"}}},
        {"type": "object", "properties": {"$ref": {"type": "string"}, "pattern": {}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"enum": ["x"]}}},
        {"type": "object", "unknown": 1, "properties": {"a": True}},
        deep(10),
    ],
    ids=["bare", "draft-7", "foreign-pattern", "names-of-keywords", "reference", "unknown-keyword", "nested"],
)  # fmt: skip
def test_a_schema_with_which_a_tool_is_offered(schema: Any) -> None:
    assert fault_of(schema) == ""


TOWN = {
    "type": "object",
    "properties": {
        "town": {"type": "string"},
        "days": {"type": "integer", "maximum": 9},
        "at": {"$ref": "#/$defs/at"},
        "kinds": {"type": "array", "items": {"enum": ["sun", "rain"]}},
    },
    "required": ["town"],
    "additionalProperties": False,
    "$defs": {"at": {"anyOf": [{"type": "number"}, {"type": "null"}]}},
}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"town": "Oslo", "days": 9, "at": None, "kinds": ["sun"]}, ""),
        ({}, "'town' is a required property"),
        ({"town": 1}, "arguments.town: 1 is not of type 'string'"),
        ({"town": "Oslo", "days": 10}, "arguments.days: 10 is greater"),
        ({"town": "Oslo", "at": "x"}, "arguments.at"),
        ({"town": "Oslo", "kinds": ["snow"]}, "arguments.kinds[0]"),
        ({"town": "Oslo", "more": 1}, "'more' was unexpected"),
    ],
    ids=["right", "missing", "type", "bound", "reference", "member", "other"],
)
def test_arguments_are_held_to_the_schema(arguments: dict[str, Any], why: str) -> None:
    found = faults(TOWN, arguments)
    assert why in found
    assert bool(why) == bool(found)


def test_no_pattern_of_a_strangers_is_run() -> None:
    """It would take longer than the universe has."""
    evil = {"a": {"type": "string", "pattern": "^(a+)+$"}}
    schema = {
        "type": "object",
        "properties": evil,
        "patternProperties": {"^(a+)+$": {}},
        "additionalProperties": False,
    }
    dialect = {"$schema": "http://json-schema.org/draft-07/schema#"}
    nested = {"type": "object", "properties": {"a": dialect | evil["a"]}}
    for each in (schema, dialect | schema, nested):
        assert fault_of(each) == ""
        assert (
            faults(
                each,
                {"a": "a" * 60 + "!", "a" * 60 + "!": 1} if each is not nested else {"a": "a" * 60 + "!"},
            )
            == ""
        )


def test_references_are_followed_a_bounded_number_of_times() -> None:
    twice = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(60)}
    bomb = {"type": "object", "allOf": [{"$ref": "#/$defs/d0"}], "$defs": {**twice, "d60": {}}}
    round_ = {"type": "object", "allOf": [{"$ref": "#"}]}
    for schema in (bomb, round_):
        assert fault_of(schema) == ""
        assert "without end" in faults(schema, {})


def test_a_tree_of_a_schema_that_refers_to_itself_can_be_sent() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#"}, "n": {"type": "integer"}}}
    assert faults(node, {"n": 1, "next": {"n": 2, "next": {"n": 3}}}) == ""
    assert "arguments.next.next.n" in faults(node, {"next": {"next": {"n": "x"}}})


def test_any_schema_at_all_is_judged(seed: int = 20261122) -> None:
    """Random ones, made of keywords and nonsense: never an exception."""
    dice = random.Random(seed)
    words = [
        "type",
        "properties",
        "items",
        "$ref",
        "anyOf",
        "required",
        "enum",
        "pattern",
        "$schema",
        "$id",
        "not",
        "a",
    ]

    def thing(depth: int) -> Any:
        kind = dice.randrange(7 if depth else 4)
        if kind > 4:
            return {dice.choice(words): thing(depth - 1) for _ in range(dice.randrange(4))}
        if kind == 4:
            return [thing(depth - 1) for _ in range(dice.randrange(3))]
        return dice.choice(["object", "string", "#", "#/a", "http://127.0.0.1:1/", 1, None, True, 1.5])

    for number in range(2_000):
        schema = {"type": "object", **{dice.choice(words[1:]): thing(4) for _ in range(3)}}
        try:
            if fault_of(schema) == "":
                faults(schema, {"a": "x", "b": [1]})
        except Exception as error:
            raise AssertionError(f"seed {seed}, number {number}: {schema}") from error
