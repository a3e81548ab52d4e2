"""Deleting what an agent keeps no longer than `agent.retention_days`: words, recordings, the other parties' numbers.

What stays of a call are its figures: agent, times, status, how it ended, the judge's verdicts; of a batch's task its
id and status; of a simulation its case and its verdicts. Each call is forgotten in a transaction of its own, the
recording first, so that a round that dies is simply done again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Integer, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import NotFound
from trunkline.platform.storage.blobs import Blobs
from trunkline.platform.storage.database import Database
from trunkline.platform.work.schedules import Schedules
from trunkline.resources.agents.models import Agent
from trunkline.resources.batches.models import BatchCall, BatchTask
from trunkline.resources.batches.status import BatchStatus
from trunkline.resources.calls import recordings
from trunkline.resources.calls.models import AfterCallStep, Call, CallEvent
from trunkline.resources.calls.record import Direction
from trunkline.resources.chats.models import Chat, ChatMessage
from trunkline.resources.memory.remembering import forget_talk
from trunkline.resources.messages.models import Message
from trunkline.resources.simulations import forgetting as simulations
from trunkline.resources.simulations import kept
from trunkline.resources.webhooks.models import WebhookDelivery, WebhookLog

log = structlog.get_logger(__name__)

EVERY_S = 600.0
AT_ONCE = 200
"""Calls, chats and simulations of one agent in one round: so many of each."""
_NOBODY: dict[str, Any] = {"to_number": "", "lead_name": "", "lead_email": None, "variables": {}}
"""Whom a batch's task was to call, when that is forgotten."""


@dataclass(frozen=True)
class Due:
    """An agent with something that may be too old."""

    workspace_id: UUID
    agent_id: UUID
    since: datetime | None
    """Up to there all is forgotten."""
    before: datetime
    """Calls that ended earlier go, and chats and simulations that began earlier."""


class Retention:
    """The schedule of the worker."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs

    def register(self, schedules: Schedules) -> None:
        """Tell the worker what there is to do."""
        schedules.every(EVERY_S, self.forget)

    async def forget(self) -> int:
        """One round over all agents; how many calls, chats and simulations were forgotten."""
        forgotten = 0
        for due in await self._due():
            forgotten += await self._forget(due)
        if forgotten:
            log.info("talks_forgotten", count=forgotten)
        return forgotten

    async def _due(self) -> Sequence[Due]:
        days = Agent.settings["retention_days"].astext.cast(Integer)
        before = func.now() - func.make_interval(0, 0, 0, days)
        query = select(Agent.workspace_id, Agent.id, Agent.forgot_before, before).where(
            days.is_not(None), or_(Agent.forgot_before.is_(None), Agent.forgot_before < before)
        )
        async with self._database.system() as session:
            return [Due(*row) for row in await session.execute(query)]

    async def _forget(self, due: Due) -> int:
        calls, chats, runs = await self._calls(due), await self._chats(due), await self._runs(due)
        for call_id in calls:
            for key in await self._blobs.list(recordings.folder(due.workspace_id, call_id)):
                await self._delete(key)
            await self._delete(recordings.wav_key(due.workspace_id, call_id))
            async with self._database.system() as session:
                await forget_call(session, due.workspace_id, call_id)
        for chat_id in chats:
            async with self._database.system() as session:
                await forget_chat(session, due.workspace_id, chat_id)
        for run_id in runs:
            await kept.delete(self._blobs, due.workspace_id, run_id)
            async with self._database.system() as session:
                await simulations.forget(session, run_id)
        if max(len(calls), len(chats), len(runs)) < AT_ONCE:
            async with self._database.system() as session:
                await _forget_logs(session, due)
                await _forget_tasks(session, due)
                await session.execute(
                    update(Agent).where(Agent.id == due.agent_id).values(forgot_before=due.before)
                )
        return len(calls) + len(chats) + len(runs)

    async def _delete(self, key: str) -> None:
        try:
            await self._blobs.delete(key)
        except NotFound:
            return

    async def _calls(self, due: Due) -> Sequence[UUID]:
        mine = Call.workspace_id == due.workspace_id, Call.agent_id == due.agent_id
        # One that was forgotten has no other party any more; one that still runs, or has not begun, is left alone.
        query = select(Call.id).where(*mine, Call.created_at < due.before, Call.ended_at < due.before)
        query = query.where(
            or_(Call.other_party != "", Call.transcript.is_not(None), Call.recording_key.is_not(None))
        )
        if due.since is not None:
            # One that waited for days, for hours of business or a limit, may have ended after its time had come.
            lately = due.since - timedelta(days=1)
            query = query.where(or_(Call.created_at >= lately, Call.ended_at >= lately))
        async with self._database.system() as session:
            return (await session.scalars(query.order_by(Call.created_at).limit(AT_ONCE))).all()

    async def _chats(self, due: Due) -> Sequence[str]:
        mine = Chat.workspace_id == due.workspace_id, Chat.agent_id == due.agent_id
        held = select(ChatMessage.seq).where(
            ChatMessage.workspace_id == Chat.workspace_id, ChatMessage.chat_id == Chat.id
        )
        query = select(Chat.id).where(*mine, Chat.created_at < due.before, held.exists())
        async with self._database.system() as session:
            return (await session.scalars(query.order_by(Chat.created_at).limit(AT_ONCE))).all()

    async def _runs(self, due: Due) -> Sequence[UUID]:
        async with self._database.system() as session:
            return await simulations.due(session, due.workspace_id, due.agent_id, due.before, AT_ONCE)


async def _forget_logs(session: AsyncSession, due: Due) -> None:
    """Delete what the agent's requests said: those of chats name no call."""
    mine = WebhookLog.workspace_id == due.workspace_id, WebhookLog.agent_id == due.agent_id
    await session.execute(delete(WebhookLog).where(*mine, WebhookLog.requested_at < due.before))


