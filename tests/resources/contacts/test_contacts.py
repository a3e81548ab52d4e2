"""`/v2/contacts`, rule by rule."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from tests.resources.api import Api
from tests.resources.contract import contract
from trunkline.resources.contacts.models import Contact
from trunkline.resources.memory.models import Memory

PHONE = "+14155552671"


async def made(api: Api, phone: str = PHONE, **changes: Any) -> str:
    """The id of a new contact."""
    body = await api.send("POST", "/v2/contacts", json={"name": "Ann", "phone_number": phone, **changes})
    assert contract.faults(body, contract.answer_schema("POST", "/contacts", 200)) == []
    assert body["status"] == "ok"
    return str(body["response"]["id"])


async def found(api: Api, query: str = "") -> list[str]:
    """The ids that a list shows."""
    body = (await api.send("GET", f"/v2/contacts{query}"))["response"]
    return [contact["id"] for contact in body["items"]]


async def test_create_and_read(api: Api) -> None:
    contact = await made(api, email="ann@example.com", contact_metadata={"company": "Acme", "vip": [1, None]})
    read = await api.send("GET", f"/v2/contacts/{contact}/")
    assert contract.faults(read, contract.answer_schema("GET", "/contacts/{contact_id}", 200)) == []
    shown = read["response"]
    assert shown["name"] == "Ann"
    assert shown["phone_number"] == PHONE
    assert shown["email"] == "ann@example.com"
    assert shown["contact_metadata"] == {"company": "Acme", "vip": [1, None]}
    assert shown["workspace_id"] == str(api.workspace.id)
    assert shown["memory_store_ids"] == []
    listed = await api.send("GET", "/v2/contacts/")
    assert contract.faults(listed, contract.answer_schema("GET", "/contacts", 200)) == []
    assert listed["response"] == {"items": [shown], "total": 1, "page_size": 1000, "page_number": 1}


async def test_what_is_left_out(api: Api) -> None:
    contact = await made(api, email=None, contact_metadata=None, nickname="ignored")
    shown = (await api.send("GET", f"/v2/contacts/{contact}"))["response"]
    assert shown["email"] == ""
    assert shown["contact_metadata"] == {}
    assert "nickname" not in shown


async def test_a_number_is_kept_without_separators(api: Api) -> None:
    contact = await made(api, " +1 (415) 555-26.71 ")
    assert (await api.send("GET", f"/v2/contacts/{contact}"))["response"]["phone_number"] == PHONE


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"name": None}, "name is required"),
        ({"name": ""}, "name"),
        ({"phone_number": None}, "phone_number is required"),
        ({"phone_number": "14155552671"}, "E.164"),
        ({"phone_number": "+0155552671"}, "E.164"),
        ({"phone_number": "sip:ann@example.com"}, "E.164"),
        ({"phone_number": 14155552671}, "phone_number"),
        ({"contact_metadata": ["company"]}, "contact_metadata"),
        ({"contact_metadata": {"a": "\x00"}}, "contact_metadata.a"),
        ({"email": 3}, "email"),
    ],
)
async def test_what_is_refused(api: Api, changes: dict[str, Any], hint: str) -> None:
    body = {"name": "Ann", "phone_number": PHONE, **changes}
    body = {name: value for name, value in body.items() if value is not None}
    assert hint in await api.refused("POST", "/v2/contacts", json=body)
    assert await found(api) == []


async def test_one_contact_a_number(api: Api, stranger: Api) -> None:
    first = await made(api)
    second = await made(api, "+491701234567")
    body = {"name": "Bob", "phone_number": "+1 415 555 2671"}
    assert f"contact with {PHONE} already" in await api.refused("POST", "/v2/contacts", json=body)
    text = await api.refused("PATCH", f"/v2/contacts/{second}", json={"phone_number": PHONE})
    assert PHONE in text
    await api.send("PATCH", f"/v2/contacts/{first}", json={"phone_number": PHONE})
    await made(stranger)
    assert await found(api) == [second, first]


async def test_update_changes_what_is_sent(api: Api) -> None:
    contact = await made(api, email="a@b.example", contact_metadata={"a": 1, "b": 2})
    before = (await api.send("GET", f"/v2/contacts/{contact}"))["response"]
    answer = await api.send(
        "PATCH", f"/v2/contacts/{contact}", json={"name": "Bob", "contact_metadata": {"c": 3}}
    )
    assert answer == {"status": "ok"}
    after = (await api.send("GET", f"/v2/contacts/{contact}"))["response"]
    assert after["name"] == "Bob"
    assert after["contact_metadata"] == {"c": 3}
    assert after["email"] == "a@b.example"
    assert after["phone_number"] == PHONE
    assert after["updated_at"] > before["updated_at"]
    assert after["created_at"] == before["created_at"]
    await api.send("PATCH", f"/v2/contacts/{contact}", json={"email": ""})
    await api.send("PATCH", f"/v2/contacts/{contact}", headers={"Content-Type": "application/json"})
    assert (await api.send("GET", f"/v2/contacts/{contact}"))["response"]["email"] == ""


async def test_search_by_number(api: Api) -> None:
    ann = await made(api)
    bob = await made(api, "+491701234567")
    assert await found(api, "?search=%2B14155552671") == [ann]
    assert await found(api, "?search=+14155552671") == [ann]  # the plus arrives as a blank
    assert await found(api, "?search=%2B1%20415-555") == [ann]
    assert await found(api, "?search=%2B49") == [bob]
    assert await found(api, "?search=%2B491701234567") == [bob]
    assert await found(api, "?search=%2B4917012345678") == []
    assert await found(api, "?search=%2B5") == []
    assert await found(api, "?search=%2B") == [bob, ann]
    assert await found(api, "?search=1701234") == [bob]
    assert await found(api, "?search=%25") == []
    assert await found(api, "?search=Ann") == []
    assert await found(api, "?search=") == [bob, ann]


async def test_pages_as_asked_for(api: Api) -> None:
    contacts = [await made(api, f"+1415555000{n}") for n in range(3)]
    body = (await api.send("GET", "/v2/contacts?page_number=2&page_size=2"))["response"]
    assert body["total"] == 3
    assert (body["page_number"], body["page_size"]) == (2, 2)
    assert [contact["id"] for contact in body["items"]] == [contacts[0]]
    assert await found(api, "?limit=1&offset=1") == [contacts[1]]
    assert "page_size" in await api.refused("GET", "/v2/contacts?page_size=0")


async def test_deleting_forgets(api: Api) -> None:
    contact, other = await made(api), await made(api, "+491701234567")
    store = (await api.send("POST", "/v2/memory_stores", json={"title": "T"}))["response"]["id"]
    for each in (contact, other):
        await api.send("POST", f"/v2/memory_stores/{store}/contacts/{each}/attach")
    assert (await api.send("GET", f"/v2/contacts/{contact}"))["response"]["memory_store_ids"] == [store]
    assert await api.send("DELETE", f"/v2/contacts/{contact}") == {"status": "ok"}
    await api.refused("GET", f"/v2/contacts/{contact}", 404)
    await api.refused("DELETE", f"/v2/contacts/{contact}", 404)
    async with api.database.workspace(api.workspace.id) as session:
        assert (await session.execute(select(Memory.contact_id))).scalars().all() == [UUID(other)]
    assert (await api.send("GET", f"/v2/memory_stores/{store}"))["response"]["contact_ids"] == [other]
    await made(api)  # the number is free again


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_foreign_ids_are_unknown(api: Api, stranger: Api, method: str) -> None:
    foreign = await made(stranger)
    for contact in (foreign, str(uuid4()), "nobody"):
        text = await api.refused(
            method, f"/v2/contacts/{contact}", 404, json={} if method == "PATCH" else None
        )
        assert contact in text
    async with stranger.database.workspace(stranger.workspace.id) as session:
        assert (await session.execute(select(Contact.name))).scalars().all() == ["Ann"]
    assert await found(api) == []
