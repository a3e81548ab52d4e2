"""`/v2/simulation_cases` and its spellings of 2025."""

from typing import Any

import pytest

from tests.resources.api import Api
from tests.resources.simulations.conftest import CRITERIA, case_body, holds, make_case, make_suite

UNKNOWN = "00000000-0000-4000-8000-000000000000"
PATH = "/v2/simulation_cases"


async def test_create_read_change_delete(api: Api) -> None:
    agent = await api.agent(name="Desk", type="inbound")
    suite = await make_suite(api, agent)
    made = await api.send("POST", PATH, json=case_body(suite_id=suite, base_agent_id=agent))
    holds(made, "POST", "/simulation_cases")
    case = made["response"]["simulation_case"]
    assert case["workspace_id"] == str(api.workspace.id)
    assert (case["suite_id"], case["type"], case["success_criteria"]) == (suite, "custom", CRITERIA)
    assert (case["base_agent"]["model_id"], case["base_agent"]["agent_name"]) == (agent, "Desk")
    assert (case["base_agent"]["agent_type"], case["base_agent"]["phone_number"]) == ("inbound", None)
    path = f"{PATH}/{case['simulation_case_id']}"
    read = await api.send("GET", path)
    holds(read, "GET", "/simulation_cases/{simulation_case_id}")
    assert read == {"status": "ok", "response": case}
    changed = await api.send("PUT", path, json={"name": "New", "call_success_type": "any", "prompt": None})
    holds(changed, "PUT", "/simulation_cases/{simulation_case_id}")
    assert changed["response"] == {
        **case,
        "name": "New",
        "call_success_type": "any",
        "updated_at": changed["response"]["updated_at"],
    }
    assert changed["response"]["updated_at"] > case["updated_at"]
    assert await api.send("GET", path) == changed
    answer = await api.client.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    await api.refused("GET", path, 404)
    await api.refused("DELETE", path, 404)


async def test_nulls_and_an_empty_body_change_nothing(api: Api) -> None:
    agent = await api.agent()
    case = await make_case(api, suite_id=await make_suite(api, agent))
    path = f"{PATH}/{case}"
    before = (await api.send("GET", path))["response"]
    nulls = dict.fromkeys(("name", "prompt", "success_criteria", "call_success_type", "suite_id"))
    sent: list[dict[str, Any]] = [
        {"json": nulls},
        {"headers": {"Content-Type": "application/json"}},
        {"json": {}},
    ]
    for arguments in sent:
        assert (await api.send("PUT", path, **arguments))["response"] == before
    kept = await api.send("PUT", path, json={"type": "agent_based", "base_agent_id": agent})
    assert kept["response"] == before


@pytest.mark.parametrize("path", [PATH, "/v2/simulations"])
@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"type": "free"}, "type"),
        ({"type": None}, "type is required"),
        ({"success_criteria": "It greets."}, "success_criteria"),
        ({"success_criteria": [""]}, "success_criteria.0"),
        ({"success_criteria": ["x"] * 51}, "success_criteria"),
        ({"call_success_type": "most"}, "call_success_type"),
        ({"name": ""}, "name"),
    ],
)
async def test_malformed_is_422(api: Api, path: str, changes: dict[str, Any], hint: str) -> None:
    assert hint in await api.refused("POST", path, 422, json=case_body(**changes))


async def test_malformed_changes_are_422(api: Api) -> None:
    case = await make_case(api)
    for path in (f"{PATH}/{case}", f"/v2/simulations/{case}"):
        assert "call_success_type" in await api.refused("PUT", path, 422, json={"call_success_type": "most"})


