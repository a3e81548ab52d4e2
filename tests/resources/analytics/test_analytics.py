"""`GET /v2/analytics`: what the calls of a workspace add up to."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.resources.api import Api
from tests.resources.calls.rows import LEAD, NOON, store
from tests.resources.contract import contract
from trunkline.resources.calls.models import CallEvent

DAY = timedelta(days=1)
BEFORE = NOON - 3 * DAY
"""In the time that the period below is compared with."""


async def analysed(api: Api, **query: Any) -> dict[str, Any]:
    """The figures of 22 and 23 April 2026, unless asked otherwise."""
    query = {"from_date": "2026-04-22", "to_date": "2026-04-23", **query}
    answer: dict[str, Any] = await api.send("GET", "/v2/analytics/", params=query)
    assert contract.faults(answer, contract.answer_schema("GET", "/analytics/", 200)) == []
    assert not any(isinstance(number, float) for number in _leaves(answer))
    return answer


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for member in value.values() for leaf in _leaves(member)]
    if isinstance(value, list):
        return [leaf for member in value for leaf in _leaves(member)]
    return [value]


async def test_nothing_happened(api: Api) -> None:
    answer = await api.send("GET", "/v2/analytics")
    assert contract.faults(answer, contract.answer_schema("GET", "/analytics/", 200)) == []
    assert "status" not in answer
    assert answer["executed_actions"] == {"items": []}
    assert answer["assistant_performance"] == {
        "by_minutes_used": [],
        "by_calls_made": [],
        "by_success_rate": [],
    }
    assert answer["call_status_stat"]["items"] == []
    assert answer["recent_call_history"] == {"items": []}
    assert answer["duration_metrics"]["total_calls"] == 0
    assert answer["end_call_reason_stat"]["items"] == []
    assert answer["sentiment_stat"]["positive_percentage"] == 0
    days = [day["date"] for day in answer["duration_metrics"]["series"]]
    assert len(days) == 8  # seven times 24 hours touch eight days
    assert days[-1] == datetime.now(UTC).date().isoformat()
    for part in ("call_status_stat", "end_call_reason_stat", "sentiment_stat"):
        assert [day["date"] for day in answer[part]["series"]] == days


async def test_durations(api: Api) -> None:
    agent = await api.agent()
    await store(api, agent, duration_s=100)
    await store(api, agent, duration_s=200)
    await store(api, agent, duration_s=60, created_at=NOON + DAY)
    await store(api, agent, status="no-answer")
    await store(api, agent, duration_s=240, created_at=BEFORE + DAY)
    figures = (await analysed(api))["duration_metrics"]
    assert figures == {
        "total_minutes": 6,
        "average_duration": 120,
        "total_calls": 4,
        "series": [
            {"date": "2026-04-22", "total_minutes": 5, "average_duration": 150, "total_calls": 3},
            {"date": "2026-04-23", "total_minutes": 1, "average_duration": 60, "total_calls": 1},
        ],
        "total_minutes_percentage_change": 50,
        "total_duration_percentage_change": 50,
        "total_calls_percentage_change": 300,
    }


async def test_both_ends_belong_to_the_period(api: Api) -> None:
    agent = await api.agent()
    for moment in (NOON - timedelta(hours=12), NOON, NOON + DAY + timedelta(hours=11, minutes=59)):
        await store(api, agent, created_at=moment)
    await store(api, agent, created_at=NOON + 2 * DAY)
    assert (await analysed(api))["duration_metrics"]["total_calls"] == 3
    exact = await analysed(api, from_date="2026-04-22T14:00:00+02:00", to_date="2026-04-22T12:00:00Z")
    assert exact["duration_metrics"]["total_calls"] == 1


async def test_statuses(api: Api) -> None:
    agent = await api.agent()
    for status in ("completed", "completed", "no-answer", "pending", "user-canceled"):
        await store(api, agent, status=status)
    await store(api, agent, status="in-progress", created_at=NOON + DAY)
    await store(api, agent, status="completed", created_at=BEFORE + DAY)
    stat = (await analysed(api))["call_status_stat"]
    assert stat["items"] == [
        {"status": "completed", "value": 2, "percentage": 33, "percentage_change": 100},
        {"status": "in-progress", "value": 1, "percentage": 17, "percentage_change": 100},
        {"status": "initiated", "value": 1, "percentage": 17, "percentage_change": 100},
        {"status": "no-answer", "value": 1, "percentage": 17, "percentage_change": 100},
        {"status": "user-canceled", "value": 1, "percentage": 17, "percentage_change": 100},
    ]
    first, second = stat["series"]
    assert {name: value for name, value in first.items() if value} == {
        "date": "2026-04-22",
        "completed": 2,
        "no-answer": 1,
        "initiated": 1,
    }
    assert {name for name, value in second.items() if value} == {"date", "in-progress"}
    declared = contract.document()["components"]["schemas"]["AnalyticsCallStatusStat"]
    assert set(first) == set(declared["properties"]["series"]["items"]["properties"])


async def ended(api: Api, agent: str, reason: str | None, told: str | None = None, **columns: Any) -> None:
    """A call that ended for `reason`; `told` is what its notes say."""
    call = await store(api, agent, end_reason=reason, **columns)
    if told is not None:
        async with api.database.workspace(api.workspace.id) as session:
            session.add(
                CallEvent(
                    call_id=UUID(call),
                    seq=1,
                    workspace_id=api.workspace.id,
                    at_ms=1,
                    kind="ended",
                    data={"reason": told},
                )
            )


async def test_end_reasons_in_the_words_of_analytics(api: Api) -> None:
    agent = await api.agent()
    for reason, told in (
        ("human_ended_call", "human_ended"),
        ("human_ended_call", None),
        ("agent_ended_call", "agent_ended"),
        ("custom_end_call", None),
        ("timeout", "idle"),
        ("timeout", "max_duration"),
        ("timeout", None),
        ("human_pick_up_cut_off", None),
        ("voicemail", None),
        ("voicemail_cut_off", None),
        ("voicemail_message_left", None),
        ("user_canceled", None),
        ("error", None),
        (None, None),
    ):
        await ended(api, agent, reason, told)
    await ended(api, agent, "agent_ended_call", created_at=NOON + DAY)
    await ended(api, agent, "timeout", "idle", created_at=BEFORE + DAY)  # not in the period
    stat = (await analysed(api))["end_call_reason_stat"]
    assert [(item["reason"], item["value"], item["percentage"]) for item in stat["items"]] == [
        ("agent_goodbye", 3, 25),
        ("max_duration", 2, 17),
        ("user_disconnected", 2, 17),
        ("voicemail", 2, 17),
        ("human_pick_up_cut_off", 1, 8),
        ("idle_time_exceeded", 1, 8),
        ("voicemail_message_left", 1, 8),
    ]
    first, second = stat["series"]
    assert (first["agent_goodbye"], second["agent_goodbye"]) == (2, 1)
    assert first["idle_time_exceeded"] == 1
    declared = contract.document()["components"]["schemas"]["AnalyticsEndCallReasonStat"]
    assert set(first) == set(declared["properties"]["series"]["items"]["properties"])


async def test_agents_the_best_first(api: Api) -> None:
    busy, good, idle = [await api.agent(name=name) for name in ("Busy", "Good", "Idle")]
    for status in ("completed", "failed", "no-answer", "in-progress"):
        await store(api, busy, status=status, duration_s=60)
    await store(api, busy, created_at=BEFORE + DAY, duration_s=120)
    await store(api, good, duration_s=600)
    await store(api, idle, created_at=BEFORE + DAY)
    await api.send("DELETE", f"/v2/assistants/{good}")  # its calls keep its name
    performance = (await analysed(api))["assistant_performance"]
    assert performance == {
        "by_minutes_used": [
            {"model_id": good, "name": "Good", "minutes_used": 10, "percentage_change": 100},
            {"model_id": busy, "name": "Busy", "minutes_used": 4, "percentage_change": 100},
        ],
        "by_calls_made": [
            {"model_id": busy, "name": "Busy", "calls_made": 4, "percent_change": 300},
            {"model_id": good, "name": "Good", "calls_made": 1, "percent_change": 100},
        ],
        "by_success_rate": [
            {"model_id": good, "name": "Good", "success_rate": 100, "percentage_change": 100},
            {"model_id": busy, "name": "Busy", "success_rate": 33, "percentage_change": -67},
        ],
    }


async def test_actions(api: Api) -> None:
    agent = await api.agent()
    await store(api, agent, executed_actions={"book": {}, "text me": {}})
    await store(api, agent, executed_actions={"book": {}}, created_at=NOON + DAY)
    await store(api, agent, executed_actions={"book": {}, "gone": {}}, created_at=BEFORE + DAY)
    items = (await analysed(api))["executed_actions"]["items"]
    assert items == [
        {
            "name": "book",
            "value": 2,
            "percentage_change": 100,
            "series": [{"date": "2026-04-22", "value": 1}, {"date": "2026-04-23", "value": 1}],
        },
        {
            "name": "text me",
            "value": 1,
            "percentage_change": 100,
            "series": [{"date": "2026-04-22", "value": 1}, {"date": "2026-04-23", "value": 0}],
        },
    ]


async def test_sentiment_is_the_judges(api: Api) -> None:
    agent = await api.agent()
    for verdict in ("true", "true", "false", "partial", "not_applicable"):
        await store(api, agent, judge_results={"user_sentiment": verdict})
    await store(api, agent, judge_results={"goal": "true"})
    for verdict in ("true", "false"):
        await store(api, agent, judge_results={"user_sentiment": verdict}, created_at=BEFORE + DAY)
    await store(api, agent, judge_results={"user_sentiment": "false"}, created_at=NOON + DAY)
    assert (await analysed(api))["sentiment_stat"] == {
        "positive_percentage": 40,
        "positive_percentage_change": -20,
        "series": [
            {"date": "2026-04-22", "positive": 2, "total": 4},
            {"date": "2026-04-23", "positive": 0, "total": 1},
        ],
    }


async def test_the_last_ten_calls(api: Api) -> None:
    agent = await api.agent(name="Desk")
    calls = [await store(api, agent, created_at=NOON + timedelta(minutes=n)) for n in range(11)]
    await store(api, agent, created_at=BEFORE)
    last = await store(api, agent, created_at=NOON + timedelta(hours=1), duration_s=7, status="busy")
    items = (await analysed(api))["recent_call_history"]["items"]
    assert [item["call_id"] for item in items] == [last, *reversed(calls[2:])]
    assert items[0] == {
        "call_id": last,
        "call_status": "busy",
        "duration": 7,
        "agent_name": "Desk",
        "model_id": agent,
        "lead_phone_number": LEAD,
        "created_at": "2026-04-22T13:00:00+00:00",
    }
    assert items[1]["duration"] == 0


async def test_filters(api: Api, stranger: Api) -> None:
    first, second = await api.agent(), await api.agent()
    await store(api, first, direction="inbound", executed_actions={"a": {}})
    await store(api, first)
    await store(api, second)
    foreign = await stranger.agent()
    await store(stranger, foreign)
    for query, total in (
        ({}, 3),
        ({"model_id": first}, 2),
        ({"type_of_call": "inbound"}, 1),
        ({"type_of_call": "widget"}, 0),
        ({"model_id": second, "type_of_call": "outbound"}, 1),
        ({"model_id": "", "page": 3}, 3),
    ):
        answer = await analysed(api, **query)
        assert answer["duration_metrics"]["total_calls"] == total, query
        assert sum(item["value"] for item in answer["call_status_stat"]["items"]) == total
        assert len(answer["recent_call_history"]["items"]) == total
    assert (await analysed(api, type_of_call="outbound"))["executed_actions"]["items"] == []
    for agent in (foreign, "nobody"):
        assert agent in await api.refused("GET", "/v2/analytics", params={"model_id": agent})


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ({"from_date": "yesterday"}, "from_date"),
        ({"to_date": "2026-13-01"}, "to_date"),
        ({"from_date": "2026-01-01", "to_date": "2026-05-02"}, "120 days"),
        ({"from_date": "2026-04-23", "to_date": "2026-04-22"}, "swap"),
        ({"from_date": "0001-01-02", "to_date": "0001-03-01"}, "later time"),
        ({"type_of_call": "carrier-pigeon"}, "type_of_call"),
    ],
)
async def test_what_is_refused(api: Api, query: dict[str, str], hint: str) -> None:
    assert hint in await api.refused("GET", "/v2/analytics", params=query)


async def test_120_days(api: Api) -> None:
    answer = await analysed(api, from_date="2026-01-01", to_date="2026-05-01")
    assert len(answer["duration_metrics"]["series"]) == 121


@pytest.mark.parametrize("path", ["export", "credits", "usage"])
async def test_there_is_nothing_else(api: Api, path: str) -> None:
    assert await api.send("GET", f"/v2/analytics/{path}", 404) == {"detail": "Not Found"}
