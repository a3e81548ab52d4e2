"""`/v2/knowledge_base/{id}/sources`: what may be written, and how it is shown."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from tests.resources.api import Api
from tests.resources.contract import contract
from tests.resources.knowledge.test_bases import made
from trunkline.resources.knowledge.models import KnowledgeSource

PATH = "/knowledge_base/{knowledge_base_id}/sources"
TEXT = {"type": "text", "name": "Hours", "content": "We open\n\nat nine."}
WEB = {"type": "web", "name": "Site", "url": "https://shop.example.com/faq"}
PDF = {"type": "pdf", "name": "Prices", "url": "https://shop.example.com/prices.pdf"}


def sources(base: str) -> str:
    return f"/v2/knowledge_base/{base}/sources"


async def added(api: Api, base: str, body: dict[str, Any]) -> str:
    answer = await api.send("POST", sources(base), json=body)
    assert not contract.faults(answer, contract.answer_schema("POST", PATH, 200))
    return str(answer["response"]["source_id"])


async def progress(api: Api, base: str, source: str) -> dict[str, Any]:
    answer = await api.send("GET", f"/trunkline/v1/knowledge_bases/{base}/sources/{source}")
    shown: dict[str, Any] = answer["response"]
    return shown


async def jobs(api: Api) -> list[tuple[str, str, int]]:
    """(queue, source, version) of each."""
    query = text("SELECT queue_name, args FROM procrastinate_jobs ORDER BY id")
    async with api.database.system() as session:
        rows = (await session.execute(query)).all()
    return [(queue, args["source_id"], args["version"]) for queue, args in rows]


async def test_create_and_list(api: Api) -> None:
    base = await made(api)
    ids = [await added(api, base, body) for body in (TEXT, WEB, PDF)]
    answer = await api.send("GET", sources(base))
    assert not contract.faults(answer, contract.answer_schema("GET", PATH, 200))
    assert answer["response"]["total_records"] == 3
    assert answer["response"]["knowledge_base_id"] == base
    pdf, web, words = answer["response"]["sources"]
    assert [pdf["id"], web["id"], words["id"]] == ids[::-1]
    assert (words["type"], words["name"], words["url"]) == ("text", "Hours", "")
    assert words["content_preview"] == "We open at nine."
    assert (web["url"], web["content_preview"]) == (WEB["url"], "")
    assert pdf["url"] == PDF["url"]
    assert datetime.fromisoformat(words["created_at"]).tzinfo is not None
    assert words["updated_at"] == words["created_at"]
    assert await jobs(api) == [("slow", id_, 1) for id_ in ids]


async def test_pages_and_names(api: Api) -> None:
    base = await made(api)
    ids = [await added(api, base, {**TEXT, "name": f"Hours {n:02} 100%"}) for n in range(21)]
    first = (await api.send("GET", sources(base)))["response"]
    assert first["total_records"] == 21
    assert [source["id"] for source in first["sources"]] == ids[:0:-1]
    rest = await api.send("GET", sources(base), params={"limit": 3, "offset": 20})
    assert [source["id"] for source in rest["response"]["sources"]] == ids[:1]
    named = (await api.send("GET", sources(base), params={"name": "hOURS 07"}))["response"]
    assert (named["total_records"], [source["id"] for source in named["sources"]]) == (1, [ids[7]])
    assert (await api.send("GET", sources(base), params={"name": "7%"}))["response"]["sources"] == []
    await api.refused("GET", sources(base), params={"limit": 1001})


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        ({"type": "text", "name": "N"}, "content is required"),
        ({"type": "text", "content": " \n"}, "content is required"),
        ({"type": "text", "url": "https://a.example.com"}, "content is required"),
        ({"type": "web", "name": "N"}, "url is required"),
        ({"type": "web", "url": ""}, "url is required"),
        ({"type": "pdf", "content": "Words."}, "url is required"),
        ({"type": "pdf", "url": "ftp://a.example.com/x"}, "url: must be an address"),
        ({"type": "web", "url": "shop.example.com"}, "url: must be an address"),
        ({"type": "link", "url": "https://a.example.com"}, "type"),
        ({"content": "Words."}, "type is required"),
        ({"type": "text", "content": 5}, "content"),
        ({"type": "text", "content": "a\x00b"}, "content holds a character"),
        ({"type": "text", "content": "Words.", "name": "n" * 1001}, "name"),
        (None, "body"),
    ],
)
async def test_wrong_sources(api: Api, body: Any, hint: str) -> None:
    base = await made(api)
    assert hint in await api.refused("POST", sources(base), json=body)
    assert (await api.send("GET", sources(base)))["response"]["total_records"] == 0


async def test_what_a_type_does_not_have_is_ignored_when_made(api: Api) -> None:
    base = await made(api)
    await added(api, base, {**TEXT, "url": "https://a.example.com", "title": "T"})
    [source] = (await api.send("GET", sources(base)))["response"]["sources"]
    assert (source["name"], source["url"]) == ("Hours", "")


async def test_a_text_of_many_megabytes(api: Api) -> None:
    base = await made(api)
    await added(api, base, {**TEXT, "content": "words " * 2_600_000})
    [source] = (await api.send("GET", sources(base)))["response"]["sources"]
    assert len(source["content_preview"]) <= 200
    path = f"{sources(base)}/{source['id']}"
    await api.send("PUT", path, json={"content": "other " * 2_600_000})
    for method, address in (("POST", sources(base)), ("PUT", path)):
        body = {**TEXT, "content": "words " * 2_800_000}
        assert "larger than 16 MiB" in await api.refused(method, address, 413, json=body)


async def row(api: Api, source: str) -> KnowledgeSource:
    query = select(KnowledgeSource).where(KnowledgeSource.id == UUID(source))
    async with api.database.system() as session:
        found = (await session.execute(query)).scalar_one()
        await session.refresh(found, ["content"])
        return found


async def test_update(api: Api) -> None:
    base = await made(api)
    words, web = await added(api, base, TEXT), await added(api, base, WEB)
    path = f"{sources(base)}/{words}"
    answer = await api.send("PUT", path, json={"name": "Times"})
    assert not contract.faults(answer, contract.answer_schema("PUT", f"{PATH}/{{source_id}}", 200))
    assert answer["response"]["source_id"] == words
    assert len(await jobs(api)) == 2  # a name is not read
    shown = await progress(api, base, words)
    assert (shown["name"], shown["content_preview"]) == ("Times", "We open at nine.")
    assert shown["updated_at"] > shown["created_at"]

    await api.send("PUT", path, json={"content": "We open at ten.", "url": ""})
    assert (await row(api, words)).content == "We open at ten."
    assert (await progress(api, base, words))["content_preview"] == "We open at ten."
    await api.send("PUT", f"{sources(base)}/{web}", json={"url": WEB["url"]})  # the same page, as it is now
    assert (await jobs(api))[2:] == [("slow", words, 2), ("slow", web, 2)]


@pytest.mark.parametrize(
    ("kind", "body", "hint"),
    [
        (TEXT, {}, "Nothing to change"),
        (TEXT, {"content": ""}, "Nothing to change"),
        (TEXT, {"url": "https://a.example.com"}, "url: a source of the type text has none"),
        (WEB, {"content": "Words."}, "content: a source of the type web has none"),
        (PDF, {"name": "N", "content": "Words."}, "content: a source of the type pdf has none"),
        (PDF, {"url": "prices"}, "url: must be an address"),
        (WEB, None, "body"),
    ],
)
async def test_wrong_updates(api: Api, kind: dict[str, Any], body: Any, hint: str) -> None:
    base = await made(api)
    source = await added(api, base, kind)
    assert hint in await api.refused("PUT", f"{sources(base)}/{source}", json=body)
    assert (await progress(api, base, source))["name"] == kind["name"]
    assert len(await jobs(api)) == 1


async def test_delete(api: Api) -> None:
    base = await made(api)
    source = await added(api, base, TEXT)
    answer = await api.send("DELETE", f"{sources(base)}/{source}")
    assert answer["response"]["id"] == source
    schema = contract.answer_schema("DELETE", f"{PATH}/{{source_id}}", 200)
    assert not contract.faults(answer, schema)
    await api.refused("DELETE", f"{sources(base)}/{source}", 404)
    assert (await api.send("GET", sources(base)))["response"]["sources"] == []


async def test_a_base_takes_its_sources_along(api: Api) -> None:
    base = await made(api)
    await added(api, base, TEXT)
    await api.send("DELETE", f"/v2/knowledge_base/{base}")
    async with api.database.system() as session:
        assert (await session.execute(select(KnowledgeSource.id))).all() == []


async def test_a_foreign_source_is_like_an_unknown_one(api: Api, stranger: Api) -> None:
    base, other, theirs = await made(api), await made(api), await made(stranger)
    elsewhere, foreign = await added(api, other, TEXT), await added(stranger, theirs, TEXT)
    for id_ in (elsewhere, foreign, str(uuid4()), "x"):
        path = f"{sources(base)}/{id_}"
        for method, arguments in (("PUT", {"json": {"name": "Mine"}}), ("DELETE", {})):
            said = await api.refused(method, path, 404, **arguments)
            assert said == f"The knowledge base {base} has no source {id_}."
        await api.refused("GET", f"/trunkline/v1/knowledge_bases/{base}/sources/{id_}", 404)
    await api.refused("GET", f"/trunkline/v1/knowledge_bases/{theirs}/sources/{foreign}", 404)
    assert (await progress(stranger, theirs, foreign))["name"] == "Hours"
    assert (await progress(api, other, elsewhere))["name"] == "Hours"


async def test_progress_of_a_new_source(api: Api) -> None:
    base = await made(api)
    shown = await progress(api, base, await added(api, base, WEB))
    assert (shown["state"], shown["error"]) == ("queued", None)
    assert (shown["chunks"], shown["chunks_embedded"]) == (0, 0)
    assert shown["type"] == "web"
