"""Calls that `POST /v2/prepare_inbound` announced: the INVITE that brings one names it in the header X-EI."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.calls.closing import end_call, locked
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.status import CallStatus
from trunkline.resources.ids import as_uuid

HEADER = "X-EI"
EXPECTED_FOR = timedelta(minutes=15)
"""A switch may ring somebody else first; after this nobody comes any more."""

_NOT_CAME = (
    f"The announced call did not come within {EXPECTED_FOR.total_seconds() / 60:.0f} minutes. Send its INVITE "
    f"here with its id in the header {HEADER}, or announce it anew."
)
_WAITS = Call.status == CallStatus.REGISTERED
_LATE = Call.created_at < func.now() - EXPECTED_FOR


async def announced(session: AsyncSession, headers: Mapping[str, str]) -> Call | None:
    """The announced call that an INVITE brings, held until the transaction ends.

    None: the header is not there, or holds something else (others use it too), or its call came before, or comes too
    late; then it is a call like any other. System role.
    """
    named = next((value for name, value in headers.items() if name.upper() == HEADER), "")
    id_ = as_uuid(named.strip())
    if id_ is None:
        return None
    query = select(Call).where(Call.id == id_, _WAITS, ~_LATE).with_for_update()
    return (await session.execute(query)).scalar_one_or_none()


async def overdue(session: AsyncSession) -> Sequence[UUID]:
    """Announced calls that nobody waits for any longer. System role."""
    return (await session.scalars(select(Call.id).where(_WAITS, _LATE))).all()


async def give_up(session: AsyncSession, call_id: UUID, why: str = _NOT_CAME) -> bool:
    """Close an announced call that did not come; False when it did after all. System role."""
    call = await locked(session, call_id)
    if call is None or call.status != CallStatus.REGISTERED:
        return False
    return await end_call(session, call, CallStatus.FAILED, end_reason="error", error_message=why)
