"""`/v2/simulation_suites` and `/v2/simulation_scenarios`."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.resources.api import Api
from tests.resources.simulations.conftest import holds, make_case, make_suite

UNKNOWN = "00000000-0000-4000-8000-000000000000"
SUITES = "/v2/simulation_suites"
SCENARIOS = "/v2/simulation_scenarios"


async def make_scenario(api: Api, name: str = "Refund", description: str = "Wants money back.") -> str:
    made = await api.send("POST", SCENARIOS, json={"name": name, "description": description})
    holds(made, "POST", "/simulation_scenarios")
    return str(made["response"]["id"])


async def date(api: Api, table: str, **days: str) -> None:
    """The rows of these names were made on these days."""
    async with api.database.system() as session:
        for name, day in days.items():
            await session.execute(
                text(f"UPDATE {table} SET created_at = CAST(:day AS text)::timestamptz WHERE name = :name"),
                {"day": day, "name": name},
            )


# ---- suites --------------------------------------------------------------------------------------------


async def test_create_read_change_delete(api: Api) -> None:
    agent, other = await api.agent(name="Desk"), await api.agent(name="Bar")
    made = await api.send("POST", SUITES, json={"name": "Evening", "model_id": agent})
    holds(made, "POST", "/simulation_suites")
    suite = made["response"]
    assert (suite["language"], suite["cases"]) == ("en-US", [])
    assert suite["agent"] == {"id": agent, "name": "Desk", "avatar": None}
    case = await make_case(api, suite_id=suite["id"], base_agent_id=other)
    path = f"{SUITES}/{suite['id']}"
    read = await api.send("GET", path)
    holds(read, "GET", "/simulation_suites/{suite_id}")
    [shown] = read["response"]["cases"]
    assert (shown["simulation_case_id"], shown["base_agent"]["agent_name"]) == (case, "Bar")
    changed = await api.send("PUT", path, json={"name": None, "model_id": other, "language": "es-ES"})
    holds(changed, "PUT", "/simulation_suites/{suite_id}")
    assert (changed["response"]["name"], changed["response"]["model_id"]) == ("Evening", other)
    assert changed["response"]["language"] == "en-US"
    answer = await api.client.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    await api.refused("GET", path, 404)
    assert (await api.send("GET", f"/v2/simulation_cases/{case}"))["response"]["suite_id"] is None


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"name": None}, "name is required"),
        ({"model_id": None}, "model_id is required"),
        ({"model_id": UNKNOWN}, "model_id"),
        ({"language": "multi"}, "en-US or es-ES"),
        ({"language": "es"}, "es-ES"),
        ({"language": "klingon"}, "language"),
    ],
)
async def test_what_is_refused(api: Api, changes: dict[str, Any], hint: str) -> None:
    body = {"name": "Evening", "model_id": await api.agent(), **changes}
    assert hint in await api.refused("POST", SUITES, json=body)


async def test_languages(api: Api) -> None:
    agent = await api.agent()
    for sent, kept in (("fr-FR", "fr-FR"), ("en", "en-US")):
        suite = await make_suite(api, agent, language=sent)
        assert (await api.send("GET", f"{SUITES}/{suite}"))["response"]["language"] == kept


async def test_unknown_and_foreign_ids(api: Api, stranger: Api) -> None:
    foreign_agent = await stranger.agent()
    foreign = await make_suite(stranger, foreign_agent)
    mine = await make_suite(api, await api.agent())
    for id_ in (UNKNOWN, "x", foreign):
        for method, arguments in (("GET", {}), ("PUT", {"json": {"name": "n"}}), ("DELETE", {})):
            assert id_ in await api.refused(method, f"{SUITES}/{id_}", 404, **arguments)
        path = f"{SUITES}/{id_}/execute?target_agent_id={foreign_agent}"
        assert id_ in await api.refused("POST", path, 404)
    for id_ in (UNKNOWN, "x", foreign_agent):
        assert "model_id" in await api.refused("POST", SUITES, json={"name": "n", "model_id": id_})
        assert "model_id" in await api.refused("PUT", f"{SUITES}/{mine}", json={"model_id": id_})
        assert "model_ids" in await api.refused("GET", f"{SUITES}?model_ids={id_}")
    assert (await stranger.send("GET", f"{SUITES}/{foreign}"))["response"]["name"] == "Evening"


async def test_list_filters_and_pages(api: Api, stranger: Api) -> None:
    await make_suite(stranger, await stranger.agent())
    desk, bar, door = [await api.agent() for _ in range(3)]
    january = await make_suite(api, desk, name="January")
    march = await make_suite(api, bar, name="March")
    may = await make_suite(api, door, name="May")
    await date(
        api,
        "simulation_suites",
        January="2026-01-10T10:00:00Z",
        March="2026-03-10T23:30:00Z",
        May="2026-05-10",
    )
    case = await make_case(api, suite_id=march)

    async def ids(query: str) -> list[str]:
        answer = await api.send("GET", f"{SUITES}{query}")
        holds(answer, "GET", "/simulation_suites")
        return [suite["id"] for suite in answer["response"]["items"]]

    assert await ids("") == [may, march, january]
    assert await ids("?search=ma") == [may, march]
    assert await ids(f"?model_ids={desk}&model_ids={bar}") == [march, january]
    assert await ids(f"?model_ids[]={desk}&model_ids%5B%5D={door}") == [may, january]
    assert await ids("?start_date=2026-03-10") == [may, march]
    assert await ids("?end_date=2026-03-10") == [march, january]
    assert await ids("?end_date=2026-03-10T23:30:00Z&start_date=2026-03-10T23:30:00%2B00:00") == [march]
    assert await ids("?start_date=2026-01-10T10:00:01Z&end_date=2026-03-10T23:29:59Z") == []
    assert await ids("?page_number=2&page_size=1&page=7") == [march]
    page = (await api.send("GET", f"{SUITES}?page_number=2&page_size=1"))["response"]
    assert (page["total"], page["page_number"], page["page_size"]) == (3, 2, 1)
    assert page["items"][0]["case_summaries"] == [{"simulation_case_id": case, "name": "Books a table"}]
    assert "start_date" in await api.refused("GET", f"{SUITES}?start_date=soon")


# ---- scenarios -----------------------------------------------------------------------------------------


async def test_scenarios(api: Api, stranger: Api) -> None:
    foreign = await make_scenario(stranger)
    first = await make_scenario(api)
    second = await make_scenario(api, "Return", "Wants to send it back.")
    path = f"{SCENARIOS}/{first}"
    read = await api.send("GET", path)
    holds(read, "GET", "/simulation_scenarios/{scenario_id}")
    assert read["response"]["description"] == "Wants money back."
    changed = await api.send("PUT", path, json={"name": "Money back", "description": None})
    holds(changed, "PUT", "/simulation_scenarios/{scenario_id}")
    assert (changed["response"]["name"], changed["response"]["description"]) == (
        "Money back",
        "Wants money back.",
    )
    await date(api, "simulation_scenarios", Return="2026-02-01")
    listed = await api.send("GET", f"{SCENARIOS}?page_size=1")
    holds(listed, "GET", "/simulation_scenarios")
    assert [each["id"] for each in listed["response"]["items"]] == [first]
    assert listed["response"]["total"] == 2
    for query in ("search=RET", "end_date=2026-02-01", "start_date=2026-01-31&end_date=2026-02-02"):
        found = (await api.send("GET", f"{SCENARIOS}?{query}"))["response"]["items"]
        assert [each["id"] for each in found] == [second]
    for id_ in (UNKNOWN, "x", foreign):
        for method, arguments in (("GET", {}), ("PUT", {"json": {"name": "n"}}), ("DELETE", {})):
            assert id_ in await api.refused(method, f"{SCENARIOS}/{id_}", 404, **arguments)
    answer = await api.client.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    await api.refused("GET", path, 404)
    assert "description is required" in await api.refused("POST", SCENARIOS, json={"name": "n"})
