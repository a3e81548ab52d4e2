"""What a voice host asks of the database while it holds calls. Every method raises Unavailable while that is away.

A host keeps its calls through that; what it could not say then, it says again: each method may be repeated.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import NoFreeSlot, NotFound
from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database
from trunkline.resources.agents.hours import is_open
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.announced import announced
from trunkline.resources.calls.closing import CANCELED, Fault, Recording, close_call, end_call, locked, refold
from trunkline.resources.calls.models import Call, CallAttempt, CallEvent
from trunkline.resources.calls.moves import move_attempt, move_call
from trunkline.resources.calls.new import inbound_call
from trunkline.resources.calls.plan import CallPlan, Secrets, is_sip_uri, planned_call, trunk_of_number
from trunkline.resources.calls.record import TelephonyDisconnectReason
from trunkline.resources.calls.status import FINAL, AttemptState, CallStatus
from trunkline.resources.storing import storable
from trunkline.voice.conversation.events import Note
from trunkline.voice.lines.line import Trunk

log = structlog.get_logger(__name__)

OFFERS = "call_offers"
"""Channel of wake-ups: the id is that of the host to which a call was offered."""

DRAINING = "This voice host is draining, or was given up; offer the call to another, or later."
_NO_LINE = (
    "No line can carry the call: {number} has no SIP domain. Give the number a termination_uri "
    "(PATCH /v2/numbers/{{slug}}), or call a SIP URI."
)
_CLOSED = "The business hours of this agent are over; see agent.business_hours and agent.timezone."
_OUTCOMES = {
    "busy": CallStatus.BUSY,
    "no_answer": CallStatus.NO_ANSWER,
    "canceled": CallStatus.USER_CANCELED,
}
"""Of DialFailed.outcome; the others are failures."""


class LiveCalls:
    """The calls of one voice process."""

    def __init__(self, database: Database, secret_box: Secrets) -> None:
        self._database = database
        self._secrets = secret_box

    async def open_inbound(
        self, *, dialled: str, caller: str, host: UUID, sip_call_id: str, headers: dict[str, str]
    ) -> CallPlan:
        """Find whom a call that rings is for and write the call down.

        It is for the agent that it was announced for (its header X-EI says so), else for that of the number dialled.

        Raises:
            NotFound: nobody answers that number, or not at this hour; the text says what is missing.
            NoFreeSlot: the host is draining, or was given up.
        """
        async with self._database.system() as session:
            expected = await announced(session, headers)
            call = expected or await _unannounced(session, dialled)
            agent = await _agent_of(session, call)
            now = (await session.execute(select(func.now()))).scalar_one()
            if not is_open(agent, now):
                raise NotFound(_CLOSED)
            call.status = CallStatus.RINGING
            call.other_party = call.number_from = call.number_from or caller
            call.agent_number = call.number_to = call.number_to or dialled
            call.agent_version = str(agent.version)
            call.started_at = call.ringing_at = now
            call.sip_call_id = sip_call_id
            call.sip_headers = headers or None
            call.host_id = str(host)
            session.add(call)
            await session.flush()
            plan = await self._plan(session, call, agent, None)
            if not await system.takes_calls(session, str(host)):
                raise NoFreeSlot(DRAINING)
            # Whoever announced a call has said already who takes it and with which variables.
            return plan if expected else replace(plan, ask_first=agent.inbound_call_webhook_url or "")

    async def pending_attempts(self, host: UUID) -> list[tuple[UUID, int]]:
        """The attempts that wait for this host to claim them, oldest first."""
        mine = CallAttempt.host_id == str(host), CallAttempt.state == AttemptState.PENDING
        query = select(CallAttempt.call_id, CallAttempt.n).where(*mine).order_by(CallAttempt.created_at)
        async with self._database.system() as session:
            return [(row.call_id, row.n) for row in await session.execute(query)]

    async def claim(self, call_id: UUID, n: int, host: UUID) -> CallPlan | None:
        """Make an attempt this host's own. On return it is committed, and the INVITE may go out.

        None: it was revoked, is another's, was claimed already, or the call needs no dialling any more.
        """
        async with self._database.system() as session:
            attempt = await session.get(CallAttempt, (call_id, n))
            if attempt is None or attempt.host_id != str(host):
                return None
            # The call before the attempt, as everywhere: whoever revokes waits for the same row.
            call = await locked(session, call_id)
            taken = await move_attempt(
                session, call_id, n, AttemptState.PENDING, AttemptState.DIALLING, claimed_at=func.now()
            )
            if call is None or not taken:
                return None
            if call.status != CallStatus.PENDING:
                await _attempt_failed(session, call_id, n)
                return None
            agent = (await session.execute(select(Agent).where(Agent.id == call.agent_id))).scalar_one()
            trunk = await self._trunk(session, call)
            if trunk is None and not is_sip_uri(call.number_to):
                await _attempt_failed(session, call_id, n)
                message = _NO_LINE.format(number=call.number_from or "the agent, which has no number,")
                await end_call(session, call, CallStatus.FAILED, **_not_reached(message))
                return None
            now = (await session.execute(select(func.now()))).scalar_one()
            if not is_open(agent, now):
                await _attempt_failed(session, call_id, n)
                await end_call(session, call, CallStatus.FAILED, **_not_reached(_CLOSED))
                return None
            call.agent_version = str(agent.version)
            call.started_at = now
            return await self._plan(session, call, agent, trunk)

    async def ringing(self, call_id: UUID) -> bool:
        """The other side rings; False when the call is closed already."""
        async with self._database.system() as session:
            return await move_call(session, call_id, CallStatus.RINGING, ringing_at=func.now())

    async def answered(self, call_id: UUID) -> bool:
        """The line is up: the call's clock starts. False when the call is closed already; then hang up."""
        async with self._database.system() as session:
            moved = await move_call(session, call_id, CallStatus.IN_PROGRESS, answered_at=func.now())
            if moved:
                for n in await _dialling(session, call_id):
                    await move_attempt(session, call_id, n, AttemptState.DIALLING, AttemptState.ANSWERED)
            return moved

    async def append(self, workspace_id: UUID, call_id: UUID, first_seq: int, notes: Sequence[Note]) -> bool:
        """Store numbered notes of a live call, each number once; False, with nothing stored: the call is closed."""
        async with self._database.workspace(workspace_id) as session:
            # A shared lock: whoever closes the call waits for these notes, or these notes find it closed.
            query = select(Call.status).where(Call.id == call_id).with_for_update(read=True)
            status = (await session.execute(query)).scalar_one_or_none()
            if status is None or status in FINAL:
                return False
            await _insert(session, workspace_id, call_id, first_seq, notes)
        return True

    async def append_late(
        self, workspace_id: UUID, call_id: UUID, first_seq: int, notes: Sequence[Note]
    ) -> None:
        """Store notes of a call that was closed meanwhile, and read its record again; its end stays."""
        async with self._database.workspace(workspace_id) as session:
            call = await locked(session, call_id)
            if call is None:
                log.warning("notes_of_unknown_call", call_id=str(call_id), count=len(notes))
                return
            await _insert(session, workspace_id, call_id, first_seq, notes)
            await refold(session, call)

    async def dial_failed(self, call_id: UUID, n: int, outcome: str, code: int | None, message: str) -> None:
        """The call was not answered: `outcome`, `code` and text as in DialFailed."""
        async with self._database.system() as session:
            call = await locked(session, call_id)
            if call is None or not await _attempt_failed(session, call_id, n):
                return
            status = _OUTCOMES.get(outcome, CallStatus.FAILED)
            values: dict[str, Any] = {"disconnect_reason": TelephonyDisconnectReason.UNKNOWN}
            if status is CallStatus.FAILED:
                trunk = await self._trunk(session, call)
                values = _not_reached(_failure(outcome, code, message, trunk), code)
            elif status is CallStatus.USER_CANCELED:
                values = CANCELED
            await end_call(session, call, status, **values)

    async def finish(
        self, call_id: UUID, *, recording: Recording | None = None, fault: str | None = None
    ) -> bool:
        """Fold the notes, store the record and close the call; False when it is closed already.

        Call it only when the writer has flushed this call and its recording is joined: on `completed` both can
        be read. `fault`: what broke in the host, if that is why the call ended.
        """
        async with self._database.system() as session:
            return await close_call(session, call_id, recording, Fault(fault) if fault else None)

    async def _plan(self, session: AsyncSession, call: Call, agent: Agent, trunk: Trunk | None) -> CallPlan:
        return await planned_call(session, self._secrets, call, agent, trunk)

    async def _trunk(self, session: AsyncSession, call: Call) -> Trunk | None:
        return await trunk_of_number(session, self._secrets, call, call.number_from)


