"""Placing calls and closing those of dead hosts, on the real database."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from tests.resources.calls.conftest import AddHost, active, attempts, offer, outbound, stored
from trunkline.errors import Unavailable
from trunkline.platform.storage import system
from trunkline.platform.storage.blobs import Blobs, memory_blobs
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.work.wakeups import Wakeups
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls import recordings
from trunkline.resources.calls import tasks as module
from trunkline.resources.calls.live import OFFERS, LiveCalls
from trunkline.resources.calls.models import Call, CallAttempt
from trunkline.resources.calls.tasks import CallTasks
from trunkline.voice.conversation.events import Kind, Note

RATE = 8000


@pytest.fixture
def blobs() -> Blobs:
    return memory_blobs()


@pytest.fixture
def tasks(database: Database, blobs: Blobs) -> CallTasks:
    return CallTasks(database, blobs)


async def place(tasks: CallTasks, agent: Agent, call: UUID) -> None:
    await tasks.place_call(str(call), str(agent.workspace_id))


async def age(database: Database, seconds: float) -> None:
    """Everything accepted or offered was so this much earlier."""
    past = datetime.now(UTC) - timedelta(seconds=seconds)
    async with database.system() as session:
        await session.execute(update(Call).values(created_at=past))
        await session.execute(update(CallAttempt).values(created_at=past))


async def lose(database: Database, host: UUID) -> None:
    """The host's row is gone, as after an orderly stop or a burial."""
    async with database.system() as session:
        await system.remove_nodes(session, [str(host)])


# ---- placing -------------------------------------------------------------------------------------------


async def test_an_accepted_call_is_offered_to_the_host_with_most_room_and_wakes_it(
    tasks: CallTasks, database: Database, postgres: EmbeddedPostgres, agent: Agent, add_host: AddHost
) -> None:
    full, roomy = await add_host(1), await add_host(5)
    async with database.system() as session:
        assert await system.take_slot(session, str(full))
    heard: asyncio.Queue[str | None] = asyncio.Queue()
    wakeups = Wakeups(postgres.app_url)
    wakeups.listen(OFFERS, heard.put_nowait)
    listening = asyncio.create_task(wakeups.run())
    async with asyncio.timeout(10):
        assert await heard.get() is None  # connected
        call = await outbound(database, agent)
        await place(tasks, agent, call)
        assert await heard.get() == str(roomy)
    listening.cancel()
    assert await attempts(database, call) == [(1, "pending")]
    assert await active(database, roomy) == 1
    row = await stored(database, call)
    assert (row.status, row.host_id) == ("pending", str(roomy))


async def test_the_job_may_run_again_and_at_once_without_a_second_offer(
    tasks: CallTasks, database: Database, agent: Agent, host: UUID
) -> None:
    call = await outbound(database, agent)
    await asyncio.gather(*(place(tasks, agent, call) for _ in range(4)))
    assert await attempts(database, call) == [(1, "pending")]
    assert await active(database, host) == 1


async def test_a_call_that_is_over_is_not_placed(
    tasks: CallTasks, database: Database, agent: Agent, host: UUID
) -> None:
    for status in ("canceled", "in-progress", "paused", "completed"):
        call = await outbound(database, agent, status=status)
        await place(tasks, agent, call)
        assert await attempts(database, call) == []
    await place(tasks, agent, uuid4())


async def test_without_a_slot_it_waits_as_queue_and_goes_when_there_is_one(
    tasks: CallTasks, database: Database, agent: Agent, add_host: AddHost
) -> None:
    host = await add_host(1)
    async with database.system() as session:
        await system.take_slot(session, str(host))
    call = await outbound(database, agent)
    await place(tasks, agent, call)
    assert (await stored(database, call)).status == "queue"
    await tasks.look()
    assert (await stored(database, call)).status == "queue"
    async with database.system() as session:
        await system.release_slot(session, str(host))
    await tasks.look()
    assert (await stored(database, call)).status == "pending"
    assert await attempts(database, call) == [(1, "pending")]


async def test_after_a_minute_without_a_slot_it_fails_and_says_what_to_do(
    tasks: CallTasks, database: Database, agent: Agent
) -> None:
    call = await outbound(database, agent)
    await place(tasks, agent, call)
    await age(database, 61)
    await tasks.look()
    row = await stored(database, call)
    assert row.status == "failed"
    assert "TRUNKLINE_MAX_CALLS" in (row.error_message or "")
    assert row.ended_at is not None


