"""Placing calls, and cleaning up after hosts: what the worker does for calls.

A call that is to be placed is offered to one host at a time. The host makes the offer its own by a conditional
update before it dials; an offer that is not taken in time is revoked by another one on the same row, and made
anew under the next number. Of the two exactly one succeeds, so nobody is dialled twice.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import Unavailable
from trunkline.platform.storage import system
from trunkline.platform.storage.blobs import Blobs
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.models import Node
from trunkline.platform.work.jobs import Jobs
from trunkline.platform.work.schedules import Schedules
from trunkline.platform.work.wakeups import notify
from trunkline.resources.calls import announced, recordings
from trunkline.resources.calls.closing import Fault, close_call, end_call, locked
from trunkline.resources.calls.live import OFFERS
from trunkline.resources.calls.models import Call, CallAttempt
from trunkline.resources.calls.moves import move_attempt, move_call
from trunkline.resources.calls.service import PLACE_CALL
from trunkline.resources.calls.status import UNDER_WAY, AttemptState, CallStatus

log = structlog.get_logger(__name__)

CLAIM_SECONDS = 3.0
"""A host that has not claimed an offer by then loses it."""
WAIT_SECONDS = 60.0
"""How long after its acceptance a call may wait for a host."""
LOOK_SECONDS = 1.0
OVERDUE_SECONDS = 30.0
WAITING_AT_ONCE = 100
"""Waiting calls that one look goes through."""

_NO_SLOT = (
    f"No voice host had room for this call for {WAIT_SECONDS:.0f} s. Start another voice process, raise "
    "TRUNKLINE_MAX_CALLS if there are cores to spare, or place fewer calls at once."
)
_HOST_DIED = "The voice host that held this call stopped in mid-call. What was heard until then is kept."
_HOST_DIED_DIALLING = (
    "The voice host stopped while it dialled. The call is not placed again, because it may have rung already; place it "
    "anew if it should."
)


class CallTasks:
    """The durable work of calls. Everything may run twice, or in two workers at once."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs

    def register(self, jobs: Jobs, schedules: Schedules) -> None:
        """Tell the worker what there is to do."""
        jobs.task(PLACE_CALL)(self.place_call)
        schedules.every(LOOK_SECONDS, self.look)
        schedules.every(OVERDUE_SECONDS, self.give_up_announced)

    async def place_call(self, call_id: str, workspace_id: str) -> None:
        """The job of an accepted call: offer it to a host, or let it wait."""
        await self.place(UUID(call_id))

    async def look(self) -> None:
        """Offers that nobody took, calls that wait for a slot, calls whose host left: every second, in one place."""
        async with self._database.system() as session:
            unclaimed = await system.unclaimed_attempts(session, CLAIM_SECONDS)
            waiting = (await session.execute(await _waiting(session))).scalars().all()
            gone = (await session.execute(_HOSTS_GONE)).scalars().all()
        for attempt in unclaimed:
            await self._offer_anew(attempt.call_id, attempt.n)
        for call_id in waiting:
            await self.place(call_id)
        if gone:
            await self.close_calls_of_dead_hosts([host for host in gone if host is not None])

    async def give_up_announced(self) -> None:
        """Close the calls that were announced and did not come."""
        async with self._database.system() as session:
            overdue = await announced.overdue(session)
        for call_id in overdue:
            async with self._database.system() as session:
                await announced.give_up(session, call_id)

    async def close_calls_of_dead_hosts(self, hosts: Sequence[str]) -> None:
        """Close what these hosts held, with what was heard; what they did not begin to dial is offered to others.

        Raises Unavailable when that must be done again, because database or recordings are away.
        """
        async with self._database.system() as session:
            held = await system.calls_of(session, hosts)
        away: Unavailable | None = None
        for call in held:
            try:
                await self._close_orphan(call)
            except Unavailable as error:
                away = error
        if away is not None:
            raise away

    async def _close_orphan(self, call: system.HeldCall) -> None:
        offered = await self._attempt(call.id, AttemptState.PENDING)
        if offered is not None and await self._offer_anew(call.id, offered):
            return
        recording = await recordings.join(self._blobs, call.workspace_id, call.id)
        async with self._database.system() as session:
            dialling = await session.scalar(_attempt_in(call.id, AttemptState.DIALLING))
            if dialling is not None:
                await move_attempt(
                    session,
                    call.id,
                    dialling,
                    AttemptState.DIALLING,
                    AttemptState.FAILED,
                    ended_at=func.now(),
                )
            fault = Fault(_HOST_DIED if dialling is None else _HOST_DIED_DIALLING)
            if await close_call(session, call.id, recording, fault):
                log.warning("call_closed_for_dead_host", call_id=str(call.id), host=call.host_id)

    async def _attempt(self, call_id: UUID, state: AttemptState) -> int | None:
        async with self._database.system() as session:
            return await session.scalar(_attempt_in(call_id, state))

    async def _offer_anew(self, call_id: UUID, n: int) -> bool:
        """Revoke an offer and make the next; False when its host has claimed it after all."""
        async with self._database.system() as session:
            call = await locked(session, call_id)
            revoked = call is not None and await move_attempt(
                session, call_id, n, AttemptState.PENDING, AttemptState.REVOKED, ended_at=func.now()
            )
            if call is None or not revoked:
                return False
            silent = call.host_id
            log.warning("offer_revoked", call_id=str(call_id), n=n, host=call.host_id)
            if call.host_id is not None and call.ended_at is None:
                await system.release_slot(session, call.host_id)
                call.host_id = None
        # A transaction of its own: two slots in one could lock two hosts crosswise.
        await self.place(call_id, avoid=silent)
        return True

    async def place(self, call_id: UUID, avoid: str | None = None) -> None:
        """Offer a call to a host with a free slot, `avoid` the last; without one it waits, and in the end fails."""
        async with self._database.system() as session:
            call = await locked(session, call_id)
            if call is None or call.status not in (CallStatus.PENDING, CallStatus.QUEUE):
                return
            tries = (await session.execute(_tries(call_id))).all()
            if any(state in UNDER_WAY for _, state in tries):
                return
            waited = (await session.execute(select(func.now()))).scalar_one() - call.created_at
            late = waited > timedelta(seconds=WAIT_SECONDS)
            # A first offer is made however late its job came; only a call that had its chance gives up.
            node = None if late and tries else await system.take_any_slot(session, avoid=avoid)
            if node is not None:
                await _offer(session, call, 1 + max((n for n, _ in tries), default=0), node)
            elif late:
                await end_call(session, call, CallStatus.FAILED, end_reason="error", error_message=_NO_SLOT)
            elif call.status != CallStatus.QUEUE:
                await move_call(session, call_id, CallStatus.QUEUE)


