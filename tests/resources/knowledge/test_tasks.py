"""The job of a source, from its row to its chunks, on the real database."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from tests.resources.api import Api
from tests.resources.knowledge.documents import HTML, Page, Web, pdf
from tests.resources.knowledge.test_bases import made
from tests.resources.knowledge.test_sources import PDF, TEXT, WEB, added, jobs, progress, sources
from trunkline.errors import OutboundFailed, OutboundRefused
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.work.jobs import Jobs, Queue
from trunkline.resources.knowledge.models import KnowledgeChunk
from trunkline.resources.knowledge.tasks import AGAIN_AFTER, MOST_TRIES, TOGETHER, KnowledgeTasks
from trunkline.voice.language.embeddings import Embeddings, Vectors
from trunkline.voice.language.embeddings_minilm import MiniLM
from trunkline.voice.language.embeddings_twin import WordEmbeddings
from trunkline.voice.models.store import Store

LONG = {**TEXT, "content": "\n\n".join(f"Paragraph {n}. " + "word " * 100 for n in range(50))}


class Pausing(WordEmbeddings):
    """Waits in the middle of its work until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.go = asyncio.Event()

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.begun.set()
        await self.go.wait()
        return await super().embed(texts)


class Dying(WordEmbeddings):
    """Breaks after some batches."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        self._batches = batches

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self._batches -= 1
        if self._batches < 0:
            raise RuntimeError("the worker dies")
        return await super().embed(texts)


class PausingWeb(Web):
    """Waits in the middle of an answer until it is let go."""

    def __init__(self, **pages: Page | Exception) -> None:
        super().__init__(**pages)
        self.begun = asyncio.Event()
        self.go = asyncio.Event()

    async def send(self, method: str, url: str, **arguments: Any) -> Any:
        self.begun.set()
        await self.go.wait()
        return await super().send(method, url, **arguments)


def tasks(
    api: Api, web: Outbound | None = None, embeddings: Embeddings | None = None, slice_s: float = 60.0
) -> KnowledgeTasks:
    return KnowledgeTasks(api.database, web or Web(), embeddings or WordEmbeddings(), slice_s)


async def read(knowledge: KnowledgeTasks, api: Api, source: str, version: int = 1) -> None:
    await knowledge.read_source(str(api.workspace.id), source, version)


async def chunks(api: Api, source: str) -> list[KnowledgeChunk]:
    query = select(KnowledgeChunk).where(KnowledgeChunk.source_id == UUID(source))
    async with api.database.system() as session:
        return list(await session.scalars(query.order_by(KnowledgeChunk.position)))


async def failure(api: Api, base: str, source: str) -> str:
    """Why a source has failed; nothing of it may be left."""
    shown = await progress(api, base, source)
    assert (shown["state"], shown["chunks"], shown["chunks_embedded"]) == ("failed", 0, 0)
    assert await chunks(api, source) == []
    return str(shown["error"])


async def test_a_text(api: Api) -> None:
    base = await made(api)
    source = await added(api, base, TEXT)
    await read(tasks(api), api, source)
    shown = await progress(api, base, source)
    assert (shown["state"], shown["error"]) == ("ready", None)
    assert (shown["chunks"], shown["chunks_embedded"]) == (1, 1)
    [chunk] = await chunks(api, source)
    assert (chunk.position, chunk.text, str(chunk.knowledge_base_id)) == (0, "We open at nine.", base)
    [vector] = await WordEmbeddings().embed(["We open at nine."])
    assert chunk.embedding is not None
    assert vector @ chunk.embedding == pytest.approx(1.0, abs=1e-5)
    async with api.database.system() as session:
        words = await session.scalar(text("SELECT words::text FROM knowledge_chunks"))
    assert words == "'nine':4 'open':2"


async def test_a_page_and_a_pdf(api: Api) -> None:
    base = await made(api)
    web = Web(faq=Page(HTML), **{"prices.pdf": Page(pdf("Tea costs 3 euros"), "application/pdf")})
    page, prices = await added(api, base, WEB), await added(api, base, PDF)
    await read(tasks(api, web), api, page)
    await read(tasks(api, web), api, prices)
    shown = await progress(api, base, page)
    assert shown["state"] == "ready"
    assert shown["content_preview"].startswith("Delivery Parcels are sent on the day")
    assert (await progress(api, base, prices))["content_preview"] == "Tea costs 3 euros"
    [chunk] = await chunks(api, prices)
    assert chunk.text == "Tea costs 3 euros"


@pytest.mark.parametrize(
    ("kind", "page", "hint"),
    [
        (WEB, Page(status=404), "answered with status 404"),
        (WEB, OutboundRefused("10.0.0.1 is not public"), "10.0.0.1 is not public"),
        (WEB, Page("<html><body></body></html>"), "No text was found"),
        (WEB, Page(b"\x89PNG", "image/png"), "neither a page"),
        (PDF, Page(HTML), "is no PDF"),
        (PDF, Page(pdf(""), "application/pdf"), "No text was found"),
        (PDF, Page(b"%PDF-1.4 broken", "application/pdf"), "The PDF"),
        ({**TEXT, "content": "…"}, Page(), "No text was found"),
    ],
)
async def test_what_cannot_be_read_fails_at_once(
    api: Api, kind: dict[str, Any], page: Page | Exception, hint: str
) -> None:
    base = await made(api)
    source = await added(api, base, kind)
    await read(tasks(api, Web(faq=page, **{"prices.pdf": page})), api, source)
    assert hint in await failure(api, base, source)
    assert len(await jobs(api)) == 1


async def test_a_private_address_fails(api: Api) -> None:
    base = await made(api)
    source = await added(api, base, {**WEB, "url": "http://127.0.0.1:1/x"})
    outbound = Outbound()
    await read(tasks(api, outbound), api, source)
    await outbound.close()
    assert "127.0.0.1" in await failure(api, base, source)


async def test_no_answer_is_tried_again_later_and_at_last_fails(api: Api) -> None:
    base = await made(api)
    source = await added(api, base, WEB)
    web = Web(faq=OutboundFailed("shop.example.com gave no answer within 60 s", timed_out=True))
    for n, seconds in enumerate(AGAIN_AFTER, 1):
        await read(tasks(api, web), api, source)
        shown = await progress(api, base, source)
        assert shown["state"] == "queued"
        assert (
            shown["error"]
            == f"shop.example.com gave no answer within 60 s. It is tried again in {seconds:.0f} s."
        )
        assert len(await jobs(api)) == n + 1
    waits = text(
        "SELECT round(extract(epoch FROM scheduled_at - now())) FROM procrastinate_jobs "
        "WHERE scheduled_at IS NOT NULL ORDER BY id"
    )
    async with api.database.system() as session:
        planned = [int(wait) for wait in await session.scalars(waits)]
    assert planned == pytest.approx(AGAIN_AFTER, abs=60)

    await read(tasks(api, web), api, source)
    assert f"It was tried {MOST_TRIES} times" in await failure(api, base, source)
    assert len(await jobs(api)) == MOST_TRIES


async def test_a_try_that_succeeds_forgets_the_trouble(api: Api) -> None:
    base = await made(api)
    source = await added(api, base, WEB)
    web = Web(faq=Page(status=503))
    await read(tasks(api, web), api, source)
    assert "status 503" in (await progress(api, base, source))["error"]
    web.pages["faq"] = Page(HTML)
    await read(tasks(api, web), api, source)
    shown = await progress(api, base, source)
    assert (shown["state"], shown["error"]) == ("ready", None)


async def test_a_failed_source_is_read_anew_when_it_is_sent_again(api: Api) -> None:
    base = await made(api)
    source = await added(api, base, WEB)
    web = Web(faq=Page(status=404))
    await read(tasks(api, web), api, source)
    await failure(api, base, source)
    web.pages["faq"] = Page(HTML)
    await api.send("PUT", f"{sources(base)}/{source}", json={"url": WEB["url"]})
    assert (await progress(api, base, source))["error"] is None
    await read(tasks(api, web), api, source, version=2)
    assert (await progress(api, base, source))["state"] == "ready"


async def test_a_missing_model_is_the_sources_error(api: Api, tmp_path: Path) -> None:
    base = await made(api)
    source = await added(api, base, TEXT)
    with ThreadPoolExecutor(1) as pool:
        await read(tasks(api, embeddings=MiniLM(Store(tmp_path), pool)), api, source)
    assert "trunkline models pull embed-minilm" in await failure(api, base, source)


async def test_a_long_text_is_embedded_in_slices_by_one_job_after_the_other(api: Api) -> None:
    base = await made(api)
    source = await added(api, base, LONG)
    embedded, begun = [], 0
    while begun < len(await jobs(api)):
        begun += 1
        await read(tasks(api, slice_s=0.0), api, source)
        embedded.append((await progress(api, base, source))["chunks_embedded"])
    shown = await progress(api, base, source)
    assert (shown["state"], shown["error"]) == ("ready", None)
    assert embedded == [TOGETHER, 2 * TOGETHER, 3 * TOGETHER, shown["chunks"], shown["chunks"]]
    assert 3 * TOGETHER < shown["chunks"] == len(await chunks(api, source))


async def test_a_job_goes_on_where_another_one_died(api: Api) -> None:
    base = await made(api)
    source = await added(api, base, LONG)
    with pytest.raises(RuntimeError):
        await read(tasks(api, embeddings=Dying(1)), api, source)
    shown = await progress(api, base, source)
    assert (shown["state"], shown["chunks_embedded"]) == ("embedding", TOGETHER)
    again = WordEmbeddings()
    await read(tasks(api, embeddings=again), api, source)
    shown = await progress(api, base, source)
    assert (shown["state"], shown["chunks_embedded"]) == ("ready", shown["chunks"])
    assert len(again.asked) == shown["chunks"] - TOGETHER
    assert all(chunk.embedding is not None for chunk in await chunks(api, source))


async def test_what_kills_its_worker_is_given_up(api: Api) -> None:
    base = await made(api)
    source = await added(api, base, WEB)
    web = Web(faq=RuntimeError("the worker dies"))
    for _ in range(MOST_TRIES):
        with pytest.raises(RuntimeError):
            await read(tasks(api, web), api, source)
        assert (await progress(api, base, source))["state"] == "reading"
    await read(tasks(api, web), api, source)
    assert f"begun {MOST_TRIES} times" in await failure(api, base, source)


async def test_a_job_that_runs_twice_leaves_one_set_of_chunks(api: Api) -> None:
    base = await made(api)
    source = await added(api, base, LONG)
    await asyncio.gather(*(read(tasks(api), api, source) for _ in range(2)))
    shown = await progress(api, base, source)
    assert (shown["state"], shown["chunks_embedded"]) == ("ready", shown["chunks"])
    again = WordEmbeddings()
    await read(tasks(api, embeddings=again), api, source)
    assert again.asked == []
    assert len(await chunks(api, source)) == shown["chunks"]


@pytest.mark.parametrize("change", ["update", "delete", "delete base"])
@pytest.mark.parametrize("place", ["fetching", "embedding"])
async def test_a_change_meanwhile_leaves_nothing_old(api: Api, change: str, place: str) -> None:
    base = await made(api)
    source = await added(api, base, WEB)
    web, embeddings = PausingWeb(faq=Page(HTML)), Pausing()
    held = web if place == "fetching" else embeddings
    (embeddings if place == "fetching" else web).go.set()
    job = asyncio.create_task(read(tasks(api, web, embeddings), api, source))
    await held.begun.wait()
    path = f"{sources(base)}/{source}"
    if change == "update":
        await api.send("PUT", path, json={"url": "https://shop.example.com/new"})
    else:
        await api.send("DELETE", path if change == "delete" else f"/v2/knowledge_base/{base}")
    assert await chunks(api, source) == []
    held.go.set()
    await job
    assert await chunks(api, source) == []
    if change == "update":
        assert (await progress(api, base, source))["state"] == "queued"
        new = Web(new=Page("<html><body><p>Now we deliver at night.</p></body></html>"))
        await read(tasks(api, new), api, source, version=2)
        [chunk] = await chunks(api, source)
        assert chunk.text == "Now we deliver at night."


async def test_an_updated_source_has_no_chunks_until_it_is_read(api: Api) -> None:
    base = await made(api)
    source = await added(api, base, TEXT)
    await read(tasks(api), api, source)
    await api.send("PUT", f"{sources(base)}/{source}", json={"name": "Times"})
    assert len(await chunks(api, source)) == 1
    await api.send("PUT", f"{sources(base)}/{source}", json={"content": "We open at ten."})
    assert await chunks(api, source) == []
    shown = await progress(api, base, source)
    assert (shown["state"], shown["chunks"]) == ("queued", 0)


async def test_the_worker_runs_it(api: Api, postgres: EmbeddedPostgres) -> None:
    base = await made(api)
    slow = Jobs(postgres.app_url, Queue.SLOW)
    tasks(api).register(slow)
    worker = asyncio.create_task(slow.run())
    try:
        source = await added(api, base, TEXT)
        async with asyncio.timeout(20):
            while True:
                if (await progress(api, base, source))["state"] == "ready":
                    break
                await asyncio.sleep(0.05)
    finally:
        worker.cancel()
        await asyncio.wait([worker])
