"""What may be asked across workspaces: the whole list. Every function wants a session of `Database.system()`, but
`has_free_slot`, which any will do for.

Nodes and slots: a node lets in the calls that come to it by its own count, and tells with each heartbeat how many it
has: `active`. Whoever sends it a call from elsewhere takes a slot by one conditional update, so that many at once are
spread well; it is a promise only, for `active` may be a second old. A node that is full after all leaves the call to be
sent elsewhere, or refuses it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Float, Update, cast, delete, func, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.platform.storage.models import IdempotencyKey, Node

FRESH_S = 5.0
"""A node that was not heard from for so long gets no new calls."""


# ---- keys and workspaces -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Key:
    """An API key as stored, and what its workspace is."""

    id: str
    workspace_id: UUID
    hash: bytes
    scopes: list[str] | None
    expires_at: datetime | None
    revoked_at: datetime | None
    parent_id: UUID | None
    revoked_permissions: list[str]


async def find_key(session: AsyncSession, key_id: str) -> Key | None:
    """The key with this public part, revoked and expired ones too; none of a deleted workspace."""
    query = text(
        "SELECT k.id, k.workspace_id, k.hash, k.scopes, k.expires_at, k.revoked_at, w.parent_id, "
        "w.revoked_permissions FROM api_keys k JOIN workspaces w ON w.id = k.workspace_id "
        "WHERE k.id = :id AND w.deleted_at IS NULL"
    )
    row = (await session.execute(query, {"id": key_id})).one_or_none()
    return None if row is None else Key(**row._mapping)


async def keys_used(session: AsyncSession, key_ids: Collection[str]) -> None:
    """Notes that these keys were used just now."""
    await session.execute(
        text("UPDATE api_keys SET last_used_at = now() WHERE id = ANY(:ids)"), {"ids": list(key_ids)}
    )


async def first_workspace(session: AsyncSession) -> UUID | None:
    """The oldest one; None before set-up."""
    workspace_id: UUID | None = await session.scalar(
        text("SELECT id FROM workspaces ORDER BY created_at, id LIMIT 1")
    )
    return workspace_id


async def forget_idempotency_keys(session: AsyncSession, older_than: timedelta) -> None:
    """Removes kept answers of so long ago."""
    kept = IdempotencyKey.created_at >= func.now() - older_than
    await session.execute(delete(IdempotencyKey).where(~kept))


async def has_subaccount(session: AsyncSession, parent_id: UUID, workspace_id: UUID) -> bool:
    """Whether a workspace is a subaccount of that one, and not deleted."""
    query = text("SELECT 1 FROM workspaces WHERE id = :id AND parent_id = :parent AND deleted_at IS NULL")
    return await session.scalar(query, {"id": workspace_id, "parent": parent_id}) is not None


# ---- numbers -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Route:
    """Where a dialled number leads."""

    workspace_id: UUID
    number_id: UUID
    number: str
    refused: bool
    """The workspace lacks the permission to take calls."""
    agent_id: UUID | None
    """None: the number is known, but no living agent answers it."""


async def route(session: AsyncSession, dialled: str) -> Route | None:
    """The number that was dialled, with or without its `+`; None when it is nobody's."""
    bare = dialled.removeprefix("+")
    query = text(
        "SELECT n.workspace_id, n.id AS number_id, n.number, 'inbound' = ANY(w.revoked_permissions) AS refused, "
        "a.id AS agent_id FROM numbers n JOIN workspaces w ON w.id = n.workspace_id "
        "LEFT JOIN agents a ON a.id = n.inbound_agent_id AND a.deleted_at IS NULL "
        "WHERE n.number IN (:dialled, :bare, :plus) ORDER BY n.number = :dialled DESC LIMIT 1"
    )
    row = (await session.execute(query, {"dialled": dialled, "bare": bare, "plus": f"+{bare}"})).one_or_none()
    return None if row is None else Route(**row._mapping)


@dataclass(frozen=True)
class HeldNumber:
    """A number that is about to move to another workspace."""

    id: UUID
    number: str
    agent_id: UUID | None
    """One of the agents it serves, if any."""
    sealed_password: bytes | None


async def hold_numbers(session: AsyncSession, owner: UUID, numbers: Collection[str]) -> list[HeldNumber]:
    """Those of `numbers` that this workspace owns, locked in a fixed order until the transaction ends.

    The uses are read after the locks are held: whoever binds a number to an agent holds the same lock.
    """
    lock = text(
        "SELECT id FROM numbers WHERE workspace_id = :owner AND number = ANY(:numbers) ORDER BY number FOR UPDATE"
    )
    ids = list(await session.scalars(lock, {"owner": owner, "numbers": list(numbers)}))
    query = text(
        "SELECT n.id, n.number, n.trunk_password_encrypted AS sealed_password, COALESCE(n.inbound_agent_id, "
        "(SELECT p.agent_id FROM number_agents p WHERE p.number_id = n.id LIMIT 1)) AS agent_id "
        "FROM numbers n WHERE n.id = ANY(:ids)"
    )
    return [HeldNumber(**row._mapping) for row in await session.execute(query, {"ids": ids})]


async def detach_numbers(session: AsyncSession, owner: UUID) -> list[str]:
    """Takes all numbers of a workspace from its agents; the numbers."""
    freed = text("UPDATE numbers SET inbound_agent_id = NULL WHERE workspace_id = :owner RETURNING number")
    numbers = list(await session.scalars(freed, {"owner": owner}))
    await session.execute(text("DELETE FROM number_agents WHERE workspace_id = :owner"), {"owner": owner})
    return numbers


