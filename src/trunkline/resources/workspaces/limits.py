"""What a parent allows a subaccount: how many agents, minutes of calls, and calls at once."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import Conflict, Forbidden, OverLimit
from trunkline.platform.http.scopes import Scope
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.models import Call
from trunkline.resources.workspaces.models import Workspace

GONE = "This workspace was deleted."


async def check_agents(session: AsyncSession, workspace_id: UUID) -> None:
    """Before an agent is made; holds others that would make one here until the transaction ends.

    Raises:
        Conflict: the workspace has all the agents that its parent allows.
    """
    query = select(Workspace.max_agents).where(Workspace.id == workspace_id)
    if await session.scalar(query) is None:
        return
    most = await session.scalar(query.with_for_update(key_share=True))
    if most is None:
        return
    mine = Agent.workspace_id == workspace_id, Agent.deleted_at.is_(None)
    if (await session.scalar(select(func.count()).where(*mine)) or 0) >= most:
        raise Conflict(
            f"This subaccount may have at most {most} agents; delete one, or have its parent raise max_agents."
        )


async def check_dialling(session: AsyncSession, workspace_id: UUID) -> None:
    """Before a call is placed, in a session of the workspace or of the system.

    Calls under way have no minutes yet, so the limit may be passed by their length.

    Raises:
        Conflict: the workspace has used the minutes that its parent allows.
        Forbidden: it may not place calls, or was deleted.
    """
    columns = Workspace.max_minutes, Workspace.revoked_permissions, Workspace.deleted_at
    limits = (await session.execute(select(*columns).where(Workspace.id == workspace_id))).one_or_none()
    if limits is None or limits.deleted_at is not None:
        raise Forbidden(GONE)
    if Scope.OUTBOUND in limits.revoked_permissions:
        raise Forbidden(f"This subaccount lacks the permission {Scope.OUTBOUND}; its parent can grant it.")
    if limits.max_minutes is None:
        return
    used = (await minutes_used(session, [workspace_id]))[workspace_id]
    if used >= limits.max_minutes:
        raise Conflict(
            f"This subaccount has used its {limits.max_minutes} minutes of calls; its parent can raise max_minutes."
        )


async def check_concurrency(session: AsyncSession, workspace_id: UUID) -> None:
    """After a call was stored and counted in its pool, whose lock makes this count exact.

    Raises:
        OverLimit: the workspace has more calls than its parent allows at once.
    """
    most = await session.scalar(select(Workspace.concurrency).where(Workspace.id == workspace_id))
    if most is None:
        return
    mine = Call.workspace_id == workspace_id, Call.counted, Call.ended_at.is_(None)
    if (await session.scalar(select(func.count()).where(*mine)) or 0) > most:
        raise OverLimit(
            f"This subaccount may have at most {most} calls at once; try again when one has ended.",
            retry_after=5,
        )


async def check_alive(session: AsyncSession, workspace_id: UUID) -> None:
    """Before something is stored that must not get lost in a deleted workspace; a deletion waits for the transaction.

    Raises:
        Forbidden: the workspace was deleted.
    """
    query = select(Workspace.id).where(Workspace.id == workspace_id, Workspace.deleted_at.is_(None))
    if await session.scalar(query.with_for_update(read=True)) is None:
        raise Forbidden(GONE)


async def minutes_used(session: AsyncSession, workspace_ids: Collection[UUID]) -> dict[UUID, int]:
    """Whole minutes of all calls that have ended, for each of the workspaces."""
    query = (
        select(Call.workspace_id, func.sum(Call.duration_s))
        .where(Call.workspace_id.in_(workspace_ids), Call.duration_s.is_not(None))
        .group_by(Call.workspace_id)
    )
    seconds = {row[0]: int(row[1] or 0) for row in await session.execute(query)}
    return {id_: seconds.get(id_, 0) // 60 for id_ in workspace_ids}
