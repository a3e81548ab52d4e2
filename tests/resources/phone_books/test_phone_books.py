"""`/v2/phonebooks`, rule by rule."""

from typing import Any
from uuid import uuid4

import pytest

from tests.resources.api import Api
from tests.resources.contract import contract

BOOKS = "/v2/phonebooks"
PHONE = "+14155552671"
ENTRY = {"phone_number": PHONE, "transfer_condition": "The caller asks for sales."}


async def made(api: Api, name: str = "Desk") -> str:
    """The id of a new book."""
    answer = await api.send("POST", BOOKS, json={"name": name})
    assert contract.faults(answer, contract.answer_schema("POST", "/phonebooks", 200)) == []
    return str(answer["response"]["key"])


async def entered(api: Api, book: str, **changes: Any) -> str:
    """The id of a new entry."""
    answer = await api.send("POST", f"{BOOKS}/{book}/entries", json={**ENTRY, **changes})
    return str(answer["response"]["key"])


async def entries(api: Api, book: str, **query: Any) -> list[dict[str, Any]]:
    answer = await api.send("GET", f"{BOOKS}/{book}/entries", params=query)
    schema = contract.answer_schema("GET", "/phonebooks/{phone_book_id}/entries", 200)
    assert contract.faults(answer, schema) == []
    items: list[dict[str, Any]] = answer["response"]["items"]
    return items


async def test_create_and_list(api: Api) -> None:
    desk, night = await made(api), await made(api, "Night")
    await entered(api, desk)
    answer = await api.send("GET", BOOKS + "/")
    assert contract.faults(answer, contract.answer_schema("GET", "/phonebooks", 200)) == []
    common = {"workspace_id": str(api.workspace.id), "agents": []}
    assert answer["response"] == {
        "items": [
            {"phone_book_id": night, "name": "Night", "entry_count": 0, **common},
            {"phone_book_id": desk, "name": "Desk", "entry_count": 1, **common},
        ],
        "total": 2,
        "page_size": 1000,
        "page_number": 1,
    }
    for body in ({}, {"name": ""}, {"name": None}, {"name": 3}):
        assert "name" in await api.refused("POST", BOOKS, json=body)


async def test_entries(api: Api) -> None:
    book = await made(api)
    first = await entered(api, book)
    second = await entered(api, book, phone_number="sip:night@example.com")
    assert await entries(api, book) == [
        {"id": second, **ENTRY, "phone_number": "sip:night@example.com"},
        {"id": first, **ENTRY},
    ]
    answer = await api.send("GET", f"{BOOKS}/{book}/entries?page_number=2&page_size=1")
    assert answer["response"]["total"] == 2
    assert (answer["response"]["page_number"], answer["response"]["page_size"]) == (2, 1)
    assert [entry["id"] for entry in answer["response"]["items"]] == [first]
    assert "page_size" in await api.refused("GET", f"{BOOKS}/{book}/entries?page_size=1001")


async def test_ten_entries_a_page(api: Api) -> None:
    book = await made(api)
    for n in range(11):
        await entered(api, book, phone_number=f"+1415555{n:04}")
    assert len(await entries(api, book)) == 10


async def test_update_an_entry(api: Api) -> None:
    book = await made(api)
    entry = await entered(api, book)
    path = f"{BOOKS}/{book}/entries/{entry}"
    changed = {"phone_number": "+49 170 1234567", "transfer_condition": "At night."}
    assert await api.send("PUT", path, json=changed) == {"status": "ok"}
    assert await entries(api, book) == [{"id": entry, **changed, "phone_number": "+491701234567"}]
    for missing in ENTRY:
        body = {name: value for name, value in ENTRY.items() if name != missing}
        assert f"{missing} is required" in await api.refused("PUT", path, json=body)
        assert f"{missing} is required" in await api.refused("POST", f"{BOOKS}/{book}/entries", json=body)
    assert await api.send("DELETE", path) == {"status": "ok"}
    assert await entries(api, book) == []
    await api.refused("DELETE", path, 404)


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"phone_number": "reception"}, "phone_number"),
        ({"phone_number": "14155552671"}, "E.164"),
        ({"transfer_condition": ""}, "transfer_condition"),
    ],
)
async def test_what_is_refused(api: Api, changes: dict[str, Any], hint: str) -> None:
    book = await made(api)
    assert hint in await api.refused("POST", f"{BOOKS}/{book}/entries", json={**ENTRY, **changes})


