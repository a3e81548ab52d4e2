"""`/v2/calls/batch`, rule by rule; nobody is called here."""

from typing import Any
from uuid import uuid4

import pytest

from tests.resources.api import Api
from tests.resources.batches.conftest import PATH, command, open_batch, people, read, tasks_of
from tests.resources.calls.rows import NUMBER
from tests.resources.contract import contract

BATCH = "/calls/batch/{batch_call_id}"


async def test_a_batch_is_opened_and_read_in_the_contracts_form(api: Api) -> None:
    await api.number(NUMBER)
    agent = await api.agent()
    person = {
        "id": "first",
        "to_phone_number": "+14155550001",
        "lead_name": "Ann",
        "lead_email": "ann@example.com",
        "custom_variables": {"plan": "gold"},
        "override_model_id": await api.agent(),
    }
    body = {
        "name": "Spring",
        "model_id": agent,
        "from_phone_number": NUMBER,
        "tasks": [person, {"to_phone_number": "sip:bob@example.com"}],
        "unknown": 1,
    }
    made = await api.send("POST", PATH, json=body)
    assert contract.faults(made, contract.answer_schema("POST", "/calls/batch", 200)) == []
    batch = made["response"]
    assert batch == {
        "batch_call_id": batch["batch_call_id"],
        "name": "Spring",
        "status": "scheduled",
        "model_id": agent,
        "from_phone_number": NUMBER,
        "total_task_count": 2,
        "dispatched_count": 0,
        "failed_count": 0,
        "pending_count": 2,
        "created_at": batch["created_at"],
    }
    assert batch["created_at"].endswith(("Z", "+00:00"))
    path = f"{PATH}/{batch['batch_call_id']}"
    shown = await api.send("GET", path)
    assert contract.faults(shown, contract.answer_schema("GET", BATCH, 200)) == []
    assert shown["response"] == batch
    listed = await api.send("GET", PATH)
    assert contract.faults(listed, contract.answer_schema("GET", "/calls/batch", 200)) == []
    assert listed["response"]["batch_calls"] == [batch]
    found = await api.send("GET", f"{path}/tasks")
    assert contract.faults(found, contract.answer_schema("GET", f"{BATCH}/tasks", 200)) == []
    first, second = found["response"]["tasks"]
    assert first == {**person, "status": "pending", "call_id": None, "error_message": None}
    assert second["to_phone_number"] == "sip:bob@example.com"
    assert second["id"]
    assert second["custom_variables"] == {}


async def test_variables_of_a_task_in_either_form(api: Api) -> None:
    listed = [{"key": "a", "value": "1"}]
    tasks = [{"to_phone_number": "+14155550001", "custom_variables": form} for form in (listed, {"a": "1"})]
    for task in await tasks_of(api, await open_batch(api, tasks=tasks)):
        assert task["custom_variables"] == {"a": "1"}


async def test_appending_skips_ids_that_are_there_and_keeps_the_order(api: Api) -> None:
    batch = await open_batch(api, tasks=[*people(2), {**people(1)[0], "lead_name": "twice in one"}])
    assert batch["total_task_count"] == 2
    again = await open_batch(
        api, batch_call_id=batch["batch_call_id"], tasks=[*people(3), *people(1, 9)], name="ignored"
    )
    assert (again["batch_call_id"], again["name"], again["total_task_count"]) == (
        batch["batch_call_id"],
        "",
        4,
    )
    assert [task["id"] for task in await tasks_of(api, batch)] == ["t0", "t1", "t2", "t9"]
    other = await open_batch(api)  # the same ids in another batch are others
    assert other["total_task_count"] == 2


async def test_pages_of_batches_newest_first_and_of_tasks_in_order(api: Api) -> None:
    batches = [await open_batch(api, 5) for _ in range(3)]
    page = (await api.send("GET", PATH, params={"limit": 2, "offset": 1}))["response"]
    assert page["pagination"] == {"total_records": 3, "limit": 2, "offset": 1}
    assert [batch["batch_call_id"] for batch in page["batch_calls"]] == [
        batches[1]["batch_call_id"],
        batches[0]["batch_call_id"],
    ]
    path = f"{PATH}/{batches[0]['batch_call_id']}/tasks"
    page = (await api.send("GET", path, params={"limit": 2, "offset": 3, "status": "pending"}))["response"]
    assert page["pagination"] == {"total_records": 5, "limit": 2, "offset": 3}
    assert [task["id"] for task in page["tasks"]] == ["t3", "t4"]
    for status in ("claimed", "dispatched", "failed", "canceled"):
        assert await tasks_of(api, batches[0], status=status) == []
    assert "status" in await api.refused("GET", path, params={"status": "done"})
    for where in (PATH, path):
        assert "Limit must be between 1 and 100." in await api.refused("GET", where, params={"limit": 101})