async def test_a_job_that_comes_late_still_makes_its_first_offer(
    tasks: CallTasks, database: Database, agent: Agent, host: UUID
) -> None:
    call = await outbound(database, agent)
    await age(database, 600)
    await place(tasks, agent, call)
    assert await attempts(database, call) == [(1, "pending")]


# ---- offers that nobody takes --------------------------------------------------------------------------


async def test_an_unclaimed_offer_is_revoked_and_made_anew(
    tasks: CallTasks, database: Database, live: LiveCalls, agent: Agent, host: UUID
) -> None:
    call = await outbound(database, agent)
    await place(tasks, agent, call)
    await tasks.look()
    assert await attempts(database, call) == [(1, "pending")], "three seconds have not passed"
    await age(database, 4)
    await tasks.look()
    assert await attempts(database, call) == [(1, "revoked"), (2, "pending")]
    assert await active(database, host) == 1
    assert await live.claim(call, 1, host) is None
    assert await live.claim(call, 2, host) is not None


async def test_a_revoked_offer_goes_to_another_host_first(
    tasks: CallTasks, database: Database, live: LiveCalls, agent: Agent, add_host: AddHost
) -> None:
    silent = await add_host(50)
    call = await outbound(database, agent)
    await place(tasks, agent, call)
    other = await add_host(1)
    await age(database, 4)
    await tasks.look()
    assert await live.pending_attempts(silent) == []
    assert await live.pending_attempts(other) == [(call, 2)]


async def test_an_offer_that_is_claimed_is_left_alone(
    tasks: CallTasks, database: Database, live: LiveCalls, agent: Agent, host: UUID
) -> None:
    call = await outbound(database, agent)
    await place(tasks, agent, call)
    await age(database, 4)
    assert await live.claim(call, 1, host) is not None
    await tasks.look()
    assert await attempts(database, call) == [(1, "dialling")]


