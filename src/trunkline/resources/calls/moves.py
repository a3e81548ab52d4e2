"""The conditional updates that move calls and the attempts to place them: each tells whether it was the one that moved."""

from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, Update, update
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.calls.models import Call, CallAttempt
from trunkline.resources.calls.status import AttemptState, CallStatus, sources


async def move_call(session: AsyncSession, call_id: UUID, to: CallStatus, **values: Any) -> bool:
    """Set status and further columns; False when the call is in no status that leads there."""
    allowed = Call.id == call_id, Call.status.in_(sources(to))
    return await _moved(session, update(Call).where(*allowed).values(status=to, **values))


async def move_attempt(
    session: AsyncSession, call_id: UUID, n: int, source: AttemptState, to: AttemptState, **values: Any
) -> bool:
    """Set an attempt's state; False when it is not in `source` (any more)."""
    here = CallAttempt.call_id == call_id, CallAttempt.n == n, CallAttempt.state == source
    return await _moved(session, update(CallAttempt).where(*here).values(state=to, **values))


async def _moved(session: AsyncSession, statement: Update) -> bool:
    result = cast("CursorResult[Any]", await session.execute(statement))
    return result.rowcount == 1
