"""Writing logs of outgoing requests."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qs, parse_qsl, urlsplit
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.platform.http.wire import check_storable
from trunkline.platform.outbound.client import Answer
from trunkline.platform.outbound.masking import masked, masked_json, masked_text, masked_url
from trunkline.resources.calls.privacy import calls_over, redacted_log
from trunkline.resources.webhooks.models import WebhookLog

WebhookKind = Literal["external_webhook", "inbound_webhook", "custom_action"]
LARGEST_KEPT = 65_536
"""Bytes of a body that are kept."""
_FORM = "application/x-www-form-urlencoded"


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
    unusable: bool = False
    """An answer with a 2xx came, and `error` says why it is none."""
    secrets: frozenset[str] = frozenset()
    """Headers and parameters that hold a secret, whatever they are called; in lower case."""
    attempt: int = 1
    call_id: UUID | None = None
    agent_id: UUID | None = None
    action_id: UUID | None = None
    names: tuple[str, ...] | None = None
    """Of a chat whose agent redacts: the names that are known, and nothing personal is kept. None for all else."""

    @property
    def succeeded(self) -> bool:
        """An answer came, its status is 2xx, and it can be used."""
        return self.answer is not None and 200 <= self.answer.status < 300 and not self.unusable


async def record(session: AsyncSession, workspace_id: UUID, delivery: Delivery) -> UUID:
    """The id of the log that is written, in the caller's transaction.

    No secret is in it, and nothing personal where it is of a call that is over and redacts (`calls/privacy.py`), or of
    a chat that does.
    """
    (row,) = await _rows(session, [(workspace_id, delivery)], hold=True)
    await _insert(session, [row])
    id_: UUID = row["id"]
    return id_


async def record_all(session: AsyncSession, sent: Iterable[tuple[UUID, Delivery]]) -> None:
    """The same for many requests, of any workspaces, in one statement; their calls are over, or held. System role."""
    rows = await _rows(session, list(sent), hold=False)
    if rows:
        await _insert(session, rows)


async def _insert(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    await session.execute(_INSERT, {"rows": json.dumps(rows, ensure_ascii=False, default=str)})


async def _rows(
    session: AsyncSession, sent: Sequence[tuple[UUID, Delivery]], *, hold: bool
) -> list[dict[str, Any]]:
    rows = [_columns(workspace_id, delivery) for workspace_id, delivery in sent]
    names = await calls_over(session, {each.call_id for _, each in sent if each.call_id}, hold=hold)
    known = [each.names if each.call_id is None else names.get(each.call_id) for _, each in sent]
    return [
        row if those is None else row | redacted_log(row, those)
        for row, those in zip(rows, known, strict=True)
    ]


def _columns(workspace_id: UUID, delivery: Delivery) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "workspace_id": workspace_id,
        "kind": delivery.kind,
        "url": _text(masked_url(delivery.url, delivery.secrets)),
        "method": delivery.method.lower(),
        "status": "success" if delivery.succeeded else "failed",
        "call_id": delivery.call_id,
        "agent_id": delivery.agent_id,
        "action_id": delivery.action_id,
        "attempt": delivery.attempt,
        "error": _text(masked_text(_error(delivery))) or None,
        "requested_at": delivery.sent_at,
        "request_headers": _pairs(delivery.headers, delivery.secrets),
        "request_payload": _payload(delivery.body or b"", delivery.headers),
        "request_query": _pairs(_query(delivery.url), delivery.secrets),
        **_answered(delivery),
    }


def _answered(delivery: Delivery) -> dict[str, Any]:
    answer = delivery.answer
    return {
        "answered_at": answer and delivery.sent_at + timedelta(milliseconds=answer.elapsed_ms),
        "answer_status": answer and answer.status,
        "answer_headers": answer and _pairs(answer.headers),
        "answer_payload": answer and _payload(answer.body, answer.headers),
        "duration_ms": answer and answer.elapsed_ms,
        "first_byte_ms": answer and answer.first_byte_ms,
        "body_bytes": answer and len(answer.body),
        "answer_bytes": answer and len(answer.body) + _head_bytes(answer),
    }


def _head_bytes(answer: Answer) -> int:
    return sum(len(name) + len(value) + 4 for name, value in answer.headers.items())


def _error(delivery: Delivery) -> str:
    if delivery.answer is not None and not delivery.succeeded and not delivery.unusable:
        return f"The address answered {delivery.answer.status}."
    return delivery.error


def _query(url: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    except ValueError:
        return {}


def _pairs(pairs: Mapping[str, str], secrets: frozenset[str] = frozenset()) -> dict[str, Any]:
    return {_text(name): _text(value) for name, value in masked(pairs, secrets).items()}


def _payload(body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """A body as an object: a JSON object or a form itself, anything else as its member `body`. Without secrets."""
    if not body:
        return {}
    if len(body) <= LARGEST_KEPT:
        try:
            value = _form(body) if _is_form(headers) else json.loads(body)
            check_storable(value)
            kept = masked_json(value)
            return kept if isinstance(kept, dict) else {"body": kept}
        except (ValueError, RecursionError):
            pass  # neither of them, or such as cannot be kept: then as text
    return {
        "body": _text(masked_text(body[:LARGEST_KEPT].decode(errors="replace"))),
        "truncated": len(body) > LARGEST_KEPT,
    }


def _is_form(headers: Mapping[str, str]) -> bool:
    kinds = (value for name, value in headers.items() if name.lower() == "content-type")
    return next(kinds, "").strip().lower().startswith(_FORM)


def _form(body: bytes) -> dict[str, Any]:
    """A member for each field; a list where there are several of a name."""
    fields = parse_qs(body.decode(), keep_blank_values=True, strict_parsing=True)
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}


def _text(text: str) -> str:
    """Text that PostgreSQL keeps."""
    return text.replace("\x00", "�").encode(errors="replace").decode()


def _inserting() -> str:
    columns = WebhookLog.__table__.columns
    names = ", ".join(each.name for each in columns)
    typed = ", ".join(f"{each.name} {each.type.compile(_DIALECT)}" for each in columns)
    log = f"jsonb_to_recordset(CAST(:rows AS jsonb)) AS log ({typed})"
    return f"INSERT INTO webhook_logs ({names}) SELECT {names} FROM {log}"  # noqa: S608 - names of our columns


_DIALECT = PGDialect()  # type: ignore[no-untyped-call]
_INSERT = text(_inserting())
"""All rows as one parameter: two dozen for each cost more than the rows themselves."""