async def test_looking_and_claiming_race_and_the_call_is_never_dialled_twice(
    tasks: CallTasks,
    database: Database,
    live: LiveCalls,
    agent: Agent,
    add_host: AddHost,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CLAIM_SECONDS", 30.0)  # a new offer never grows old while this runs
    host = await add_host(50)
    for turn in range(15):
        call = await outbound(database, agent)
        await offer(database, call, host)
        await age(database, 40)
        racers = [live.claim(call, 1, host), tasks.look(), tasks.look()]
        outcome = await asyncio.gather(*(racers if turn % 2 else reversed(racers)))
        claimed = any(plan is not None for plan in outcome)
        states = await attempts(database, call)
        assert states == ([(1, "dialling")] if claimed else [(1, "revoked"), (2, "pending")])
        if not claimed:
            assert await live.claim(call, 2, host) is not None
        await live.dial_failed(call, 1 if claimed else 2, "busy", 486, "Busy Here")
    assert await active(database, host) == 0


async def test_an_offer_refused_for_a_minute_fails(
    tasks: CallTasks, database: Database, agent: Agent, host: UUID
) -> None:
    call = await outbound(database, agent)
    await place(tasks, agent, call)
    await age(database, 61)
    await tasks.look()
    assert (await stored(database, call)).status == "failed"
    assert await attempts(database, call) == [(1, "revoked")]
    assert await active(database, host) == 0


# ---- dead hosts ----------------------------------------------------------------------------------------


async def test_a_host_that_died_between_claim_and_invite_fails_the_call_and_nobody_dials_again(
    tasks: CallTasks, database: Database, live: LiveCalls, agent: Agent, add_host: AddHost
) -> None:
    host, _other = await add_host(), await add_host()
    call = await outbound(database, agent)
    await offer(database, call, host)
    assert await live.claim(call, 1, host) is not None
    await tasks.close_calls_of_dead_hosts([str(host)])
    await lose(database, host)
    await age(database, 10)
    await tasks.look()
    await place(tasks, agent, call)
    row = await stored(database, call)
    assert row.status == "failed"
    assert "not placed again" in (row.error_message or "")
    assert await attempts(database, call) == [(1, "failed")]


async def test_what_a_dead_host_was_offered_and_had_not_claimed_goes_to_another(
    tasks: CallTasks, database: Database, live: LiveCalls, agent: Agent, add_host: AddHost
) -> None:
    dead = await add_host()
    call = await outbound(database, agent)
    await offer(database, call, dead)
    await lose(database, dead)
    other = await add_host()
    await tasks.close_calls_of_dead_hosts([str(dead)])
    assert await attempts(database, call) == [(1, "revoked"), (2, "pending")]
    assert await live.pending_attempts(other) == [(call, 2)]


async def hold(live: LiveCalls, blobs: Blobs, agent: Agent, host: UUID, seconds: int = 2) -> UUID:
    """A call in progress with words and sound."""
    plan = await live.open_inbound(
        dialled=agent.phone_number, caller="+15550199", host=host, sip_call_id="x", headers={}
    )
    await live.answered(plan.call_id)
    said = [
        Note(900, Kind.AGENT_SAID, {"text": "Good morning."}),
        Note(2000, Kind.CALLER_SAID, {"text": "I would like"}),
    ]
    await live.append(plan.workspace_id, plan.call_id, 0, said)
    for n in range(seconds):
        key = recordings.chunk_key(plan.workspace_id, plan.call_id, n, RATE)
        await blobs.put(key, b"\1\0\2\0" * RATE)
    return plan.call_id


async def test_a_dead_hosts_calls_close_as_failed_with_what_was_heard(
    tasks: CallTasks, database: Database, live: LiveCalls, blobs: Blobs, agent: Agent, add_host: AddHost
) -> None:
    dead, other = await add_host(), await add_host()
    lost, kept = await hold(live, blobs, agent, dead), await hold(live, blobs, agent, other)
    for _ in range(2):  # the reaper may come twice
        await tasks.close_calls_of_dead_hosts([str(dead)])
    row = await stored(database, lost)
    assert (row.status, row.end_reason, row.disconnect_reason) == ("failed", "error", "error")
    assert "stopped in mid-call" in (row.error_message or "")
    assert row.transcript == "\nbot: Good morning.\nhuman: I would like"
    assert (row.duration_s, row.recording_s) == (2, 2.0)
    assert row.recording_key is not None
    assert await blobs.size(row.recording_key) == 44 + 2 * RATE * 4
    assert (await stored(database, kept)).status == "in-progress"
    assert await active(database, other) == 1


async def test_calls_of_a_host_that_left_without_a_word_are_found(
    tasks: CallTasks, database: Database, live: LiveCalls, blobs: Blobs, agent: Agent, host: UUID
) -> None:
    call = await hold(live, blobs, agent, host)
    await tasks.look()
    assert (await stored(database, call)).status == "in-progress"
    await lose(database, host)
    await tasks.look()
    assert (await stored(database, call)).status == "failed"


async def test_while_recordings_are_away_the_others_are_closed_and_it_is_told(
    tasks: CallTasks,
    database: Database,
    live: LiveCalls,
    blobs: Blobs,
    agent: Agent,
    host: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = await hold(live, blobs, agent, host)
    second = await hold(live, blobs, agent, host, seconds=0)
    keep = blobs.put

    async def away(key: str, data: bytes | Path) -> None:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(blobs, "put", away)
    with pytest.raises(Unavailable):
        await tasks.close_calls_of_dead_hosts([str(host)])
    assert (await stored(database, first)).status == "in-progress"
    assert (await stored(database, second)).status == "failed"
    monkeypatch.setattr(blobs, "put", keep)
    await tasks.close_calls_of_dead_hosts([str(host)])
    assert (await stored(database, first)).recording_s == 2.0


async def test_the_calls_of_a_host_add_up_however_they_end(
    tasks: CallTasks, database: Database, live: LiveCalls, blobs: Blobs, agent: Agent, add_host: AddHost
) -> None:
    host = await add_host(10)
    await hold(live, blobs, agent, host)
    busy = await outbound(database, agent)
    await place(tasks, agent, busy)
    assert await live.claim(busy, 1, host)
    await live.dial_failed(busy, 1, "busy", 486, "Busy Here")
    unclaimed = await outbound(database, agent)
    await place(tasks, agent, unclaimed)
    await age(database, 4)
    await tasks.look()
    assert await active(database, host) == 2
