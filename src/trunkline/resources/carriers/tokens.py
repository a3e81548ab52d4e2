"""Tokens that let a carrier's stream in: signed, for one carrier and agent, with or without an end."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from trunkline.platform.storage.secrets import SecretBox

_FOR_GOOD = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp())


def path_of(carrier: str, agent_id: UUID) -> str:
    """Where a carrier opens its streams for an agent."""
    return f"/trunkline/v1/lines/{carrier}/{agent_id}"


def token(box: SecretBox, carrier: str, agent_id: UUID, seconds: float | None) -> str:
    """A token that is good for so long; None: until the installation's secret key changes."""
    lasts = _FOR_GOOD - datetime.now(UTC).timestamp() if seconds is None else seconds
    query = parse_qs(urlsplit(box.sign_link(path_of(carrier, agent_id), lasts)).query)
    return f"{query['expires'][0]}.{query['signature'][0]}"


def is_good(box: SecretBox, carrier: str, agent_id: UUID, text: str) -> bool:
    """Whether a token is ours, for this carrier and agent, and has not expired."""
    expires, _, signature = text.partition(".")
    if not (expires.isascii() and expires.isdigit()):
        return False
    return box.link_is_good(path_of(carrier, agent_id), int(expires), signature)
