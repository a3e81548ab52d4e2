"""What a host writes down of a call while it is on, and at its end."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update

from tests.resources.calls.conftest import AddHost, active, ring, stored
from trunkline.platform.storage.database import Database
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.closing import Recording
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.calls.models import Call, CallEvent
from trunkline.voice.conversation.events import Kind, Note

SAID = [
    Note(0, Kind.STARTED, {}),
    Note(
        900,
        Kind.AGENT_SAID,
        {"text": "Good morning.", "reply": 1, "start_ms": 0, "end_ms": 900, "cut": False},
    ),
    Note(1000, Kind.MODEL, {"model": "small"}),
    Note(2000, Kind.CALLER_SAID, {"text": "Hello.", "segments": [1], "start_ms": 1100, "end_ms": 2000}),
    Note(2100, Kind.TURN, {"turn": 1, "t0_ms": 2000}),
]
ENDED = Note(4600, Kind.ENDED, {"reason": "human_ended", "detail": ""})


async def seqs(database: Database, call_id: UUID) -> list[int]:
    query = select(CallEvent.seq).where(CallEvent.call_id == call_id).order_by(CallEvent.seq)
    async with database.system() as session:
        return list(await session.scalars(query))


async def test_notes_are_stored_once_whoever_sends_them_again(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    plan = await ring(live, host)
    assert await live.append(plan.workspace_id, plan.call_id, 0, SAID[:3])
    assert await live.append(plan.workspace_id, plan.call_id, 1, SAID[1:])
    assert await seqs(database, plan.call_id) == [0, 1, 2, 3, 4]
    async with database.system() as session:
        events = (await session.scalars(select(CallEvent).order_by(CallEvent.seq))).all()
    assert [Note(event.at_ms, event.kind, event.data) for event in events] == SAID


async def test_a_closed_or_unknown_call_takes_no_notes(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    plan = await ring(live, host)
    await live.answered(plan.call_id)
    await live.finish(plan.call_id, fault="over")
    assert not await live.append(plan.workspace_id, plan.call_id, 0, SAID)
    assert await seqs(database, plan.call_id) == []
    assert not await live.append(plan.workspace_id, uuid4(), 0, SAID)


async def test_words_that_json_cannot_hold_are_cleaned(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    plan = await ring(live, host)
    bad = Note(0, Kind.CALLER_SAID, {"text": "a\0b \ud800", "more": [{"x\0": ("\0", float("nan"), host)}]})
    assert await live.append(plan.workspace_id, plan.call_id, 0, [bad])
    async with database.system() as session:
        event = (await session.scalars(select(CallEvent))).one()
    assert event.data == {"text": "ab ?", "more": [{"x": ["", None, str(host)]}]}


async def test_finish_stores_the_whole_record_and_frees_the_slot(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    plan = await ring(live, host)
    await live.answered(plan.call_id)
    async with database.system() as session:
        await session.execute(update(Call).values(answered_at=func.now() - timedelta(seconds=9)))
    await live.append(plan.workspace_id, plan.call_id, 0, [*SAID, ENDED])
    assert await live.finish(plan.call_id, recording=Recording("recordings/x.wav", 4.6))
    call = await stored(database, plan.call_id)
    assert (call.status, call.end_reason, call.error_message) == ("completed", "human_ended_call", None)
    assert call.transcript == "\nbot: Good morning.\nhuman: Hello."
    assert (call.models, call.ledger) == (["small"], [{"turn": 1, "t0_ms": 2000}])
    assert (call.hangup_by, call.disconnect_reason) == ("caller", "caller_hangup")
    assert (call.recording_key, call.recording_s) == ("recordings/x.wav", 4.6)
    assert call.answered_at is not None
    assert call.ended_at == call.answered_at + timedelta(milliseconds=4600)
    assert call.duration_s == 5
    assert call.started_at is not None
    assert call.telephony_ms == round((call.ended_at - call.started_at).total_seconds() * 1000)
    assert call.agents_used == [str(agent.id)]
    assert await active(database, host) == 0
    assert not await live.finish(plan.call_id), "once"
    assert await active(database, host) == 0


async def test_an_answer_that_was_told_late_puts_no_end_into_the_future(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    plan = await ring(live, host)
    await live.answered(plan.call_id)
    await live.append(plan.workspace_id, plan.call_id, 0, [Note(3_600_000, Kind.ENDED, {"reason": "idle"})])
    await live.finish(plan.call_id)
    call = await stored(database, plan.call_id)
    assert call.duration_s == 3600
    assert call.ended_at is not None
    assert call.ended_at < datetime.now(UTC) + timedelta(seconds=5)


async def test_a_note_is_in_the_record_or_refused_whoever_closes_meanwhile(
    live: LiveCalls, database: Database, agent: Agent, add_host: AddHost
) -> None:
    host = await add_host(20)
    for turn in range(10):
        plan = await ring(live, host)
        await live.answered(plan.call_id)
        racers = [live.append(plan.workspace_id, plan.call_id, 0, SAID), live.finish(plan.call_id, fault="x")]
        outcome = await asyncio.gather(*(racers if turn % 2 else reversed(racers)))
        accepted = outcome[0 if turn % 2 else 1]
        assert ((await stored(database, plan.call_id)).transcript is not None) == accepted


@pytest.mark.parametrize(
    ("reason", "status", "rest"),
    [
        ("agent_ended", "completed", "agent_ended_call"),
        ("idle", "completed", "timeout"),
        ("max_duration", "completed", "timeout"),
        ("user_canceled", "user-canceled", "user_canceled"),
        ("error", "failed", "error"),
        ("line_lost", "failed", "error"),
        ("voicemail", "hangup_on_voicemail", "voicemail"),
        ("voicemail_left", "left_voicemail", "voicemail_message_left"),
        ("voicemail_cut_off", "left_voicemail", "voicemail_cut_off"),
    ],
)
async def test_how_it_ended_decides_the_status(
    live: LiveCalls, database: Database, agent: Agent, host: UUID, reason: str, status: str, rest: str
) -> None:
    plan = await ring(live, host)
    await live.answered(plan.call_id)
    await live.append(
        plan.workspace_id, plan.call_id, 0, [Note(100, Kind.ENDED, {"reason": reason, "detail": ""})]
    )
    await live.finish(plan.call_id)
    call = await stored(database, plan.call_id)
    assert (call.status, call.end_reason) == (status, rest)
    assert (call.error_message is None) == (status != "failed")
    assert call.transcript is None


async def test_a_fault_of_the_host_fails_the_call_but_keeps_what_was_said(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    plan = await ring(live, host)
    await live.answered(plan.call_id)
    await live.append(plan.workspace_id, plan.call_id, 0, SAID)
    await live.finish(plan.call_id, fault="The speech model broke.")
    call = await stored(database, plan.call_id)
    assert (call.status, call.end_reason, call.error_message) == (
        "failed",
        "error",
        "The speech model broke.",
    )
    assert call.transcript == "\nbot: Good morning.\nhuman: Hello."


async def test_a_caller_who_gives_up_while_it_rings_canceled(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    plan = await ring(live, host)
    assert await live.finish(plan.call_id)
    assert (await stored(database, plan.call_id)).status == "canceled"
    assert await active(database, host) == 0
    assert not await live.answered(plan.call_id), "a call that is closed cannot be answered"


async def test_notes_that_come_after_the_end_join_the_record_but_not_the_end(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    plan = await ring(live, host)
    await live.answered(plan.call_id)
    await live.append(plan.workspace_id, plan.call_id, 0, SAID[:2])
    await live.finish(plan.call_id, fault="the host was not heard from")
    before = await stored(database, plan.call_id)
    await live.append_late(plan.workspace_id, plan.call_id, 1, [*SAID[1:], ENDED])
    after = await stored(database, plan.call_id)
    assert after.transcript == "\nbot: Good morning.\nhuman: Hello."
    assert (after.status, after.error_message) == (before.status, before.error_message)
    assert (after.ended_at, after.end_reason) == (before.ended_at, before.end_reason)
    await live.append_late(plan.workspace_id, uuid4(), 0, SAID)  # nobody's: said in the log, no error
