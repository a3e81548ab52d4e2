"""`/v2/knowledge_base`: bases, and the agents that search them."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.resources.api import Api
from tests.resources.contract import contract
from trunkline.resources.knowledge.repository import KnowledgeRepository

BASES = "/v2/knowledge_base"


async def made(api: Api, **body: Any) -> str:
    answer = await api.send("POST", BASES, json={"name": "Shop", **body})
    assert not contract.faults(answer, contract.answer_schema("POST", "/knowledge_base", 200))
    return str(answer["response"]["knowledge_base_id"])


async def test_create_read_update_delete(api: Api) -> None:
    id_ = await made(api, rag_use_condition="When asked about prices.")
    answer = await api.send("GET", f"{BASES}/{id_}")
    assert answer == {
        "status": "ok",
        "response": {
            "total_records": 1,
            "knowledge_bases": [{"id": id_, "name": "Shop", "rag_use_condition": "When asked about prices."}],
        },
    }
    assert not contract.faults(answer, contract.answer_schema("GET", "/knowledge_base/{id}", 200))

    changed = await api.send("PUT", f"{BASES}/{id_}", json={"name": "Store"})
    assert changed["response"]["knowledge_base_id"] == id_
    assert not contract.faults(changed, contract.answer_schema("PUT", "/knowledge_base/{id}", 200))
    [base] = (await api.send("GET", f"{BASES}/{id_}"))["response"]["knowledge_bases"]
    assert base == {"id": id_, "name": "Store", "rag_use_condition": "When asked about prices."}

    assert await api.send("DELETE", f"{BASES}/{id_}/") == {"status": "ok", "response": {}}
    assert id_ in await api.refused("GET", f"{BASES}/{id_}", 404)


async def test_nothing_is_required(api: Api) -> None:
    answer = await api.send("POST", BASES, headers={"Content-Type": "application/json"})
    id_ = answer["response"]["knowledge_base_id"]
    await api.send("PUT", f"{BASES}/{id_}")
    [base] = (await api.send("GET", f"{BASES}/{id_}"))["response"]["knowledge_bases"]
    assert base == {"id": id_, "name": "", "rag_use_condition": ""}


async def test_list_is_newest_first_and_25_by_default(api: Api, stranger: Api) -> None:
    ids = [await made(api, name=f"Base {n}") for n in range(26)]
    await made(stranger)
    answer = await api.send("GET", BASES)
    assert not contract.faults(answer, contract.answer_schema("GET", "/knowledge_base", 200))
    assert set(answer["response"]) == {"total_records", "knowledge_bases"}
    assert answer["response"]["total_records"] == 26
    assert [base["id"] for base in answer["response"]["knowledge_bases"]] == ids[:0:-1]
    rest = await api.send("GET", BASES, params={"limit": 5, "offset": 25})
    assert [base["id"] for base in rest["response"]["knowledge_bases"]] == ids[:1]


@pytest.mark.parametrize("page", [{"limit": 0}, {"limit": 1001}, {"offset": -1}, {"limit": "many"}])
async def test_pages_have_bounds(api: Api, page: dict[str, Any]) -> None:
    await api.refused("GET", BASES, params=page)


async def test_the_other_path(api: Api) -> None:
    answer = await api.send("POST", "/v2/knowledge-bases/", json={"name": "Shop"})
    listed = await api.send("GET", "/v2/knowledge-bases")
    [base] = listed["response"]["knowledge_bases"]
    assert base["id"] == answer["response"]["knowledge_base_id"]


async def attached(api: Api, agent: str) -> list[str]:
    async with api.database.workspace(api.workspace.id) as session:
        bases = await KnowledgeRepository(session, api.workspace.id).bases_of(UUID(agent))
        return [str(base.id) for base in bases]


@pytest.mark.parametrize("place", ["params", "json"])
async def test_attach_and_detach(api: Api, place: str) -> None:
    base, agent = await made(api), await api.agent()
    named: dict[str, Any] = {place: {"model_id": agent}}
    for _ in range(2):  # the second time nothing is left to do
        answer = await api.send("POST", f"{BASES}/{base}/attach", **named)
        assert answer["response"]["knowledge_base_id"] == base
        assert answer["response"]["model_id"] == agent
        schema = contract.answer_schema("POST", "/knowledge_base/{knowledge_base_id}/attach", 200)
        assert not contract.faults(answer, schema)
    other = await made(api, name="Other")
    await api.send("POST", f"{BASES}/{other}/attach", **named)
    assert await attached(api, agent) == [base, other]

    answer = await api.send("POST", f"{BASES}/{base}/detach", **named)
    assert answer["response"]["model_id"] == agent
    schema = contract.answer_schema("POST", "/knowledge_base/{knowledge_base_id}/detach", 200)
    assert not contract.faults(answer, schema)
    assert await attached(api, agent) == [other]
    assert "not attached" in await api.refused("POST", f"{BASES}/{base}/detach", json={"model_id": agent})

    await api.send("DELETE", f"{BASES}/{other}")
    assert await attached(api, agent) == []


@pytest.mark.parametrize("way", ["attach", "detach"])
async def test_which_agent(api: Api, stranger: Api, way: str) -> None:
    base = await made(api)
    empty = {"Content-Type": "application/json"}
    assert "model_id is required" in await api.refused("POST", f"{BASES}/{base}/{way}", headers=empty)
    for unknown in (str(uuid4()), "1700000000000x123", await stranger.agent()):
        said = await api.refused("POST", f"{BASES}/{base}/{way}", params={"model_id": unknown})
        assert "model_id: there is no agent" in said
        assert unknown in said


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PUT", ""),
        ("DELETE", ""),
        ("POST", "/attach"),
        ("POST", "/detach"),
        ("GET", "/sources"),
        ("POST", "/sources"),
        ("PUT", "/sources/{source}"),
        ("DELETE", "/sources/{source}"),
    ],
)
async def test_a_foreign_base_is_like_an_unknown_one(api: Api, stranger: Api, method: str, path: str) -> None:
    theirs = await made(stranger)
    text = {"type": "text", "name": "N", "content": "Words."}
    source = await stranger.send("POST", f"{BASES}/{theirs}/sources", json=text)
    agent = await api.agent()
    path = path.format(source=source["response"]["source_id"])
    body = {**text, "model_id": agent}
    arguments = {} if method == "GET" else {"content": None} if method == "DELETE" else {"json": body}
    for id_ in (theirs, str(uuid4()), "no-uuid"):
        said = await api.refused(method, f"{BASES}/{id_}{path}", 404, **arguments)
        assert said == f"There is no knowledge base {id_}."
    assert (await stranger.send("GET", f"{BASES}/{theirs}/sources"))["response"]["total_records"] == 1
    assert (await stranger.send("GET", BASES))["response"]["knowledge_bases"][0]["name"] == "Shop"


async def test_keys_need_the_scope(api: Api) -> None:
    assert "Authorization" in await api.refused("GET", BASES, 401, headers={"Authorization": ""})
