"""`/v2/memory_stores`, rule by rule, in the spellings of now and of 2025."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from tests.resources.api import Api
from tests.resources.contacts.test_contacts import made as contact_of
from tests.resources.contract import contract
from trunkline.resources.memory.models import Memory, MemoryStoreAgent

STORES = "/v2/memory_stores"


async def made(api: Api, **body: Any) -> str:
    """The id of a new store."""
    return str((await api.send("POST", STORES, json=body))["response"]["id"])


async def read(api: Api, store: str) -> dict[str, Any]:
    """A store, as it is shown."""
    answer = await api.send("GET", f"{STORES}/{store}")
    assert (
        contract.faults(answer, contract.answer_schema("GET", "/memory_stores/{memory_store_id}", 200)) == []
    )
    shown: dict[str, Any] = answer["response"]
    return shown


async def agents(api: Api) -> dict[str, str]:
    """Agent → the store it uses."""
    async with api.database.workspace(api.workspace.id) as session:
        rows = await session.execute(select(MemoryStoreAgent.agent_id, MemoryStoreAgent.memory_store_id))
        return {str(agent): str(store) for agent, store in rows}


async def test_create_and_read(api: Api) -> None:
    answer = await api.send("POST", STORES, json={"title": "Customers", "description": "Ours"})
    assert contract.faults(answer, contract.answer_schema("POST", "/memory_stores", 200)) == []
    store = answer["response"]
    assert store["title"] == "Customers"
    assert store["description"] == "Ours"
    assert store["workspace_id"] == str(api.workspace.id)
    assert (store["number_of_contacts"], store["number_of_agents"]) == (0, 0)
    shown = await read(api, store["id"])
    assert shown["title"] == "Customers"
    assert shown["contact_ids"] == []
    assert not {"number_of_contacts", "number_of_agents", "description"} & set(shown)
    listed = await api.send("GET", STORES + "/")
    assert contract.faults(listed, contract.answer_schema("GET", "/memory_stores", 200)) == []
    assert listed["response"] == {"items": [shown], "total": 1, "page_size": 1000, "page_number": 1}


async def test_title_and_description_are_optional(api: Api) -> None:
    answer = await api.send("POST", STORES, headers={"Content-Type": "application/json"})
    assert (answer["response"]["title"], answer["response"]["description"]) == ("", "")
    assert "title" in await api.refused("POST", STORES, json={"title": 3})


async def test_search_by_title(api: Api) -> None:
    customers, suppliers = await made(api, title="Customers 100%"), await made(api, title="Suppliers")
    for search, expected in (
        ("cust", [customers]),
        ("ers", [suppliers, customers]),
        ("%", [customers]),
        ("nobody", []),
        ("", [suppliers, customers]),
    ):
        items = (await api.send("GET", STORES, params={"search": search}))["response"]["items"]
        assert [store["id"] for store in items] == expected, search


async def test_update_answers_the_bare_id(api: Api) -> None:
    store = await made(api, title="A", description="D")
    assert await api.send("PATCH", f"{STORES}/{store}", json={"title": "B"}) == {"id": store}
    assert (await read(api, store))["title"] == "B"
    assert await api.send("PATCH", f"{STORES}/{store}") == {"id": store}
    assert (await read(api, store))["title"] == "B"


@pytest.mark.parametrize("name", ["memory_store_id", "id"])
@pytest.mark.parametrize("place", ["params", "json"])
@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_spelling_of_2025(api: Api, name: str, place: str, slash: str) -> None:
    store = await made(api, title="A")
    named: dict[str, Any] = {place: {name: store}}
    body = {"title": "B", **named.get("json", {})}
    query = named.get("params")
    answer = await api.send("PATCH", STORES + slash, json=body, params=query)
    assert answer == {"id": store}
    assert (await read(api, store))["title"] == "B"
    assert await api.send("DELETE", STORES + slash, **named) == {"status": "ok"}
    await api.refused("GET", f"{STORES}/{store}", 404)


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_the_spelling_of_2025_wants_an_id(api: Api, stranger: Api, method: str) -> None:
    assert "memory_store_id is required" in await api.refused(method, STORES + "/")
    foreign = await made(stranger, title="Theirs")
    for store in (foreign, str(uuid4()), "nothing"):
        assert store in await api.refused(method, STORES, json={"memory_store_id": store, "title": "Mine"})
        assert store in await api.refused(method, STORES, params={"id": store})
    assert (await read(stranger, foreign))["title"] == "Theirs"


async def test_contacts_come_and_go(api: Api) -> None:
    store, other = await made(api), await made(api)
    ann, bob = await contact_of(api), await contact_of(api, "+491701234567")
    for contact in (ann, bob, ann):
        answer = await api.send("POST", f"{STORES}/{store}/contacts/{contact}/attach")
        assert answer == {"status": "ok"}
    await api.send("POST", f"{STORES}/{other}/contacts/{bob}/attach")
    assert (await read(api, store))["contact_ids"] == [ann, bob]
    assert (await read(api, other))["contact_ids"] == [bob]
    listed = (await api.send("GET", STORES))["response"]["items"]
    assert [each["contact_ids"] for each in listed] == [[bob], [ann, bob]]
    for _ in range(2):
        await api.send("POST", f"{STORES}/{store}/contacts/{bob}/detach")
    assert (await read(api, store))["contact_ids"] == [ann]
    assert (await read(api, other))["contact_ids"] == [bob]


async def test_memory_of_a_contact(api: Api) -> None:
    store, contact = await made(api, title="Customers"), await contact_of(api)
    path = f"{STORES}/{store}/contacts/{contact}"
    assert "not attached" in await api.refused("GET", f"{path}/memory_data", 404)
    await api.send("POST", f"{path}/attach")
    answer = await api.send("GET", f"{path}/memory_data")
    schema = contract.answer_schema(
        "GET", "/memory_stores/{memory_store_id}/contacts/{contact_id}/memory_data", 200
    )
    assert contract.faults(answer, schema) == []
    assert answer["response"]["memory_store_id"] == store
    assert answer["response"]["memory_store_title"] == "Customers"
    assert answer["response"]["memory"] == ""
    async with api.database.workspace(api.workspace.id) as session:
        await session.execute(update(Memory).values(memory="Prefers mornings."))
    await api.send("POST", f"{path}/attach")  # attached already: nothing is forgotten
    answer = await api.send("POST", f"{path}/memory_data")
    assert answer == await api.send("GET", f"{path}/memory_data")
    assert answer["response"]["memory"] == "Prefers mornings."
    assert answer["response"]["updated_at"] > answer["response"]["created_at"]
    await api.send("POST", f"{path}/detach")
    await api.refused("POST", f"{path}/memory_data", 404)
    await api.send("POST", f"{path}/attach")
    assert (await api.send("GET", f"{path}/memory_data"))["response"]["memory"] == ""


async def test_an_agent_uses_one_store(api: Api) -> None:
    first, second = await made(api), await made(api)
    agent, colleague = await api.agent(), await api.agent()
    for store, who in ((first, agent), (first, agent), (first, colleague)):
        assert await api.send("POST", f"{STORES}/{store}/assistants/{who}/attach") == {"status": "ok"}
    assert await agents(api) == {agent: first, colleague: first}
    await api.send("POST", f"{STORES}/{second}/assistants/{agent}/attach")
    assert await agents(api) == {agent: second, colleague: first}
    await api.send("POST", f"{STORES}/{first}/assistants/{agent}/detach")  # it has left already
    assert await agents(api) == {agent: second, colleague: first}
    await api.send("POST", f"{STORES}/{second}/assistants/{agent}/detach")
    assert await agents(api) == {colleague: first}


async def test_deleting_a_store_forgets(api: Api) -> None:
    store, agent, contact = await made(api), await api.agent(), await contact_of(api)
    await api.send("POST", f"{STORES}/{store}/assistants/{agent}/attach")
    await api.send("POST", f"{STORES}/{store}/contacts/{contact}/attach")
    assert await api.send("DELETE", f"{STORES}/{store}") == {"status": "ok"}
    await api.refused("DELETE", f"{STORES}/{store}", 404)
    assert await agents(api) == {}
    async with api.database.workspace(api.workspace.id) as session:
        assert (await session.execute(select(Memory))).all() == []
    assert (await api.send("GET", f"/v2/contacts/{contact}"))["response"]["memory_store_ids"] == []


@pytest.mark.parametrize("what", ["assistants", "contacts"])
@pytest.mark.parametrize("verb", ["attach", "detach"])
async def test_foreign_ids_are_unknown(api: Api, stranger: Api, what: str, verb: str) -> None:
    mine = {"assistants": await api.agent(), "contacts": await contact_of(api), "store": await made(api)}
    theirs = {
        "assistants": await stranger.agent(),
        "contacts": await contact_of(stranger),
        "store": await made(stranger, title="Theirs"),
    }
    for who in (theirs[what], str(uuid4()), "nobody"):
        assert who in await api.refused("POST", f"{STORES}/{mine['store']}/{what}/{who}/{verb}", 404)
    for store in (theirs["store"], str(UUID(int=7)), "nothing"):
        assert store in await api.refused("POST", f"{STORES}/{store}/{what}/{mine[what]}/{verb}", 404)
    for method, body in (("GET", None), ("PATCH", {"title": "x"}), ("DELETE", None)):
        await api.refused(method, f"{STORES}/{theirs['store']}", 404, json=body)
    path = f"{STORES}/{theirs['store']}/contacts/{theirs['contacts']}/memory_data"
    await stranger.send("POST", path.replace("memory_data", "attach"))
    await api.refused("GET", path, 404)
    assert await agents(stranger) == {}
    assert (await read(stranger, theirs["store"]))["title"] == "Theirs"