async def _offer(session: AsyncSession, call: Call, n: int, node: Node) -> None:
    """Write the attempt down and wake its host. The slot is taken already."""
    if call.status == CallStatus.QUEUE:
        await move_call(session, call.id, CallStatus.PENDING)
    call.host_id = node.id
    session.add(
        CallAttempt(
            call_id=call.id,
            n=n,
            workspace_id=call.workspace_id,
            host_id=node.id,
            state=AttemptState.PENDING,
        )
    )
    notify(session, OFFERS, node.id)


# Both queries are served by the partial index on the host of open calls.
_OPEN = Call.ended_at.is_(None)
_HOSTS_GONE = (
    select(Call.host_id)
    .where(Call.host_id.is_not(None), _OPEN, ~select(Node.id).where(Node.id == Call.host_id).exists())
    .distinct()
)


async def _waiting(session: AsyncSession) -> Select[UUID]:
    """Calls that wait for a slot, the oldest first; while there is none, only those that have waited too long."""
    query = select(Call.id).where(Call.host_id.is_(None), _OPEN, Call.status == CallStatus.QUEUE)
    if not await system.has_free_slot(session):
        query = query.where(Call.created_at < func.now() - timedelta(seconds=WAIT_SECONDS))
    return query.order_by(Call.created_at).limit(WAITING_AT_ONCE)


def _tries(call_id: UUID) -> Select[int, str]:
    return select(CallAttempt.n, CallAttempt.state).where(CallAttempt.call_id == call_id)


def _attempt_in(call_id: UUID, state: AttemptState) -> Select[int]:
    """The call's attempt in this state; of those under way there is at most one."""
    return select(CallAttempt.n).where(CallAttempt.call_id == call_id, CallAttempt.state == state)