async def _unannounced(session: AsyncSession, dialled: str) -> Call:
    """A new call for the agent that answers the number dialled."""
    route = await system.route(session, dialled)
    if route is None:
        raise NotFound("The number dialled is not known here; import it with POST /v2/custom-numbers.")
    if route.refused:
        raise NotFound("The number dialled belongs to a subaccount without the permission inbound.")
    if route.agent_id is None:
        raise NotFound("The number dialled serves no inbound agent; attach one with PUT /v2/assistants/{id}.")
    agent = (await session.execute(select(Agent).where(Agent.id == route.agent_id))).scalar_one()
    return inbound_call(agent, CallStatus.RINGING, number_to=route.number)


async def _agent_of(session: AsyncSession, call: Call) -> Agent:
    agent = (await session.execute(select(Agent).where(Agent.id == call.agent_id))).scalar_one()
    if agent.deleted_at is not None:
        raise NotFound("The agent that was to take this call was deleted; announce the call for another.")
    return agent


async def _dialling(session: AsyncSession, call_id: UUID) -> Sequence[int]:
    mine = CallAttempt.call_id == call_id, CallAttempt.state == AttemptState.DIALLING
    return (await session.execute(select(CallAttempt.n).where(*mine))).scalars().all()


async def _attempt_failed(session: AsyncSession, call_id: UUID, n: int) -> bool:
    """An attempt that was claimed came to nothing; False when it is over already."""
    return await move_attempt(
        session, call_id, n, AttemptState.DIALLING, AttemptState.FAILED, ended_at=func.now()
    )


def _not_reached(message: str, code: int | None = None) -> dict[str, Any]:
    forbidden = code == 403
    return {
        "end_reason": "error",
        "error_message": message,
        "disconnect_reason": TelephonyDisconnectReason.FORBIDDEN
        if forbidden
        else TelephonyDisconnectReason.ERROR,
    }


def _failure(outcome: str, code: int | None, message: str, trunk: Trunk | None) -> str:
    if outcome == "refused" and code is not None:
        return f"Telephony - {code} - {message}"
    through = f"the trunk {trunk.host} over {trunk.transport.upper()}" if trunk else "the SIP address"
    return f"Telephony - {through} cannot be reached: {message}"


async def _insert(
    session: AsyncSession, workspace_id: UUID, call_id: UUID, first_seq: int, notes: Sequence[Note]
) -> None:
    rows = [
        {
            "call_id": call_id,
            "seq": seq,
            "workspace_id": workspace_id,
            "at_ms": note.at_ms,
            "kind": note.kind,
            "data": storable(note.data),
        }
        for seq, note in enumerate(notes, first_seq)
    ]
    if rows:
        await session.execute(insert(CallEvent).on_conflict_do_nothing(), rows)
