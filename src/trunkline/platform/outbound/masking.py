"""What must not be read from a log or an answer: secrets, told by the names that they stand under.

One place for all of them: headers, addresses, forms, JSON and plain text.
"""

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote_plus, urlsplit, urlunsplit

MASK = "********"
"""Stands for a secret."""
_DEEPEST = 64
"""Objects and arrays within each other; what lies deeper is masked whole."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET = frozenset({
    "accesskey", "accesstoken", "apikey", "auth", "authentication", "authorization", "authtoken", "bearer",
    "clientsecret", "cookie", "cookies", "credential", "credentials", "jwt", "passcode", "passphrase", "passwd",
    "password", "passwords", "privatekey", "pwd", "refreshtoken", "secret", "secretkey", "secrets", "signature", "token",
})  # fmt: skip
_SECRET_AT_THE_END = frozenset({"cvc", "cvv", "key", "keys", "otp", "pin", "session"})
"""`api_key` and `user_pin` hold a secret, `key_points` and `session_id` do not."""
_SECRET_IN_HEADERS = frozenset({"key", "session", "sid"})
"""Wherever they stand in the name of a header or a parameter; in a body they are names and ids as often."""
_LONGEST_KNOWN = 64
"""Letters of a name that is kept in mind: strangers choose them."""
_ADDRESS = re.compile(r"https?://\S+")
_LOGIN = re.compile(r"(?<=://)[^\s/@\"'<>]{1,512}(?=@)")
_NAMED = re.compile(r"(?<![\w.-])([A-Za-z_][\w.-]{0,255})\\{0,8}[\"']?\s{0,8}[:=>]\s{0,8}")
_VALUE = re.compile(
    r"\"(?:[^\"\\]|\\.)*\"?"  # JSON
    r"|(?P<slashes>\\{1,8})\".*?(?:(?<!\\)(?P=slashes)\"|$)"  # JSON in a text of JSON
    r"|'[^']*'?"
    r"|[^\s&,;\"'<>{}\[\]\\][^&,;\"'<>}\]\r\n\\]*",
    re.DOTALL,
)
"""What stands behind a name in a text that nothing can read."""


def is_secret(name: str) -> bool:
    """Whether a header or parameter of this name holds a secret, as far as names tell."""
    return is_secret_member(name) or not _SECRET_IN_HEADERS.isdisjoint(_words(name))


def is_secret_member(name: str) -> bool:
    """The same of a member of a body."""
    return (_known if len(name) <= _LONGEST_KNOWN else _known.__wrapped__)(name)


def masked(pairs: Mapping[str, str], also: Iterable[str] = ()) -> dict[str, str]:
    """Headers or parameters without their secrets; `also`: others that hold one, in lower case."""
    return {name: MASK if is_secret(name) or name.lower() in also else value for name, value in pairs.items()}


def masked_url(url: str, also: Iterable[str] = ()) -> str:
    """An address without a login, and without secrets in its parameters; `also` as for `masked`."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return MASK  # no address at all: nobody knows what it holds
    _, at, host = parts.netloc.rpartition("@")
    return urlunsplit(
        parts._replace(
            netloc=f"{MASK}@{host}" if at else host,
            query=_masked_parameters(parts.query, also),
            fragment=_masked_parameters(parts.fragment, also),
        )
    )


def masked_json(value: Any) -> Any:
    """JSON without its secrets: what stands under their names, in texts that are JSON or addresses too."""
    return _masked(value, 0)


def masked_text(text: str) -> str:
    """A text without what stands behind names of secrets (`token=…`, `"password": "…"`), and without logins."""
    text = _LOGIN.sub(MASK, text)
    pieces: list[str] = []
    kept = at = 0
    while (named := _NAMED.search(text, at)) is not None:
        at = named.end()
        value = _VALUE.match(text, at) if is_secret_member(named[1]) else None
        if value is not None:
            pieces += (text[kept:at], MASK)
            kept = at = value.end()
    return "".join((*pieces, text[kept:]))


@lru_cache(maxsize=4096)
def _known(name: str) -> bool:
    """A body has a hundred names, and the next one the same."""
    words = _words(name)
    return not _SECRET.isdisjoint(words) or (bool(words) and words[-1] in _SECRET_AT_THE_END)


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORDS.findall(name)]


def _masked_parameters(text: str, also: Iterable[str]) -> str:
    return "&".join(_masked_parameter(part, also) for part in text.split("&"))


def _masked_parameter(part: str, also: Iterable[str]) -> str:
    name, equals, _ = part.partition("=")
    plain = unquote_plus(name)
    hidden = equals and (is_secret(plain) or plain.lower() in also)
    return f"{name}={quote(MASK, safe='*')}" if hidden else part


def _masked(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        return MASK
    match value:
        case dict():
            return {name: _member(name, inner, value, depth) for name, inner in value.items()}
        case list():
            return [_masked(each, depth + 1) for each in value]
        case str():
            return _masked_leaf(value, depth)
    return value


def _member(name: str, value: Any, owner: Mapping[str, Any], depth: int) -> Any:
    if "value" in owner and name in ("key", "name", "value"):
        # A pair such as {"key": "api_key", "value": "…"}: the one says what the other is.
        told = owner.get("key", owner.get("name"))
        secret = name == "value" and isinstance(told, str) and is_secret_member(told)
    else:
        secret = is_secret_member(name)
    return _hidden(value) if secret else _masked(value, depth + 1)


def _hidden(value: Any) -> Any:
    """The mask; yes, no and nothing are no secrets, and neither is that nothing was sent."""
    return value if value is None or isinstance(value, bool) or value == "" else MASK


def _masked_leaf(text: str, depth: int) -> str:
    if text in ("{}", "[]"):
        return text
    if text[:1] in ("{", "["):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return masked_text(text)
        hidden = _masked(value, depth + 1)
        return text if hidden == value else json.dumps(hidden, ensure_ascii=False)
    return masked_url(text) if _ADDRESS.fullmatch(text) else text