async def move_number(
    session: AsyncSession, number: HeldNumber, to: UUID, sealed_password: bytes | None
) -> bool:
    """Gives a held number, which serves no agent, to another workspace; False when one there has its slug."""
    statement = text(
        "UPDATE numbers SET workspace_id = :to, trunk_password_encrypted = :sealed, updated_at = now() "
        "WHERE id = :id AND NOT EXISTS (SELECT 1 FROM numbers o "
        "WHERE o.workspace_id = :to AND o.slug = numbers.slug) RETURNING id"
    )
    values = {"id": number.id, "to": to, "sealed": sealed_password}
    return await session.scalar(statement, values) is not None


# ---- nodes and their slots -----------------------------------------------------------------------------


async def register_node(
    session: AsyncSession, node_id: str, *, role: str, control_url: str, sip_address: str, capacity: int
) -> None:
    """A process begins: it holds no call yet, whatever a former one of this id held."""
    values = {
        "role": role,
        "control_url": control_url,
        "sip_address": sip_address,
        "capacity": capacity,
        "active": 0,
        "draining": False,
        "started_at": func.now(),
        "seen_at": func.now(),
    }
    statement = insert(Node).values(id=node_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


async def heartbeat(session: AsyncSession, node_id: str) -> bool:
    """The node lives, and `active` is what the calls say: those with it as host that have not ended.

    False: it has been given up; its calls are closed, and it must register anew.
    """
    return await _found(session, _node(node_id).values(seen_at=func.clock_timestamp(), active=_OPEN_CALLS))


async def takes_calls(session: AsyncSession, node_id: str) -> bool:
    """Whether this node is registered and not draining."""
    return bool(await session.scalar(select(~Node.draining).where(Node.id == node_id)))


async def take_slot(session: AsyncSession, node_id: str) -> bool:
    """Promise one call more to this node; False when it is full, draining or gone."""
    statement = _node(node_id).where(Node.active < Node.capacity, ~Node.draining)
    return await _found(session, statement.values(active=Node.active + 1))


async def take_any_slot(
    session: AsyncSession, role: str = "voice", *, avoid: str | None = None
) -> Node | None:
    """Promise one call more to the emptiest node of this role that lives; None when all are full.

    The node `avoid` is taken only when no other has room.
    """
    nodes = select(Node).where(*_open(role)).order_by(Node.id == (avoid or ""), _load(), func.random())
    for node in (await session.scalars(nodes)).all():
        if await take_slot(session, node.id):
            return node
    return None


async def emptiest_node(session: AsyncSession, role: str = "voice") -> Node | None:
    """The node that `take_any_slot` would choose now; nothing is taken. None when all are full."""
    return await session.scalar(select(Node).where(*_open(role)).order_by(_load(), func.random()).limit(1))


async def has_free_slot(session: AsyncSession, role: str = "voice") -> bool:
    """Whether `take_any_slot` would find one now."""
    return bool(await session.scalar(select(select(Node.id).where(*_open(role)).exists())))


async def release_slot(session: AsyncSession, node_id: str) -> None:
    """Take back a promise that the node has not taken up."""
    await session.execute(_node(node_id).values(active=func.greatest(Node.active - 1, 0)))


async def drain_node(session: AsyncSession, node_id: str) -> None:
    """The node takes no new calls from now on."""
    await session.execute(_node(node_id).values(draining=True))


async def remove_nodes(session: AsyncSession, node_ids: Collection[str]) -> None:
    """The nodes are gone: stopped in order, or given up."""
    await session.execute(delete(Node).where(Node.id.in_(node_ids)))


async def nodes(session: AsyncSession, role: str | None = None) -> list[Node]:
    """All nodes, of one role or of any."""
    query = select(Node).order_by(Node.id)
    return list(await session.scalars(query if role is None else query.where(Node.role == role)))


_OPEN_CALLS: ColumnElement[int] = literal_column(
    "(SELECT count(*) FROM calls WHERE calls.host_id = nodes.id AND calls.ended_at IS NULL)"
)


def _node(node_id: str) -> Update:
    return update(Node).where(Node.id == node_id)


async def _found(session: AsyncSession, statement: Update) -> bool:
    return await session.scalar(statement.returning(Node.id)) is not None


def _load() -> ColumnElement[Any]:
    return cast(Node.active, Float) / Node.capacity


def _open(role: str) -> tuple[ColumnElement[bool], ...]:
    fresh = Node.seen_at > func.now() - timedelta(seconds=FRESH_S)
    return Node.role == role, Node.active < Node.capacity, ~Node.draining, fresh


# ---- calls of hosts ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HeldCall:
    """A call that has not ended."""

    id: UUID
    workspace_id: UUID
    status: str
    host_id: str


async def calls_of(session: AsyncSession, node_ids: Collection[str]) -> list[HeldCall]:
    """What these hosts hold, or held when they died."""
    query = text(
        "SELECT id, workspace_id, status, host_id FROM calls "
        "WHERE host_id = ANY(:ids) AND ended_at IS NULL ORDER BY created_at"
    )
    return [HeldCall(**row._mapping) for row in await session.execute(query, {"ids": list(node_ids)})]


@dataclass(frozen=True)
class OpenAttempt:
    """A hand-over of an outbound call that its host has not claimed."""

    workspace_id: UUID
    call_id: UUID
    n: int
    host_id: str


async def unclaimed_attempts(session: AsyncSession, seconds: float) -> list[OpenAttempt]:
    """Attempts that have been pending for longer than this."""
    query = text(
        "SELECT workspace_id, call_id, n, host_id FROM call_attempts "
        "WHERE state = 'pending' AND created_at < now() - CAST(:age AS interval) ORDER BY created_at"
    )
    rows = await session.execute(query, {"age": timedelta(seconds=seconds)})
    return [OpenAttempt(**row._mapping) for row in rows]