async def test_a_number_is_once_in_a_book(api: Api) -> None:
    book, other = await made(api), await made(api)
    await entered(api, book)
    second = await entered(api, book, phone_number="+491701234567")
    await entered(api, other)
    body = {**ENTRY, "phone_number": "+1 415 555-2671"}
    assert PHONE in await api.refused("POST", f"{BOOKS}/{book}/entries", json=body)
    assert PHONE in await api.refused("PUT", f"{BOOKS}/{book}/entries/{second}", json=ENTRY)
    assert [entry["phone_number"] for entry in await entries(api, book)] == ["+491701234567", PHONE]


async def test_an_entry_of_another_book(api: Api) -> None:
    book, other = await made(api), await made(api)
    entry = await entered(api, other)
    path = f"{BOOKS}/{book}/entries/{entry}"
    assert other in await api.refused("PUT", path, json=ENTRY)
    assert other in await api.refused("DELETE", path)
    assert len(await entries(api, other)) == 1


async def test_deleting_a_book(api: Api) -> None:
    book = await made(api)
    entry = await entered(api, book)
    assert await api.send("DELETE", f"{BOOKS}/{book}") == {"status": "ok"}
    await api.refused("DELETE", f"{BOOKS}/{book}", 404)
    await api.refused("GET", f"{BOOKS}/{book}/entries", 404)
    other = await made(api)
    await api.refused("PUT", f"{BOOKS}/{other}/entries/{entry}", 404, json=ENTRY)


async def test_foreign_ids_are_unknown(api: Api, stranger: Api) -> None:
    foreign, mine = await made(stranger), await made(api)
    entry = await entered(stranger, foreign)
    for book in (foreign, str(uuid4()), "nothing"):
        await api.refused("DELETE", f"{BOOKS}/{book}", 404)
        await api.refused("GET", f"{BOOKS}/{book}/entries", 404)
        await api.refused("POST", f"{BOOKS}/{book}/entries", 404, json=ENTRY)
    for book in (foreign, mine):
        for each in (entry, str(uuid4()), "nothing"):
            await api.refused("PUT", f"{BOOKS}/{book}/entries/{each}", 404, json=ENTRY)
            await api.refused("DELETE", f"{BOOKS}/{book}/entries/{each}", 404)
    assert [each["id"] for each in await entries(stranger, foreign)] == [entry]


async def transfer(api: Api, book: str) -> str:
    """The id of a new transfer that chooses from this book."""
    body = {
        "transfer_mode": "cold_transfer",
        "phone_book_id": book,
        "instructions": "When asked for a person.",
        "initiating_msg": "One moment.",
    }
    answer = await api.send("POST", "/v2/actions", json={"LIVE_TRANSFER": body, "name": "to the desk"})
    return str(answer["response"]["action_id"])


async def test_agents_whose_transfers_use_a_book(api: Api) -> None:
    book, unused = await made(api), await made(api)
    agents = sorted([await api.agent(), await api.agent()])
    await api.agent()
    action, other = await transfer(api, book), await transfer(api, book)
    for agent in agents:
        await api.send("POST", "/v2/actions/attach", json={"model_id": agent, "actions": [action, other]})
    listed = (await api.send("GET", BOOKS))["response"]["items"]
    assert {each["phone_book_id"]: each["agents"] for each in listed} == {book: agents, unused: []}


async def test_a_book_in_use_stays(api: Api) -> None:
    book = await made(api)
    await entered(api, book)
    action = await transfer(api, book)
    assert "to the desk" in await api.refused("DELETE", f"{BOOKS}/{book}")
    assert len(await entries(api, book)) == 1
    await api.send("DELETE", f"/v2/actions/{action}")
    await api.send("DELETE", f"{BOOKS}/{book}")
