"""Deliveries in the database: made in the transaction of what they tell, claimed by whoever sends them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Integer, LargeBinary, Text, Uuid

from trunkline.platform.work.wakeups import notify
from trunkline.resources.webhooks.backoff import GIVE_UP_AFTER, DeliveryState

DELIVERIES = "deliveries"
"""Channel of wake-ups: something is due."""


@dataclass(frozen=True)
class Wanted:
    """What is to be sent; one of its kind for a call."""

    workspace_id: UUID
    kind: str
    call_id: UUID
    agent_id: UUID
    url: str
    body: bytes = field(repr=False)
    id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True)
class Claimed:
    """A delivery that is ours to send until its lease ends."""

    id: UUID
    workspace_id: UUID
    kind: str
    call_id: UUID | None
    agent_id: UUID | None
    url: str
    host: str
    body: bytes
    attempts: int
    """This attempt's number, and the fence of its result."""
    attempts_before: int
    """Of them, those before it was last asked for."""
    give_up_at: datetime


@dataclass(frozen=True)
class Result:
    """What became of a claimed delivery."""

    id: UUID
    attempts: int
    state: DeliveryState
    attempted_at: datetime
    due_at: datetime
    """When it is tried again, where it is still pending."""
    answer_status: int | None
    error: str | None


async def add(session: AsyncSession, wanted: Sequence[Wanted]) -> int:
    """Have these sent once the transaction commits: how many, less those of calls that have such a delivery already.

    Nobody is notified: notifying transactions commit one after another. The caller wakes the deliverer beside him when
    it is committed; any other finds it by looking.
    """
    if not wanted:
        return 0
    columns: dict[str, list[Any]] = {name: [getattr(each, name) for each in wanted] for name in _WANTED}
    hosts = [host_of(each.url) for each in wanted]
    added = await session.scalars(_ADD, {**columns, "host": hosts, "lasts": GIVE_UP_AFTER})
    return len(added.all())


def host_of(url: str) -> str:
    """Host and port of an address, in lower case; "" for what is none."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


async def claim(
    session: AsyncSession, room: int, per_host: int, busy: Mapping[str, int], lease: timedelta
) -> Sequence[Claimed]:
    """Up to `room` deliveries that are due, each ours for `lease`; of one host `per_host`, less what `busy` takes.

    One probe of an index for each host that something waits for: a long queue for one costs the others nothing.
    System role.
    """
    values = {
        "room": room,
        "per_host": per_host,
        "hosts": list(busy),
        "taken": list(busy.values()),
        "lease": lease,
    }
    return [Claimed(**row._mapping) for row in await session.execute(_CLAIM, values)]


async def settle(session: AsyncSession, results: Iterable[Result]) -> None:
    """Write down what became of claimed deliveries; one that somebody else has claimed meanwhile stays his."""
    rows = list(results)
    if rows:
        await session.execute(_SETTLE, {name: [getattr(row, name) for row in rows] for name in _RESULT})


async def redeliver(session: AsyncSession, id_: UUID) -> None:
    """Have it sent once more, now, and again for as long as at first."""
    await session.execute(_REDELIVER, {"id": id_, "lasts": GIVE_UP_AFTER})
    notify(session, DELIVERIES, "")


async def forget_ended(session: AsyncSession, kept: timedelta) -> int:
    """Deletes deliveries that ended longer ago than this; how many. System role."""
    rows = await session.execute(_FORGET, {"kept": kept})
    return len(rows.all())


_WANTED = ("id", "workspace_id", "kind", "call_id", "agent_id", "url", "body")
_ADD = text(
    """
INSERT INTO deliveries (id, workspace_id, kind, call_id, agent_id, url, host, body, state, give_up_at)
SELECT id, workspace_id, kind, call_id, agent_id, url, host, body, 'pending', now() + CAST(:lasts AS interval)
FROM unnest(:id, :workspace_id, :kind, :call_id, :agent_id, :url, :host, :body)
    AS wanted (id, workspace_id, kind, call_id, agent_id, url, host, body)
ON CONFLICT (call_id, kind) WHERE call_id IS NOT NULL DO NOTHING RETURNING id
"""
).bindparams(
    *(bindparam(name, type_=ARRAY(Uuid())) for name in ("id", "workspace_id", "call_id", "agent_id")),
    *(bindparam(name, type_=ARRAY(Text())) for name in ("kind", "url", "host")),
    bindparam("body", type_=ARRAY(LargeBinary())),
)
_CLAIM = text(
    """
WITH RECURSIVE waiting (host) AS (
    (SELECT host FROM deliveries WHERE state = 'pending' ORDER BY host LIMIT 1)
    UNION ALL
    SELECT (SELECT next.host FROM deliveries next WHERE next.state = 'pending' AND next.host > waiting.host
            ORDER BY next.host LIMIT 1)
    FROM waiting WHERE waiting.host IS NOT NULL
), hosts AS (
    SELECT waiting.host, CAST(:per_host AS integer) - COALESCE(busy.taken, 0) AS room
    FROM waiting LEFT JOIN unnest(CAST(:hosts AS text[]), CAST(:taken AS integer[])) AS busy (host, taken)
        ON busy.host = waiting.host
    WHERE waiting.host IS NOT NULL ORDER BY random()
), due AS (
    SELECT claimed.id FROM hosts CROSS JOIN LATERAL (
        SELECT d.id FROM deliveries d
        WHERE d.state = 'pending' AND d.host = hosts.host AND d.due_at <= now()
        ORDER BY d.due_at LIMIT GREATEST(hosts.room, 0) FOR UPDATE SKIP LOCKED
    ) claimed LIMIT :room
)
UPDATE deliveries d SET due_at = now() + CAST(:lease AS interval), attempts = d.attempts + 1
FROM due WHERE d.id = due.id
RETURNING d.id, d.workspace_id, d.kind, d.call_id, d.agent_id, d.url, d.host, d.body, d.attempts,
    d.attempts_before, d.give_up_at
"""
)
_RESULT = ("id", "attempts", "state", "attempted_at", "due_at", "answer_status", "error")
_SETTLE = text(
    """
UPDATE deliveries d SET state = r.state, attempted_at = r.attempted_at, due_at = r.due_at,
    answer_status = r.answer_status, error = r.error,
    ended_at = CASE WHEN r.state = 'pending' THEN NULL ELSE now() END
FROM unnest(:id, :attempts, :state, :attempted_at, :due_at, :answer_status, :error)
    AS r (id, attempts, state, attempted_at, due_at, answer_status, error)
WHERE d.id = r.id AND d.attempts = r.attempts AND d.state = 'pending'
"""
).bindparams(
    bindparam("id", type_=ARRAY(Uuid())),
    bindparam("attempts", type_=ARRAY(Integer())),
    bindparam("state", type_=ARRAY(Text())),
    bindparam("attempted_at", type_=ARRAY(TIMESTAMP(timezone=True))),
    bindparam("due_at", type_=ARRAY(TIMESTAMP(timezone=True))),
    bindparam("answer_status", type_=ARRAY(Integer())),
    bindparam("error", type_=ARRAY(Text())),
)
_REDELIVER = text(
    "UPDATE deliveries SET state = 'pending', due_at = now(), give_up_at = now() + CAST(:lasts AS interval), "
    "ended_at = NULL, attempts_before = attempts WHERE id = :id"
)
_FORGET = text("DELETE FROM deliveries WHERE ended_at < now() - CAST(:kept AS interval) RETURNING id")
