"""What must not be read from a log or an answer: secrets in headers, queries and addresses, told by their names."""

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit, urlunsplit

MASK = "********"
"""Stands for a secret."""

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_SECRET = frozenset({
    "accesstoken", "apikey", "auth", "authentication", "authorization", "authtoken", "bearer", "cookie", "credential",
    "credentials", "jwt", "key", "passwd", "password", "pwd", "secret", "session", "sid", "signature", "token",
})  # fmt: skip


def is_secret(name: str) -> bool:
    """Whether a header or parameter of this name holds a secret, as far as names tell."""
    return any(word.lower() in _SECRET for word in _WORDS.findall(name))


def masked(pairs: Mapping[str, str]) -> dict[str, str]:
    """Headers or parameters without their secrets."""
    return {name: MASK if is_secret(name) else value for name, value in pairs.items()}


def masked_url(url: str) -> str:
    """An address without a password, and without secrets in its query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return MASK  # no address at all: nobody knows what it holds
    _, at, host = parts.netloc.rpartition("@")
    query = "&".join(_masked_parameter(part) for part in parts.query.split("&")) if parts.query else ""
    return urlunsplit(parts._replace(netloc=f"{MASK}@{host}" if at else host, query=query))


def _masked_parameter(part: str) -> str:
    name, equals, _ = part.partition("=")
    return f"{name}={quote(MASK, safe='*')}" if equals and is_secret(name) else part