async def test_unknown_and_foreign_ids(api: Api, stranger: Api) -> None:
    foreign = await stranger.agent()
    foreign_suite = await make_suite(stranger, foreign)
    foreign_case = await make_case(stranger)
    mine = await make_case(api)
    for id_ in (UNKNOWN, "x", foreign):
        assert "base_agent_id" in await api.refused("POST", PATH, json=case_body(base_agent_id=id_))
        assert "agent_id" in await api.refused("GET", f"{PATH}/by_agent?agent_id={id_}")
        assert id_ in await api.refused("GET", f"/v2/simulations/agent/{id_}", 404)
    for id_ in (UNKNOWN, "x", foreign_suite):
        assert "suite_id" in await api.refused("POST", PATH, json=case_body(suite_id=id_))
        assert "suite_id" in await api.refused("PUT", f"{PATH}/{mine}", json={"suite_id": id_})
        assert "suite_id" in await api.refused("GET", f"{PATH}?suite_id={id_}")
    for id_ in (UNKNOWN, "x", foreign_case):
        for method, arguments in (("GET", {}), ("PUT", {"json": {"name": "n"}}), ("DELETE", {})):
            for base in (PATH, "/v2/simulations"):
                assert id_ in await api.refused(method, f"{base}/{id_}", 404, **arguments)
    assert (await stranger.send("GET", f"{PATH}/{foreign_case}"))["response"]["name"] == "Books a table"


async def test_list_filters_and_pages(api: Api, stranger: Api) -> None:
    await make_case(stranger)
    suite = await make_suite(api, await api.agent())
    first = await make_case(api, name="Angry 100% caller", suite_id=suite)
    second = await make_case(api, name="Calm caller", type="agent_based")
    third = await make_case(api, name="Silence")

    async def ids(query: str) -> list[str]:
        answer = await api.send("GET", f"{PATH}{query}")
        holds(answer, "GET", "/simulation_cases")
        assert answer["response"]["pagination"]["total_records"] >= len(answer["response"]["items"])
        return [case["simulation_case_id"] for case in answer["response"]["items"]]

    assert await ids("") == [third, second, first]
    assert await ids("?search=CALLER") == [second, first]
    assert await ids("?search=100%25") == [first]
    assert await ids("?search=%25") == [first]
    assert await ids("?simulation_case_type=agent_based&suite_id=") == [second]
    assert await ids(f"?suite_id={suite}") == [first]
    assert await ids("?page_number=2&page_size=2") == [first]
    page = (await api.send("GET", f"{PATH}?page_number=2&page_size=2"))["response"]["pagination"]
    assert page == {"total_records": 3, "limit": 2, "offset": 2}
    assert "simulation_case_type" in await api.refused("GET", f"{PATH}?simulation_case_type=odd")
    assert "page_size" in await api.refused("GET", f"{PATH}?page_size=0")


async def test_of_an_agent(api: Api) -> None:
    agent, other = await api.agent(), await api.agent()
    of_suite = await make_case(api, suite_id=await make_suite(api, agent))
    of_base = await make_case(api, base_agent_id=agent)
    await make_case(api, base_agent_id=other)
    for path, name in (
        (f"{PATH}/by_agent?agent_id={agent}", "/simulation_cases/by_agent"),
        (f"/v2/simulations/agent/{agent}", "/simulations/agent/{agent_id}"),
    ):
        answer = await api.send("GET", path)
        holds(answer, "GET", name)
        assert [case["simulation_case_id"] for case in answer["response"]] == [of_base, of_suite]
    assert "agent_id is required" in await api.refused("GET", f"{PATH}/by_agent")


async def test_spellings_of_2025(api: Api) -> None:
    made = await api.send("POST", "/v2/simulations", json=case_body())
    holds(made, "POST", "/simulation_cases")
    case = made["response"]["simulation_case"]
    path = f"/v2/simulations/{case['simulation_case_id']}"
    assert (await api.send("GET", path))["response"] == case
    changed = await api.send("PUT", f"{path}/", json={"name": "New"})
    holds(changed, "PUT", "/simulations/{simulation_id}")
    assert changed["response"]["name"] == "New"
    answer = await api.client.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    await api.refused("GET", f"{PATH}/{case['simulation_case_id']}", 404)


async def test_a_deleted_agents_cases_still_name_it(api: Api) -> None:
    agent = await api.agent(name="Gone")
    case = await make_case(api, base_agent_id=agent)
    await api.send("DELETE", f"/v2/assistants/{agent}")
    assert (await api.send("GET", f"{PATH}/{case}"))["response"]["base_agent"]["agent_name"] == "Gone"
