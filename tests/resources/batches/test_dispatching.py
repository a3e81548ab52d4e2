"""Tasks become calls: within limits, slots, hours; each once, whoever dies and however many look."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from tests.resources.api import Api
from tests.resources.batches.conftest import command, open_batch, people, read, tasks_of
from tests.resources.calls.conftest import attempts
from tests.resources.calls.rows import NUMBER, row
from trunkline.platform.storage import system
from trunkline.platform.storage.blobs import memory_blobs
from trunkline.resources import weekly_hours
from trunkline.resources.agents.models import Agent
from trunkline.resources.batches.models import BatchCall
from trunkline.resources.batches.tasks import BatchTasks
from trunkline.resources.calls.closing import end_call, locked
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.status import CallStatus
from trunkline.resources.calls.tasks import CallTasks
from trunkline.resources.workspaces.models import Workspace

LIMITS = "/trunkline/v1/workspace/limits"


async def end(api: Api, call_id: str, status: CallStatus = CallStatus.BUSY, **values: Any) -> None:
    async with api.database.system() as session:
        call = await locked(session, UUID(call_id))
        assert call is not None
        assert await end_call(session, call, status, **values)
        if call.host_id is not None:
            await system.heartbeat(session, call.host_id)  # as its host does every second


async def dispatched(api: Api, batch: Any) -> list[str]:
    """The ids of the batch's calls, in the order of its tasks."""
    return [task["call_id"] for task in await tasks_of(api, batch, status="dispatched")]


async def test_a_task_becomes_a_call_that_is_offered_at_once(api: Api, tasks: BatchTasks) -> None:
    await api.host()
    agent, other = await api.agent(agent={"timezone": "Asia/Tokyo"}), await api.agent()
    people_ = [
        {"to_phone_number": "+14155550001", "lead_name": "Ann", "lead_email": "ann@example.com"},
        {"to_phone_number": "+14155550002", "override_model_id": other, "custom_variables": {"a": 1}},
    ]
    batch = await open_batch(api, model_id=agent, tasks=people_)
    await tasks.look()
    first, second = [await row(api, call) for call in await dispatched(api, batch)]
    assert (first.status, first.host_id, first.direction) == ("pending", "host-1", "outbound")
    assert (first.name, first.number_from, first.number_to) == ("Ann", NUMBER, "+14155550001")
    assert (str(first.agent_id), first.timezone, first.overrides) == (
        agent,
        "Asia/Tokyo",
        {"lead_email": "ann@example.com"},
    )
    assert (str(second.agent_id), second.variables) == (other, {"a": 1})
    assert await attempts(api.database, first.id) == [(1, "pending")]
    assert await read(api, batch) == {
        **batch,
        "status": "in_progress",
        "dispatched_count": 2,
        "pending_count": 0,
    }
    listed = (await api.send("GET", "/v2/calls", params={"batch_call_id": batch["batch_call_id"]}))[
        "response"
    ]
    assert {call["call_id"] for call in listed["calls"]} == {str(first.id), str(second.id)}


async def test_it_is_completed_when_the_calls_are_over_and_shows_their_faults(
    api: Api, tasks: BatchTasks
) -> None:
    await api.host()
    batch = await open_batch(api)
    await tasks.look()
    first, second = await dispatched(api, batch)
    await end(api, first, CallStatus.FAILED, error_message="Telephony - 404 - Not Found")
    await tasks.look()
    assert (await read(api, batch))["status"] == "in_progress"
    await end(api, second)
    await tasks.look()
    shown = await read(api, batch)
    assert (shown["status"], shown["dispatched_count"], shown["failed_count"]) == ("completed", 2, 0)
    faults = [task["error_message"] for task in await tasks_of(api, batch)]
    assert faults == ["Telephony - 404 - Not Found", None]
    more = await open_batch(api, batch_call_id=batch["batch_call_id"], tasks=people(1, 7))
    assert more["status"] == "in_progress"
    await tasks.look()
    assert len(await dispatched(api, batch)) == 3


async def test_no_more_than_slots_and_the_rest_waits_without_end(api: Api, tasks: BatchTasks) -> None:
    await api.host(capacity=2)
    batch = await open_batch(api, 5)
    for _ in range(3):
        await tasks.look()
        assert len(await dispatched(api, batch)) == 2
    await end(api, (await dispatched(api, batch))[0])
    await tasks.look()
    assert len(await dispatched(api, batch)) == 3
    assert (await read(api, batch))["pending_count"] == 2


