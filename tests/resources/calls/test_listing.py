"""`GET /v2/calls`: pages and filters."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.resources.api import Api
from tests.resources.calls.rows import NOON, NUMBER, store
from trunkline.platform.http.totals import Totals
from trunkline.resources.batches.models import BatchCall


async def listed(api: Api, **query: Any) -> list[str]:
    body = (await api.send("GET", "/v2/calls", params=query))["response"]
    assert body["pagination"]["total_records"] >= len(body["calls"])
    return [call["call_id"] for call in body["calls"]]


async def batch_of(api: Api, agent: str) -> UUID:
    """A batch without calls."""
    batch = BatchCall(
        workspace_id=api.workspace.id, agent_id=UUID(agent), name="", from_number=NUMBER, status="completed"
    )
    async with api.database.workspace(api.workspace.id) as session:
        session.add(batch)
    return batch.id


async def test_pages_are_newest_first_with_true_totals(api: Api) -> None:
    agent = await api.agent()
    calls = [await store(api, agent, created_at=NOON + timedelta(minutes=n)) for n in range(5)]
    body = (await api.send("GET", "/v2/calls/", params={"limit": 2, "offset": 1}))["response"]
    assert body["pagination"] == {"total_records": 5, "limit": 2, "offset": 1}
    assert [call["call_id"] for call in body["calls"]] == [calls[3], calls[2]]
    assert await listed(api, offset=5) == []


async def test_each_filter(api: Api) -> None:
    first, second = await api.agent(), await api.agent()
    batch = await batch_of(api, first)
    a = await store(api, first, duration_s=10, status="completed")
    b = await store(api, first, duration_s=20, status="busy", created_at=NOON + timedelta(days=1))
    c = await store(
        api,
        second,
        duration_s=30,
        other_party="+491701234567",
        batch_call_id=batch,
        created_at=NOON + timedelta(days=2),
    )
    expected: list[tuple[dict[str, Any], list[str]]] = [
        ({}, [c, b, a]),
        ({"model_id": first}, [b, a]),
        ({"call_status": "busy"}, [b]),
        ({"call_status": "never-heard-of"}, []),
        ({"duration_min": 20}, [c, b]),
        ({"duration_max": 20}, [b, a]),
        ({"duration_min": 11, "duration_max": 29}, [b]),
        ({"lead_phone_number": "+491701234567"}, [c]),
        ({"lead_phone_number": "491701234567"}, [c]),
        ({"batch_call_id": str(batch)}, [c]),
        ({"model_id": first, "call_status": "completed", "duration_max": 10}, [a]),
        ({"page": 3, "start_date": "x", "call_status": ""}, [c, b, a]),
    ]
    for query, calls in expected:
        assert await listed(api, **query) == calls, query
    answer = await api.client.get("/v2/calls?lead_phone_number=+491701234567")  # not encoded
    assert [call["call_id"] for call in answer.json()["response"]["calls"]] == [c]


@pytest.mark.parametrize("member", ["model_id", "batch_call_id"])
async def test_a_filter_by_what_never_was(api: Api, member: str) -> None:
    for unknown in ("nothing", str(uuid4())):
        assert member in await api.refused("GET", "/v2/calls", params={member: unknown})


async def test_dates_in_three_forms_and_to_date_is_exclusive(api: Api) -> None:
    agent = await api.agent()
    a = await store(api, agent, created_at=NOON)
    b = await store(api, agent, created_at=NOON + timedelta(days=1))
    noon = int(NOON.timestamp() * 1000)
    expected: list[tuple[dict[str, Any], list[str]]] = [
        ({"from_date": noon}, [b, a]),
        ({"from_date": noon + 1}, [b]),
        ({"to_date": noon}, []),
        ({"to_date": noon + 1}, [a]),
        ({"from_date": "2026-04-22", "to_date": "2026-04-23"}, [a]),
        ({"from_date": "2026-04-23"}, [b]),
        ({"from_date": "2026-04-22T12:00:00Z", "to_date": "2026-04-23T12:00:00"}, [a]),
        ({"from_date": "2026-04-22T14:00:00+02:00"}, [b, a]),
        ({"from_date": "2026-04-22T14:00:01+02:00"}, [b]),
    ]
    for query, calls in expected:
        assert await listed(api, **query) == calls, query
    answer = await api.client.get("/v2/calls?from_date=2026-04-22T14:00:01+02:00")  # plus not encoded
    assert answer.json()["response"]["pagination"]["total_records"] == 1


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ({"limit": 0}, "Limit must be between 1 and 100."),
        ({"limit": 101}, "Limit must be between 1 and 100."),
        ({"offset": -1}, "Offset"),
        ({"from_date": "yesterday"}, "from_date"),
        ({"to_date": "9" * 15}, "to_date"),
        ({"duration_min": -1}, "duration_min"),
        ({"duration_max": 2**40}, "duration_max"),
        ({"duration_max": "long"}, "duration_max"),
        ({"model_id": "00000000-0000-4000-8000-000000000000"}, "model_id"),
        ({"model_id": "nobody"}, "model_id"),
    ],
)
async def test_filters_that_are_wrong(api: Api, query: dict[str, Any], hint: str) -> None:
    assert hint in await api.refused("GET", "/v2/calls", params=query)


async def test_calls_of_a_deleted_agent_stay(api: Api) -> None:
    agent = await api.agent()
    call = await store(api, agent)
    await api.send("DELETE", f"/v2/assistants/{agent}")
    assert await listed(api, model_id=agent) == [call]


async def test_long_totals_are_remembered_for_two_seconds() -> None:
    now, count = 10.0, 1000

    async def counted() -> int:
        return count

    totals = Totals(clock=lambda: now)
    assert await totals.get("a", counted) == 1000
    count = 1001
    assert await totals.get("a", counted) == 1000
    assert await totals.get("b", counted) == 1001
    now += 2.1
    assert await totals.get("a", counted) == 1001
    count = 3
    assert await totals.get("c", counted) == 3
    count = 4
    assert await totals.get("c", counted) == 4  # a short list is counted anew
