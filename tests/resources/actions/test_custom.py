"""From settings and values to the request of a custom action."""

import json
from typing import Any

import pytest

from trunkline.resources.actions.custom import request_of

SETTINGS: dict[str, Any] = {"http_mode": "POST", "url": "https://example.com/x", "failure_timeout": 30}


def settings(**changes: Any) -> dict[str, Any]:
    return {**SETTINGS, **changes}


def pair(key: str, value: str) -> dict[str, str]:
    return {"key": key, "value": value}


def asked(name: str, type_: str = "string") -> dict[str, str]:
    return {"name": name, "type": type_, "description": "", "example": ""}


def test_a_plain_request() -> None:
    request = request_of(settings(http_mode="GET"), {})
    assert (request.method, request.url) == ("GET", "https://example.com/x")
    assert (request.headers, request.body, request.within) == ({}, None, 30.0)


def test_holes_are_filled_everywhere() -> None:
    request = request_of(
        settings(
            url="https://example.com/{city}/{{city}}",
            headers=[pair("X-City", "in {city}")],
            query_parameters=[pair("q", "{city} & more")],
            json_body_stringified='{"city": "{city}", "call": {call}}',
        ),
        {"city": "São Paulo/x", "call": "c-1"},
    )
    assert request.url == (
        "https://example.com/S%C3%A3o%20Paulo%2Fx/S%C3%A3o%20Paulo%2Fx?q=S%C3%A3o%20Paulo%2Fx%20%26%20more"
    )
    assert request.headers == {"X-City": "in São Paulo/x", "Content-Type": "application/json"}
    assert json.loads(request.body or b"") == {"city": "São Paulo/x", "call": "c-1"}


def test_values_do_not_break_out() -> None:
    """What a caller says may fill a hole, and must stay in it."""
    evil = 'x"}, "admin": true, "y": {"\r\nX-Evil: 1'
    request = request_of(
        settings(
            url="https://{host}/a",
            headers=[pair("X-A", "{evil}")],
            json_body_stringified='{"a": "{evil}", "b": {evil}}',
        ),
        {"evil": evil, "host": "evil.example/"},
    )
    assert request.url == "https://evil.example%2F/a"
    assert "\r" not in request.headers["X-A"]
    assert "\n" not in request.headers["X-A"]
    assert json.loads(request.body or b"") == {"a": evil, "b": evil}


@pytest.mark.parametrize(
    ("type_", "value", "filled"),
    [
        ("string", "7", "7"),
        ("int", "7", 7),
        ("int", "seven", "seven"),
        ("float", "1.5", 1.5),
        ("float", "nan", "nan"),
        ("money", "20", 20.0),
        ("bool", "True", True),
        ("bool", "perhaps", "perhaps"),
        ("list", "[1, 2]", [1, 2]),
        ("list", "a, b", "a, b"),
        ("int", 7, 7),
        ("int", None, None),
    ],
)
def test_values_take_their_type(type_: str, value: Any, filled: Any) -> None:
    request = request_of(
        settings(variables_during_the_call=[asked("n", type_)], json_body_stringified='{"n": {n}}'),
        {"n": value},
    )
    assert json.loads(request.body or b"") == {"n": filled}


def test_inputs_are_the_body_where_there_is_none() -> None:
    inputs = {
        "variables_before_the_call": [pair("shop", "Rome"), pair("lang", "it")],
        "variables_during_the_call": [asked("size", "int"), asked("note")],
    }
    request = request_of(settings(**inputs), {"size": "4", "lang": "en", "call_id": "c"})
    assert json.loads(request.body or b"") == {"shop": "Rome", "lang": "en", "size": 4, "note": None}
    assert request_of(settings(http_mode="GET", **inputs), {}).body is None


def test_an_input_without_a_value_is_empty_and_an_unknown_hole_stays() -> None:
    request = request_of(
        settings(
            variables_during_the_call=[asked("note")],
            json_body_stringified='{"a": "<{note}>", "b": {note}, "c": "{unknown}"}',
        ),
        {},
    )
    assert json.loads(request.body or b"") == {"a": "<>", "b": None, "c": "{unknown}"}


@pytest.mark.parametrize(
    ("auth", "headers", "query"),
    [
        ({"is_needed": False, "value": "v"}, {}, ""),
        ({"is_needed": True, "value": "v"}, {"Authorization": "Bearer v"}, ""),
        ({"is_needed": True, "key": "Basic", "value": "dTpw"}, {"Authorization": "Basic dTpw"}, ""),
        ({"is_needed": True, "key": "X-Api-Key", "value": "{k}"}, {"X-Api-Key": "secret"}, ""),
        ({"is_needed": True, "location": "query", "key": "token", "value": "a b"}, {}, "?token=a%20b"),
    ],
)
def test_how_an_action_shows_itself(auth: dict[str, Any], headers: dict[str, str], query: str) -> None:
    whole = {"location": "header", "key": "Bearer", **auth}
    request = request_of(settings(custom_auth=whole), {"k": "secret"})
    assert request.headers == headers
    assert request.url == f"https://example.com/x{query}"


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("https://example.com/x?a=1", "https://example.com/x?a=1&b=2"),
        ("https://example.com/x?", "https://example.com/x?b=2"),
        ("https://example.com/x#top", "https://example.com/x?b=2"),
    ],
)
def test_parameters_join_those_of_the_address(url: str, whole: str) -> None:
    assert request_of(settings(url=url, query_parameters=[pair("b", "2")]), {}).url == whole


def test_a_content_type_of_ones_own_is_kept() -> None:
    headers = [pair("content-type", "application/vnd.api+json")]
    request = request_of(settings(headers=headers, json_body_stringified="{}"), {})
    assert request.headers == {"content-type": "application/vnd.api+json"}