async def test_no_more_than_the_workspace_may_have(api: Api, tasks: BatchTasks) -> None:
    await api.host(capacity=50)
    await api.send("PUT", LIMITS, json={"concurrency": 3, "attempts_per_second": 1000})
    batch = await open_batch(api, 10)
    await tasks.look()
    assert len(await dispatched(api, batch)) == 3
    assert (await api.send("GET", LIMITS))["active"] == 3
    body = {"model_id": batch["model_id"], "phone": "+14155550001", "name": ""}
    assert (await api.client.post("/v2/calls", json=body)).status_code == 429
    await end(api, (await dispatched(api, batch))[0])
    await tasks.look()
    assert len(await dispatched(api, batch)) == 4


async def test_no_more_than_its_reserved_share(api: Api, tasks: BatchTasks) -> None:
    await api.host(capacity=50)
    await api.send("PUT", LIMITS, json={"attempts_per_second": 1000})
    batch, free = await open_batch(api, 5, reserved_concurrency=2), await open_batch(api, 5)
    await tasks.look()
    assert len(await dispatched(api, batch)) == 2
    assert len(await dispatched(api, free)) == 5
    await end(api, (await dispatched(api, batch))[0])
    await tasks.look()
    assert len(await dispatched(api, batch)) == 3


async def test_batches_take_turns(api: Api, tasks: BatchTasks) -> None:
    await api.host(capacity=4)
    first, second = await open_batch(api, 10), await open_batch(api, 10)
    await tasks.look()
    assert [len(await dispatched(api, batch)) for batch in (first, second)] == [2, 2]


async def test_what_is_scheduled_waits_for_its_time(api: Api, tasks: BatchTasks) -> None:
    await api.host()
    later = round((datetime.now(UTC) + timedelta(hours=1)).timestamp() * 1000)
    batch = await open_batch(api, trigger_timestamp=later)
    await tasks.look()
    assert (await read(api, batch))["status"] == "scheduled"
    async with api.database.system() as session:
        await session.execute(update(BatchCall).values(trigger_at=func.now()))
    await tasks.look()
    assert (await read(api, batch))["status"] == "in_progress"


