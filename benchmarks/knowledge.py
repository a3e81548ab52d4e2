"""Knowledge: how often a question finds the passage that answers it, by meaning, by words and by both together.

A dozen documents of a small hotel and questions as guests ask them (`knowledge_set/`, our own), cut, embedded and
searched as an agent's base is, on an embedded PostgreSQL with row-level security. A hit: the words of the answer are in
one of the first passages.
"""

import asyncio
import json
import logging
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy import Select, select

from benchmarks.figures import Figure, percentile
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.storage.migrate import upgrade
from trunkline.resources.knowledge.chunking import cut
from trunkline.resources.knowledge.models import KnowledgeBase, KnowledgeChunk, KnowledgeSource
from trunkline.resources.knowledge.search import by_meaning, by_words, search
from trunkline.resources.workspaces.models import Workspace
from trunkline.voice.language.embeddings_minilm import MiniLM
from trunkline.voice.models.store import Store

SET = Path(__file__).parent / "knowledge_set"
AT = (1, 3, 5)


@dataclass(frozen=True)
class Asked:
    """A question and words that only the passage with its answer has."""

    question: str
    answer: str


def questions() -> list[Asked]:
    """Those of the set."""
    return [Asked(**json.loads(line)) for line in (SET / "questions.jsonl").read_text().splitlines()]


def documents() -> dict[str, str]:
    """Name and text of those of the set."""
    return {path.stem: path.read_text() for path in sorted(SET.glob("*.txt"))}


def measure(models: Path) -> Iterator[Figure]:
    """Hit rates among the first 1, 3 and 5 passages, and what a search takes."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory(prefix="tl-knowledge-") as folder, ThreadPoolExecutor(1) as pool:
        server = EmbeddedPostgres(Path(folder), durable=False)
        try:
            server.start()
            upgrade(server.owner_url)
            yield from asyncio.run(_measured(server.app_url, MiniLM(Store(models), pool)))
        finally:
            server.stop()


async def _measured(url: str, embeddings: MiniLM) -> list[Figure]:
    database = Database.connect(url)
    try:
        workspace, base, chunks = await _filled(database, embeddings)
        places: dict[str, list[int]] = {"meaning": [], "words": [], "both": []}
        took = []
        for asked in questions():
            [vector] = await embeddings.embed([asked.question])
            mine = [KnowledgeChunk.workspace_id == workspace, KnowledgeChunk.knowledge_base_id == base]
            nearness = KnowledgeChunk.embedding.cosine_distance(vector)
            orders = {"meaning": by_meaning(mine, nearness), "words": by_words(mine, asked.question)}
            for name, order in orders.items():
                places[name].append(_place(await _texts(database, workspace, order), asked))
            began = time.perf_counter()
            found = await search(database, embeddings, workspace, [base], asked.question, max(AT))
            took.append((time.perf_counter() - began) * 1000)
            places["both"].append(_place([each.text for each in found], asked))
    finally:
        await database.close()
    how = f"{len(took)} questions, {chunks} passages of {len(documents())} documents, MiniLM"
    rates = [
        Figure(
            f"knowledge_hits_{name}_at_{at}",
            100 * statistics.fmean(place <= at for place in found),
            "%",
            None,
            how,
        )
        for name, found in places.items()
        for at in AT
    ]
    times = [(0.5, "p50"), (0.99, "p99")]
    return [
        *rates,
        *(
            Figure(f"knowledge_search_{name}", percentile(took, share), "ms", None, how)
            for share, name in times
        ),
    ]


async def _filled(database: Database, embeddings: MiniLM) -> tuple[UUID, UUID, int]:
    """The workspace, its base, and how many chunks are in it."""
    async with database.system() as session:
        workspace = Workspace(name="bench")
        session.add(workspace)
    count = 0
    async with database.workspace(workspace.id) as session:
        base = KnowledgeBase(workspace_id=workspace.id, name="House")
        session.add(base)
        await session.flush()
        of = {"workspace_id": workspace.id, "knowledge_base_id": base.id}
        for name, text in documents().items():
            source = KnowledgeSource(**of, type="text", name=name, state="ready")
            session.add(source)
            await session.flush()
            texts = cut(text)
            count += len(texts)
            for position, vector in enumerate(await embeddings.embed(texts)):
                session.add(
                    KnowledgeChunk(
                        **of, source_id=source.id, position=position, text=texts[position], embedding=vector
                    )
                )
    return workspace.id, base.id, count


async def _texts(database: Database, workspace: UUID, order: Select[UUID, int, int]) -> list[str]:
    placed = order.subquery()
    query = (
        select(KnowledgeChunk.text)
        .join(
            placed,
            (KnowledgeChunk.source_id == placed.c.source_id) & (KnowledgeChunk.position == placed.c.position),
        )
        .order_by(placed.c.place)
    )
    async with database.workspace(workspace) as session:
        return list(await session.scalars(query))


def _place(texts: list[str], asked: Asked) -> int:
    """Of the first passage with the answer, from 1; beyond all where there is none."""
    return next((place for place, text in enumerate(texts, 1) if asked.answer in text), max(AT) + 1000)
