"""The rules of call limits: outbound calls count, inbound ones do not (they are bounded by the hosts' slots)."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import Forbidden, OverLimit
from trunkline.resources.limits import repository
from trunkline.resources.limits.repository import Pool
from trunkline.resources.limits.schemas import LimitsChange, LimitsOut

_WAIT_FOR_A_CALL = 5
"""Seconds after which another try makes sense when calls have to end first: nobody knows when they do."""
_WAIT_FOR_A_SECOND = 1


async def admit(session: AsyncSession, workspace_id: UUID) -> None:
    """Count one outbound call more; given back with the transaction, or when the call ends.

    Raises:
        OverLimit: the workspace has too many calls, or placed too many in this second.
    """
    if await repository.take(session, workspace_id):
        return
    pool = await repository.pool_of(session, workspace_id)
    if pool.active >= pool.concurrency:
        raise OverLimit(
            f"The workspace has {pool.active} of {pool.concurrency} concurrent calls; try again when one has ended, or "
            "raise concurrency with PUT /trunkline/v1/workspace/limits.",
            _WAIT_FOR_A_CALL,
        )
    raise OverLimit(
        f"The workspace's call attempts a second ({pool.attempts_per_second}) are used up; try again in a second, or "
        "raise attempts_per_second with PUT /trunkline/v1/workspace/limits.",
        _WAIT_FOR_A_SECOND,
    )


async def read(session: AsyncSession, workspace_id: UUID) -> LimitsOut:
    """What a workspace may have, and has."""
    pool = await repository.pool_of(session, workspace_id)
    return _shown(pool, shared=await repository.is_subaccount(session, workspace_id))


async def write(session: AsyncSession, workspace_id: UUID, change: LimitsChange) -> LimitsOut:
    """Change a workspace's limits; what is left out stays.

    Raises:
        Forbidden: it is a subaccount, whose pool is its parent's.
    """
    if await repository.is_subaccount(session, workspace_id):
        raise Forbidden(
            "A subaccount draws on its parent's pool; change the limits with a key of the parent."
        )
    pool = await repository.pool_of(session, workspace_id)
    concurrency = pool.concurrency if change.concurrency is None else change.concurrency
    attempts = pool.attempts_per_second if change.attempts_per_second is None else change.attempts_per_second
    await repository.change(session, workspace_id, concurrency, attempts)
    return await read(session, workspace_id)


def _shown(pool: Pool, *, shared: bool) -> LimitsOut:
    return LimitsOut(
        concurrency=pool.concurrency,
        attempts_per_second=pool.attempts_per_second,
        active=pool.active,
        shared=shared,
    )