async def test_people_are_called_only_in_the_hours_of_the_agents_zone(
    api: Api, tasks: BatchTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.host()
    asked: list[tuple[Any, str]] = []
    answers = iter([False, True, True])

    def opened(hours: Any, moment: datetime, zone: str) -> bool:
        assert abs(datetime.now(UTC) - moment) < timedelta(minutes=5)
        asked.append((hours, zone))
        return next(answers)

    monkeypatch.setattr(weekly_hours, "is_open", opened)
    hours = [{"weekday": "monday", "interval": [{"from": "09:00", "to": "17:00"}]}]
    agent = await api.agent(agent={"timezone": "America/New_York"})
    window = {"enable": True, "weekly_hours": hours}
    batch = await open_batch(api, model_id=agent, call_time_window=window)
    await tasks.look()
    assert (await read(api, batch))["status"] == "scheduled"
    await tasks.look()
    assert len(await dispatched(api, batch)) == 2
    assert asked == [(hours, "America/New_York")] * 3


async def test_a_pause_holds_back_what_is_not_dialled_and_cancel_hangs_nobody_up(
    api: Api, tasks: BatchTasks
) -> None:
    await api.host(capacity=1)
    batch = await open_batch(api, 3)
    await tasks.look()
    assert (await command(api, batch, "pause"))["status"] == "paused"
    await end(api, (await dispatched(api, batch))[0])
    await tasks.look()
    assert len(await dispatched(api, batch)) == 1
    assert (await command(api, batch, "resume"))["status"] == "in_progress"
    await tasks.look()
    assert len(await dispatched(api, batch)) == 2
    shown = await command(api, batch, "cancel")
    assert (shown["status"], shown["dispatched_count"], shown["pending_count"]) == ("canceled", 2, 0)
    assert (await row(api, (await dispatched(api, batch))[1])).status == "pending"
    await tasks.look()
    assert (await read(api, batch))["status"] == "canceled"


async def test_tasks_of_a_deleted_agent_fail_and_say_why(api: Api, tasks: BatchTasks) -> None:
    await api.host()
    gone, agent = await api.agent(), await api.agent()
    mixed = [{**people(1)[0], "override_model_id": gone}, people(1, 1)[0]]
    batch = await open_batch(api, model_id=agent, tasks=mixed)
    await api.send("DELETE", f"/v2/assistants/{gone}")
    await tasks.look()
    failed, placed = await tasks_of(api, batch)
    assert (failed["status"], failed["call_id"]) == ("failed", None)
    assert "deleted" in failed["error_message"]
    assert placed["status"] == "dispatched"
    assert (await read(api, batch))["failed_count"] == 1


async def test_what_a_parent_does_not_allow_waits(api: Api, tasks: BatchTasks) -> None:
    await api.host()
    batch = await open_batch(api)
    async with api.database.system() as session:
        await session.execute(update(Workspace).values(max_minutes=0))
    await tasks.look()
    assert (await read(api, batch))["pending_count"] == 2
    async with api.database.system() as session:
        await session.execute(update(Workspace).values(max_minutes=None, concurrency=1))
    await tasks.look()
    assert (await read(api, batch))["dispatched_count"] == 1


async def test_looks_of_many_workers_and_commands_race_and_nobody_is_called_twice(api: Api) -> None:
    await api.host(capacity=100)
    await api.send("PUT", LIMITS, json={"concurrency": 40, "attempts_per_second": 1000})
    batch = await open_batch(api, 60)
    workers = [BatchTasks(api.database, CallTasks(api.database, memory_blobs())) for _ in range(4)]
    await asyncio.gather(*(worker.look() for worker in workers), command(api, batch, "pause"))
    await command(api, batch, "resume")
    await asyncio.gather(*(worker.look() for worker in workers))
    calls = await dispatched(api, batch)
    assert len(calls) == len(set(calls)) == 40
    async with api.database.system() as session:
        assert await session.scalar(select(func.count()).select_from(Call)) == 40
        assert len(set(await session.scalars(select(Call.number_to)))) == 40
    assert (await api.send("GET", LIMITS))["active"] == 40


class Dies(CallTasks):
    """A worker that is killed between the stored call and its offer."""

    async def place(self, call_id: UUID, avoid: str | None = None) -> None:
        raise asyncio.CancelledError


async def test_a_worker_that_dies_leaves_each_task_with_one_call_or_none(api: Api, tasks: BatchTasks) -> None:
    await api.host(capacity=10)
    batch = await open_batch(api, 2)
    dying = Dies(api.database, memory_blobs())
    with pytest.raises(asyncio.CancelledError):
        await BatchTasks(api.database, dying).look()
    (call,) = await dispatched(api, batch)
    assert (await row(api, call)).status == "queue"
    await CallTasks(api.database, memory_blobs()).look()  # as every second, in whichever worker lives
    await tasks.look()
    calls = await dispatched(api, batch)
    assert calls[0] == call
    assert len(calls) == 2
    for each in calls:
        assert await attempts(api.database, UUID(each)) == [(1, "pending")]


async def test_a_call_that_lost_its_slot_waits_a_minute_and_fails(api: Api, tasks: BatchTasks) -> None:
    await api.host(capacity=1)
    batch = await open_batch(api, 1)
    with pytest.raises(asyncio.CancelledError):
        await BatchTasks(api.database, Dies(api.database, memory_blobs())).look()
    await api.host(capacity=0)
    async with api.database.system() as session:
        await session.execute(update(Call).values(created_at=func.now() - timedelta(seconds=61)))
    await CallTasks(api.database, memory_blobs()).look()
    (task,) = await tasks_of(api, batch)
    assert task["status"] == "dispatched"
    assert "TRUNKLINE_MAX_CALLS" in task["error_message"]
    assert (await api.send("GET", LIMITS))["active"] == 0
    await tasks.look()
    assert (await read(api, batch))["status"] == "completed"


async def test_the_agents_row_is_read_from_its_own_workspace(
    api: Api, stranger: Api, tasks: BatchTasks
) -> None:
    await api.host(capacity=10)
    batch = await open_batch(api, 1)
    theirs = await open_batch(stranger, 1, from_phone_number=await stranger.number("+14155550199"))
    await tasks.look()
    (call,), (foreign,) = await dispatched(api, batch), await dispatched(stranger, theirs)
    assert (await row(api, call)).workspace_id == api.workspace.id
    assert (await row(stranger, foreign)).workspace_id == stranger.workspace.id
    async with api.database.system() as session:
        agents = dict((await session.execute(select(Agent.id, Agent.workspace_id))).all())
    assert agents[(await row(stranger, foreign)).agent_id] == stranger.workspace.id
