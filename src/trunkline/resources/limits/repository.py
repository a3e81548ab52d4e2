"""The pools in the database.

A workspace's pool is its own row; a subaccount's is its parent's, which row-level security lets it reach, and no other.
A place in it is taken by one conditional statement, in the transaction that stores the call, so that no two processes
can take the last one, and a transaction that comes to nothing gives it back. The row is locked until that transaction
ends: take it last, after every other lock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, bindparam, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.limits.models import ATTEMPTS_PER_SECOND, CONCURRENCY, CallLimit
from trunkline.resources.workspaces.models import Workspace

# A sliding window: the call that is the N-th back from this one must be a second old. Only those N are kept.
_TAKE = text(
    "INSERT INTO call_limits AS pool (workspace_id, active, recent) "
    "SELECT COALESCE(parent_id, id), 1, ARRAY[COALESCE(:now, clock_timestamp())] FROM workspaces WHERE id = :workspace "
    "ON CONFLICT (workspace_id) DO UPDATE SET active = pool.active + 1, "
    "recent = pool.recent[greatest(1, cardinality(pool.recent) - pool.attempts_per_second + 2) :] "
    "|| COALESCE(:now, clock_timestamp()) "
    "WHERE pool.active < pool.concurrency AND (cardinality(pool.recent) < pool.attempts_per_second "
    "OR pool.recent[cardinality(pool.recent) - pool.attempts_per_second + 1] "
    "<= COALESCE(:now, clock_timestamp()) - interval '1 second') "
    "RETURNING pool.workspace_id"
).bindparams(bindparam("now", type_=DateTime(timezone=True)))
_WRITE = text(
    "INSERT INTO call_limits (workspace_id, concurrency, attempts_per_second) "
    "VALUES (:workspace, :concurrency, :attempts) ON CONFLICT (workspace_id) "
    "DO UPDATE SET concurrency = :concurrency, attempts_per_second = :attempts"
)


@dataclass(frozen=True)
class Pool:
    """What a workspace may have, and has."""

    concurrency: int = CONCURRENCY
    attempts_per_second: int = ATTEMPTS_PER_SECOND
    active: int = 0


async def take(session: AsyncSession, workspace_id: UUID, now: datetime | None = None) -> bool:
    """One outbound call more; False when the pool is used up. `now`: None for the database's clock."""
    taken = await session.scalar(_TAKE, {"workspace": workspace_id, "now": now})
    return taken is not None


async def release(session: AsyncSession, workspace_id: UUID) -> None:
    """One outbound call less."""
    less = func.greatest(CallLimit.active - 1, 0)
    await session.execute(update(CallLimit).where(_is_pool_of(workspace_id)).values(active=less))


async def pool_of(session: AsyncSession, workspace_id: UUID) -> Pool:
    """The pool that a workspace draws on."""
    columns = CallLimit.concurrency, CallLimit.attempts_per_second, CallLimit.active
    row = (await session.execute(select(*columns).where(_is_pool_of(workspace_id)))).one_or_none()
    return Pool() if row is None else Pool(*row)


async def is_subaccount(session: AsyncSession, workspace_id: UUID) -> bool:
    """Whether the pool is a parent's."""
    parent = await session.scalar(select(Workspace.parent_id).where(Workspace.id == workspace_id))
    return parent is not None


async def change(session: AsyncSession, workspace_id: UUID, concurrency: int, attempts: int) -> None:
    """Set a workspace's own pool. Calls that are on stay on, even if they are too many now."""
    values = {"workspace": workspace_id, "concurrency": concurrency, "attempts": attempts}
    await session.execute(_WRITE, values)


def _is_pool_of(workspace_id: UUID) -> ColumnElement[bool]:
    own_or_parents = func.coalesce(Workspace.parent_id, Workspace.id)
    pool = select(own_or_parents).where(Workspace.id == workspace_id).scalar_subquery()
    return CallLimit.workspace_id == pool


async def recount(session: AsyncSession) -> Sequence[UUID]:
    """Makes every `active` what the calls say; the pools that were wrong. System role."""
    # First the locks, so that the count sees every call that took its place before.
    await session.execute(text("SELECT 1 FROM call_limits ORDER BY workspace_id FOR UPDATE"))
    wrong = await session.scalars(
        text(
            "UPDATE call_limits SET active = counted.n FROM (SELECT l.workspace_id, count(c.id) AS n FROM call_limits l "
            "LEFT JOIN workspaces w ON COALESCE(w.parent_id, w.id) = l.workspace_id "
            "LEFT JOIN calls c ON c.workspace_id = w.id AND c.counted AND c.ended_at IS NULL "
            "GROUP BY l.workspace_id) counted "
            "WHERE counted.workspace_id = call_limits.workspace_id AND call_limits.active <> counted.n "
            "RETURNING call_limits.workspace_id"
        )
    )
    return wrong.all()