async def test_ten_thousand_tasks_in_one_request(api: Api) -> None:
    batch = await open_batch(api, 10_000)
    assert batch["pending_count"] == 10_000
    (last,) = await tasks_of(api, batch, offset=9_999)
    assert last["id"] == "t9999"
    assert "tasks" in await api.refused(
        "POST", PATH, json={"batch_call_id": batch["batch_call_id"], "tasks": people(10_001)}
    )


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"tasks": []}, "tasks"),
        ({"tasks": [{"id": "x"}]}, "tasks.0.to_phone_number"),
        ({"tasks": [{"to_phone_number": "415"}]}, "tasks.0.to_phone_number"),
        ({"tasks": [{"to_phone_number": "+14155550001", "id": ""}]}, "tasks.0.id"),
        (
            {"tasks": [{"to_phone_number": "+14155550001", "override_model_id": "nobody"}]},
            "override_model_id",
        ),
        ({"tasks": [{"to_phone_number": "+14155550001", "custom_variables": "x"}]}, "custom_variables"),
        ({"model_id": str(uuid4())}, "model_id"),
        ({"model_id": ""}, "model_id is required"),
        ({"from_phone_number": "+14155550999"}, "from_phone_number"),
        ({"from_phone_number": ""}, "from_phone_number is required"),
        ({"batch_call_id": str(uuid4())}, "batch_call_id"),
        ({"batch_call_id": "x"}, "batch_call_id"),
        ({"trigger_timestamp": "tomorrow"}, "trigger_timestamp"),
        ({"trigger_timestamp": -1}, "trigger_timestamp"),
        ({"trigger_timestamp": 10**18}, "trigger_timestamp"),
        ({"reserved_concurrency": 0}, "reserved_concurrency"),
        ({"call_time_window": {"enable": True}}, "weekly_hours"),
        ({"call_time_window": {"enable": True, "weekly_hours": []}}, "weekly_hours"),
        ({"call_time_window": {"enable": True, "weekly_hours": {"monday": "9-17"}}}, "weekly_hours"),
    ],
)
async def test_what_is_refused_opens_nothing(api: Api, changes: dict[str, Any], hint: str) -> None:
    await api.number(NUMBER)
    body = {"model_id": await api.agent(), "from_phone_number": NUMBER, "tasks": people(1), **changes}
    assert hint in await api.refused("POST", PATH, json=body)
    assert (await api.send("GET", PATH))["response"]["batch_calls"] == []


async def test_hours_count_only_where_they_are_enabled(api: Api) -> None:
    for window in ({"enable": False, "weekly_hours": "nonsense"}, {}, None):
        assert (await open_batch(api, call_time_window=window))["status"] == "scheduled"


async def test_pausing_resuming_and_canceling(api: Api) -> None:
    batch = await open_batch(api)
    for verb in ("pause", "resume", "pause"):
        shown = await command(api, batch, verb)
        assert shown["status"] == ("paused" if verb == "pause" else "scheduled")
    assert "paused" in await api.refused("POST", f"{PATH}/{batch['batch_call_id']}/pause")
    canceled = await command(api, batch, "cancel")
    assert (canceled["status"], canceled["pending_count"], canceled["total_task_count"]) == ("canceled", 0, 2)
    assert await read(api, batch) == canceled
    assert {task["status"] for task in await tasks_of(api, batch)} == {"canceled"}
    for verb in ("pause", "resume", "cancel"):
        assert "canceled" in await api.refused("POST", f"{PATH}/{batch['batch_call_id']}/{verb}")
    append = {"batch_call_id": batch["batch_call_id"], "tasks": people(1)}
    assert "canceled" in await api.refused("POST", PATH, json=append)


async def test_only_what_is_paused_is_resumed(api: Api) -> None:
    batch = await open_batch(api)
    assert "scheduled" in await api.refused("POST", f"{PATH}/{batch['batch_call_id']}/resume")


async def test_anothers_batch_is_unknown(api: Api, stranger: Api) -> None:
    foreign, unknown = (await open_batch(api))["batch_call_id"], str(uuid4())
    await stranger.number("+14155550199")
    for method, tail in [
        ("GET", ""),
        ("GET", "/tasks"),
        ("POST", "/pause"),
        ("POST", "/resume"),
        ("POST", "/cancel"),
    ]:
        texts = [
            (await stranger.refused(method, f"{PATH}/{id_}{tail}", 404)).replace(id_, "")
            for id_ in (foreign, unknown)
        ]
        assert texts[0] == texts[1]
    texts = [
        (await stranger.refused("POST", PATH, json={"batch_call_id": id_, "tasks": people(1)})).replace(
            id_, ""
        )
        for id_ in (foreign, unknown)
    ]
    assert texts[0] == texts[1]
    assert (await stranger.send("GET", PATH))["response"]["batch_calls"] == []
    agent = await stranger.agent()
    for changes in (
        {"from_phone_number": NUMBER},
        {"model_id": (await read(api, {"batch_call_id": foreign}))["model_id"]},
    ):
        body = {"model_id": agent, "from_phone_number": "+14155550199", "tasks": people(1), **changes}
        assert next(iter(changes)) in await stranger.refused("POST", PATH, json=body)
