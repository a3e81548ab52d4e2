"""Writing logs of outgoing requests."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.platform.http.wire import storable
from trunkline.platform.outbound.client import Answer
from trunkline.platform.outbound.masking import masked, masked_url
from trunkline.resources.webhooks.models import WebhookLog

WebhookKind = Literal["external_webhook", "inbound_webhook", "custom_action"]
LARGEST_KEPT = 65_536
"""Bytes of a body that are kept."""


@dataclass(frozen=True)
class Delivery:
    """One request that was sent, or tried to be."""

    kind: WebhookKind
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    sent_at: datetime
    answer: Answer | None
    error: str = ""
    """Why no answer came."""
    timed_out: bool = False
    attempt: int = 1
    call_id: UUID | None = None
    agent_id: UUID | None = None
    action_id: UUID | None = None

    @property
    def succeeded(self) -> bool:
        """An answer came, and its status is 2xx."""
        return self.answer is not None and 200 <= self.answer.status < 300


async def record(session: AsyncSession, workspace_id: UUID, delivery: Delivery) -> UUID:
    """The id of the log that is written, in the caller's transaction; no secret of a header or query is in it."""
    log = WebhookLog(**_columns(workspace_id, delivery))
    session.add(log)
    await session.flush()
    return log.id


async def record_all(session: AsyncSession, sent: Iterable[tuple[UUID, Delivery]]) -> None:
    """The same for many requests, of any workspaces, in one statement. System role."""
    rows = [_columns(workspace_id, delivery) for workspace_id, delivery in sent]
    if rows:
        await session.execute(insert(WebhookLog), rows)


def _columns(workspace_id: UUID, delivery: Delivery) -> dict[str, Any]:
    return {
        "workspace_id": workspace_id,
        "kind": delivery.kind,
        "url": _text(masked_url(delivery.url)),
        "method": delivery.method.lower(),
        "status": "success" if delivery.succeeded else "failed",
        "call_id": delivery.call_id,
        "agent_id": delivery.agent_id,
        "action_id": delivery.action_id,
        "attempt": delivery.attempt,
        "error": _text(_error(delivery)) or None,
        "requested_at": delivery.sent_at,
        "request_headers": _pairs(delivery.headers),
        "request_payload": _payload(delivery.body or b""),
        "request_query": _pairs(_query(delivery.url)),
        **_answered(delivery),
    }


def _answered(delivery: Delivery) -> dict[str, Any]:
    answer = delivery.answer
    return {
        "answered_at": answer and delivery.sent_at + timedelta(milliseconds=answer.elapsed_ms),
        "answer_status": answer and answer.status,
        "answer_headers": answer and _pairs(answer.headers),
        "answer_payload": answer and _payload(answer.body),
        "duration_ms": answer and answer.elapsed_ms,
        "first_byte_ms": answer and answer.first_byte_ms,
        "body_bytes": answer and len(answer.body),
        "answer_bytes": answer and len(answer.body) + _head_bytes(answer),
    }


def _head_bytes(answer: Answer) -> int:
    return sum(len(name) + len(value) + 4 for name, value in answer.headers.items())


def _error(delivery: Delivery) -> str:
    if delivery.answer is not None and not delivery.succeeded:
        return f"The address answered {delivery.answer.status}."
    return delivery.error


def _query(url: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    except ValueError:
        return {}


def _pairs(pairs: Mapping[str, str]) -> dict[str, Any]:
    return {_text(name): _text(value) for name, value in masked(pairs).items()}


def _payload(body: bytes) -> dict[str, Any]:
    """A body as an object: a JSON object itself, anything else as its member `body`."""
    if not body:
        return {}
    if len(body) <= LARGEST_KEPT:
        try:
            value = json.loads(body)
            storable(value)
            return value if isinstance(value, dict) else {"body": value}
        except (ValueError, RecursionError):
            pass  # no JSON, or such as cannot be kept: then as text
    return {
        "body": _text(body[:LARGEST_KEPT].decode(errors="replace")),
        "truncated": len(body) > LARGEST_KEPT,
    }


def _text(text: str) -> str:
    """Text that PostgreSQL keeps."""
    return text.replace("\x00", "�").encode(errors="replace").decode()
