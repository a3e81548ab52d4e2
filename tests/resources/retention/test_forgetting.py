"""What is old is forgotten, and nothing else; on the real database."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from tests.resources.calls.conftest import ring, stored
from tests.resources.calls.test_live_record import ENDED, SAID
from trunkline.platform.storage.blobs import Blobs, memory_blobs
from trunkline.platform.storage.database import Database
from trunkline.resources.agents.models import Agent
from trunkline.resources.batches.models import BatchCall, BatchTask
from trunkline.resources.calls import recordings
from trunkline.resources.calls.closing import Recording
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.calls.models import Call, CallEvent
from trunkline.resources.chats.models import Chat, ChatMessage
from trunkline.resources.contacts.models import Contact
from trunkline.resources.memory.models import Memory, MemoryFact, MemoryStore, MemoryTalk
from trunkline.resources.retention import forgetting
from trunkline.resources.retention.forgetting import Retention
from trunkline.resources.webhooks.models import WebhookLog
from trunkline.resources.webhooks.record import Delivery, record


@pytest.fixture
def blobs() -> Blobs:
    return memory_blobs()


@pytest.fixture
def retention(database: Database, blobs: Blobs) -> Retention:
    return Retention(database, blobs)


async def keeps(database: Database, agent: Agent, days: int | None) -> None:
    async with database.workspace(agent.workspace_id) as session:
        settings = {**agent.settings, **({} if days is None else {"retention_days": days})}
        await session.execute(update(Agent).where(Agent.id == agent.id).values(settings=settings))


async def old_call(
    database: Database, live: LiveCalls, agent: Agent, host: UUID, blobs: Blobs, days: float
) -> UUID:
    """A call with all there is of one, of so many days ago."""
    plan = await ring(live, host)
    await live.answered(plan.call_id)
    await live.append(agent.workspace_id, plan.call_id, 0, [*SAID, ENDED])
    key = recordings.wav_key(agent.workspace_id, plan.call_id)
    await blobs.put(key, b"sound")
    await live.finish(plan.call_id, recording=Recording(key, 1.0))
    sent = Delivery(
        "custom_action",
        "POST",
        "https://example.com/",
        {},
        b"{}",
        datetime.now(UTC),
        None,
        call_id=plan.call_id,
    )
    judged = {"goal": "true", "goal_feedback": "Said Hello.", "all_feedback": "Hello."}
    async with database.workspace(agent.workspace_id) as session:
        await record(session, agent.workspace_id, sent)
        values: dict[str, Any] = {
            "created_at": datetime.now(UTC) - timedelta(days=days),
            "ended_at": datetime.now(UTC) - timedelta(days=days),
            "judge_results": judged,
            "name": "Ann",
            "variables": {"mail": "a@b.co"},
        }
        await session.execute(update(Call).where(Call.id == plan.call_id).values(values))
    return plan.call_id


async def counted(database: Database, table: Any) -> int:
    async with database.system() as session:
        return (await session.execute(select(func.count()).select_from(table))).scalar_one()


async def test_an_old_call_keeps_its_figures_only(
    live: LiveCalls, database: Database, agent: Agent, host: UUID, blobs: Blobs, retention: Retention
) -> None:
    await keeps(database, agent, 30)
    call_id = await old_call(database, live, agent, host, blobs, 31)
    assert await retention.forget() == 1
    call = await stored(database, call_id)
    assert (call.other_party, call.number_from, call.name, call.variables) == ("", "", "", {})
    assert (call.transcript, call.executed_actions, call.sip_headers) == (None, {}, None)
    assert (call.recording_key, call.status, call.end_reason) == (None, "completed", "human_ended_call")
    assert call.judge_results == {"goal": "true", "goal_feedback": "", "all_feedback": ""}
    assert call.number_to != "" and call.duration_s is not None
    assert await counted(database, CallEvent) == await counted(database, WebhookLog) == 0
    assert not await blobs.exists(recordings.wav_key(agent.workspace_id, call_id))
    assert await retention.forget() == 0


@pytest.mark.parametrize(("days", "age"), [(30, 29.0), (None, 400.0)], ids=["young", "kept for ever"])
async def test_what_is_young_or_kept_stays(
    live: LiveCalls, database: Database, agent: Agent, host: UUID,
    blobs: Blobs, retention: Retention, days: int | None, age: float,
) -> None:  # fmt: skip
    await keeps(database, agent, days)
    call_id = await old_call(database, live, agent, host, blobs, age)
    assert await retention.forget() == 0
    assert (await stored(database, call_id)).transcript is not None


async def test_a_shorter_time_reaches_calls_of_before_and_a_call_that_runs_is_left(
    live: LiveCalls, database: Database, agent: Agent, host: UUID, blobs: Blobs, retention: Retention
) -> None:
    await keeps(database, agent, 30)
    call_id = await old_call(database, live, agent, host, blobs, 10)
    running = (await ring(live, host)).call_id
    async with database.workspace(agent.workspace_id) as session:
        long_ago = datetime.now(UTC) - timedelta(days=40)
        await session.execute(update(Call).where(Call.id == running).values(created_at=long_ago))
    assert await retention.forget() == 0
    await keeps(database, agent, 7)
    assert await retention.forget() == 1
    assert (await stored(database, call_id)).transcript is None
    assert (await stored(database, running)).other_party == "+15550199"


async def test_many_go_in_rounds(
    live: LiveCalls, database: Database, agent: Agent, host: UUID,
    blobs: Blobs, retention: Retention, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(forgetting, "AT_ONCE", 2)
    await keeps(database, agent, 1)
    for _ in range(3):
        await old_call(database, live, agent, host, blobs, 5)
    assert [await retention.forget() for _ in range(3)] == [2, 1, 0]


async def test_a_chat_and_what_was_remembered_of_it_go_too(
    database: Database, agent: Agent, retention: Retention
) -> None:
    await keeps(database, agent, 30)
    long_ago, owner = datetime.now(UTC) - timedelta(days=40), agent.workspace_id
    async with database.workspace(owner) as session:
        session.add(
            Chat(
                workspace_id=owner,
                id="c1",
                agent_id=agent.id,
                status="completed",
                variables={"a": "b"},
                results={},
                created_at=long_ago,
            )
        )
        store = MemoryStore(workspace_id=owner, title="T")
        contact = Contact(workspace_id=owner, phone_number="+14155550134", name="Ann")
        session.add_all([store, contact])
        await session.flush()
        session.add(
            ChatMessage(
                workspace_id=owner,
                chat_id="c1",
                seq=1,
                turn=1,
                message={"role": "user", "content": "Hello"},
                created_at=long_ago,
            )
        )
        place = {"workspace_id": owner, "memory_store_id": store.id, "contact_id": contact.id}
        session.add(Memory(**place, memory="Likes tea."))
        await session.flush()
        session.add(MemoryTalk(**place, source="c1", upto=1))
        await session.flush()
        session.add(MemoryFact(**place, source="c1", said_at=long_ago, text="Likes tea."))
    assert await retention.forget() == 1
    assert await counted(database, ChatMessage) == await counted(database, MemoryFact) == 0
    async with database.system() as session:
        assert (await session.scalars(select(Memory.memory))).all() == [""]
        assert (await session.scalars(select(Chat.variables))).all() == [{}]


async def test_a_call_that_waited_for_days_is_forgotten_by_its_end(
    live: LiveCalls, database: Database, agent: Agent, host: UUID, blobs: Blobs, retention: Retention
) -> None:
    await keeps(database, agent, 2)
    call_id = await old_call(database, live, agent, host, blobs, 9)
    now = datetime.now(UTC)
    for ended, forgotten in ((timedelta(days=1), 0), (timedelta(days=2, minutes=5), 1)):
        async with database.workspace(agent.workspace_id) as session:
            last_round = now - timedelta(days=2, minutes=10)
            await session.execute(update(Agent).values(forgot_before=last_round))
            await session.execute(update(Call).where(Call.id == call_id).values(ended_at=now - ended))
        assert await retention.forget() == forgotten
    assert (await stored(database, call_id)).transcript is None


async def test_old_requests_of_chats_go_too(database: Database, agent: Agent, retention: Retention) -> None:
    await keeps(database, agent, 30)
    async with database.workspace(agent.workspace_id) as session:
        for days in (31, 29):
            at = datetime.now(UTC) - timedelta(days=days)
            sent = Delivery(
                "custom_action", "POST", "https://example.com/", {}, b"{}", at, None, agent_id=agent.id
            )
            await record(session, agent.workspace_id, sent)
    await retention.forget()
    assert await counted(database, WebhookLog) == 1


async def batch(database: Database, agent: Agent, status: str, days: float) -> UUID:
    """A batch of so many days ago."""
    made = BatchCall(
        workspace_id=agent.workspace_id,
        agent_id=agent.id,
        name="Reminders",
        from_number="+14155550100",
        status=status,
        created_at=datetime.now(UTC) - timedelta(days=days),
    )
    async with database.workspace(agent.workspace_id) as session:
        session.add(made)
    return made.id


async def task(database: Database, agent: Agent, of: UUID, status: str, **columns: Any) -> None:
    row = BatchTask(
        workspace_id=agent.workspace_id,
        batch_id=of,
        task_id=status,
        to_number="+14155550134",
        lead_name="Ann",
        lead_email="a@b.co",
        variables={"mail": "a@b.co"},
        status=status,
        **columns,
    )
    async with database.workspace(agent.workspace_id) as session:
        session.add(row)


async def whom(database: Database) -> dict[str, tuple[Any, ...]]:
    """What the tasks of batches say of persons."""
    async with database.system() as session:
        rows = await session.scalars(select(BatchTask).order_by(BatchTask.seq))
        return {
            each.task_id: (each.to_number, each.lead_name, each.lead_email, each.variables) for each in rows
        }


async def test_the_task_of_a_call_is_forgotten_with_it(
    live: LiveCalls, database: Database, agent: Agent, host: UUID, blobs: Blobs, retention: Retention
) -> None:
    await keeps(database, agent, 30)
    call_id = await old_call(database, live, agent, host, blobs, 31)
    of = await batch(database, agent, "in_progress", 31)
    async with database.system() as session:
        await session.execute(update(Call).where(Call.id == call_id).values(batch_call_id=of))
    await task(database, agent, of, "dispatched", call_id=call_id)
    await task(database, agent, of, "pending")
    await retention.forget()
    rest = await whom(database)
    assert rest["dispatched"] == ("", "", None, {})
    assert rest["pending"][0] == "+14155550134", "it is still to be called"


@pytest.mark.parametrize(
    ("status", "days", "forgotten"),
    [("canceled", 31, True), ("completed", 31, True), ("paused", 31, False), ("canceled", 29, False)],
)
async def test_tasks_that_became_no_call_go_with_their_batch_when_it_is_over(
    database: Database, agent: Agent, retention: Retention, status: str, days: int, forgotten: bool
) -> None:
    await keeps(database, agent, 30)
    await task(database, agent, await batch(database, agent, status, days), "failed")
    await retention.forget()
    assert ((await whom(database))["failed"] == ("", "", None, {})) is forgotten