async def _forget_tasks(session: AsyncSession, due: Due) -> None:
    """Empty the tasks that became no call, of batches that were made long ago and place none any more."""
    mine = BatchTask.workspace_id == due.workspace_id, BatchTask.to_number != ""
    of_agent = func.coalesce(BatchTask.override_agent_id, BatchCall.agent_id) == due.agent_id
    over = BatchCall.status.in_((BatchStatus.COMPLETED, BatchStatus.CANCELED))
    statement = update(BatchTask).where(
        *mine,
        BatchTask.call_id.is_(None),
        BatchCall.id == BatchTask.batch_id,
        BatchCall.created_at < due.before,
        of_agent,
        over,
    )
    await session.execute(statement.values(_NOBODY))


async def forget_call(session: AsyncSession, workspace_id: UUID, call_id: UUID) -> None:
    """Delete what a call that is over holds of words and persons; its figures stay. System role."""
    call = (await session.scalars(select(Call).where(Call.id == call_id).with_for_update())).one()
    inbound = call.direction == Direction.INBOUND
    values: dict[str, Any] = {
        "name": "",
        "other_party": "",
        "number_from" if inbound else "number_to": "",
        "variables": {},
        "overrides": {},
        "sip_headers": None,
        "inbound_metadata": None,
        "transcript": None,
        "executed_actions": {},
        "collected_variables": {},
        "judge_results": _verdicts(call.judge_results),
        "end_detail": None,
        "recording_key": None,
        "recording_s": None,
    }
    await session.execute(update(Call).where(Call.id == call_id).values(values))
    await session.execute(delete(CallEvent).where(CallEvent.call_id == call_id))
    await session.execute(update(AfterCallStep).where(AfterCallStep.call_id == call_id).values(result=None))
    if call.batch_call_id is not None:
        batch = BatchTask.workspace_id == workspace_id, BatchTask.batch_id == call.batch_call_id
        await session.execute(update(BatchTask).where(*batch, BatchTask.call_id == call_id).values(_NOBODY))
    for table in (WebhookLog, WebhookDelivery):
        await session.execute(
            delete(table).where(table.workspace_id == workspace_id, table.call_id == call_id)
        )
    await _forget_talk(session, workspace_id, str(call_id))


async def forget_chat(session: AsyncSession, workspace_id: UUID, chat_id: str) -> None:
    """Delete a chat's words and variables. System role."""
    mine = ChatMessage.workspace_id == workspace_id, ChatMessage.chat_id == chat_id
    await session.execute(delete(ChatMessage).where(*mine))
    row = Chat.workspace_id == workspace_id, Chat.id == chat_id
    await session.execute(update(Chat).where(*row).values(variables={}, results={}))
    await _forget_talk(session, workspace_id, chat_id)


async def _forget_talk(session: AsyncSession, workspace_id: UUID, talk_id: str) -> None:
    """What was remembered of it, and the messages that went with it."""
    mine = Message.workspace_id == workspace_id, Message.talk_id == talk_id
    await session.execute(delete(Message).where(*mine))
    await forget_talk(session, workspace_id, talk_id)


def _verdicts(judged: dict[str, Any] | None) -> dict[str, Any] | None:
    """The judge's verdicts without what was said about them."""
    if judged is None:
        return None
    return {name: "" if name.endswith("feedback") else value for name, value in judged.items()}
