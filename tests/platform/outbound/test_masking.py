"""Secrets are told by the names that they stand under, wherever that is."""

import json
from typing import Any

import pytest

from trunkline.platform.outbound.masking import (
    MASK,
    is_secret,
    is_secret_member,
    masked,
    masked_json,
    masked_text,
    masked_url,
)


@pytest.mark.parametrize(
    "name",
    ["password", "db_password", "token", "accessToken", "api_key", "apiKey", "APIKey", "API_KEY", "Authorization",
     "proxy-authorization", "client_secret", "private.key", "key", "refreshtoken", "credentials", "Set-Cookie",
     "user_pin", "session", "signature", "secrets", "passphrase"],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert is_secret(name)
    assert is_secret_member(name)


@pytest.mark.parametrize(
    "name",
    ["author", "keyword", "key_points", "tokens", "max_tokens", "pin_code", "message", "monkey", "session_id", "sid", "",
     "Content-Type", "secretary", "name"],
)  # fmt: skip
def test_names_of_nothing_in_a_body(name: str) -> None:
    assert not is_secret_member(name)


@pytest.mark.parametrize("name", ["connect.sid", "x-session-id", "X-Key-1"])
def test_in_a_header_more_names_are_secret(name: str) -> None:
    assert is_secret(name)


def test_headers_that_are_said_to_hold_a_secret() -> None:
    assert masked({"X-Tenant": "t", "X-Name": "Ann"}, {"x-tenant"}) == {"X-Tenant": MASK, "X-Name": "Ann"}


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"password": "p", "name": "Ann"}, {"password": MASK, "name": "Ann"}),
        ({"a": [{"b": {"api_key": "k"}}]}, {"a": [{"b": {"api_key": MASK}}]}),
        ({"credentials": {"user": "u"}, "token": 17}, {"credentials": MASK, "token": MASK}),
        ({"token": None, "auth": True, "secret": ""}, {"token": None, "auth": True, "secret": ""}),
        ([{"key": "token", "value": "t"}], [{"key": "token", "value": MASK}]),
        ([{"key": "city", "value": "Rome"}], [{"key": "city", "value": "Rome"}]),
        ({"name": "password", "value": "p"}, {"name": "password", "value": MASK}),
        ({"sent": '{"token": "t", "n": 1}'}, {"sent": json.dumps({"token": MASK, "n": 1})}),
        ({"sent": '{"n":1}'}, {"sent": '{"n":1}'}),
        ({"url": "https://a.example/?sig=1&token=t"}, {"url": f"https://a.example/?sig=1&token={MASK}"}),
        ({"said": "My token: blue"}, {"said": "My token: blue"}),
        ("text", "text"),
    ],
    ids=["member", "deep", "whole", "nothing", "pair", "other-pair", "named", "json-in-json", "as-it-was", "address",
         "words", "text"],
)  # fmt: skip
def test_json(value: Any, kept: Any) -> None:
    assert masked_json(value) == kept


def test_json_that_is_nested_beyond_all_use_is_masked() -> None:
    value: Any = "s3cret"
    for _ in range(500):
        value = {"a": value}
    assert "s3cret" not in str(masked_json(value))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a=1&password=s3cret&b=2", f"a=1&password={MASK}&b=2"),
        ('{"a": NaN, "api_key": "s3\\"cret", "b": 1}', f'{{"a": NaN, "api_key": {MASK}, "b": 1}}'),
        ('{"token": "s3cret', f'{{"token": {MASK}'),
        ('{"body": "{\\"token\\": \\"s3cret\\", \\"n\\": 1}", ', f'{{"body": "{{\\"token\\": {MASK}, \\"n\\": 1}}", '),
        ("Authorization: Bearer s3cret\r\nHost: a", f"Authorization: {MASK}\r\nHost: a"),
        ("<password>s3cret</password>", f"<password>{MASK}</password>"),
        ("to https://user:s3cret@a.example/x", f"to https://{MASK}@a.example/x"),
        ("a=token=s3cret", f"a=token={MASK}"),
        ("page: 3, name=Ann", "page: 3, name=Ann"),
    ],
    ids=["form", "json", "cut", "json-in-json", "header", "xml", "login", "second", "nothing"],
)  # fmt: skip
def test_text(text: str, kept: str) -> None:
    assert masked_text(text) == kept


@pytest.mark.parametrize(
    "text",
    ["a" * 65_536, 'a="' * 20_000, "token=" * 10_000, 'token:\\"' * 9_000, "a:" * 30_000, "://a" * 16_000],
    ids=["letters", "quotes", "names", "escaped", "colons", "logins"],
)
def test_a_long_text_is_read_once(text: str) -> None:
    assert len(masked_text(text)) <= len(text) + len(MASK)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://u:s3cret@a.example/p?n=1", f"https://{MASK}@a.example/p?n=1"),
        ("https://a.example/?api%5Fkey=s3cret", f"https://a.example/?api%5Fkey={MASK}"),
        ("https://a.example/#access_token=s3cret&n=1", f"https://a.example/#access_token={MASK}&n=1"),
        ("https://a.example/?X=s3cret", f"https://a.example/?X={MASK}"),
        ("https://a.example/?token", "https://a.example/?token"),
        ("https://[a", MASK),
    ],
    ids=["login", "quoted", "fragment", "said", "no-value", "none"],
)
def test_addresses(url: str, kept: str) -> None:
    assert masked_url(url, {"x"}) == kept
