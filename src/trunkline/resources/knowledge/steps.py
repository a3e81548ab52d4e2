"""What is written of a source while it is read, step by step.

Every step is a transaction that holds the source's row, and is made only for the version that its job was made for:
of a source that was changed or deleted meanwhile nothing is written, and its chunks are always of its present version.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.platform.storage.database import Database
from trunkline.platform.work.jobs import Queue, defer
from trunkline.resources.knowledge.models import KnowledgeChunk, KnowledgeSource
from trunkline.resources.knowledge.state import SourceState, sources
from trunkline.voice.language.embeddings import Vectors

READ_SOURCE = "read_source"
PREVIEW = 200
"""Letters."""
_ROWS = 500
"""Chunks that one statement writes."""


class Stale(Exception):
    """The source was changed or deleted, or is read already: what is at hand concerns nobody any more."""


class Steps:
    """Those of one job. Each raises Stale when it comes too late."""

    def __init__(self, database: Database, workspace_id: UUID, source_id: UUID, version: int) -> None:
        self._database = database
        self._workspace = workspace_id
        self._source = source_id
        self._version = version

    async def begin(self) -> KnowledgeSource:
        """The source as it is now, one more try begun."""
        async with self._step() as (_, source):
            _move(source, SourceState.READING if source.chunk_count is None else SourceState.EMBEDDING)
            source.tries += 1
        return source

    async def content(self) -> str:
        """The text of a source of the type text."""
        async with self._step() as (session, _):
            query = select(KnowledgeSource.content).where(KnowledgeSource.id == self._source)
            return await session.scalar(query) or ""

    async def store_chunks(self, texts: Sequence[str], preview: str) -> None:
        """The chunks of the source."""
        async with self._step(SourceState.EMBEDDING) as (session, source):
            source.chunk_count, source.preview, source.tries = len(texts), preview, 0
            await forget_chunks(session, source.id)
            rows = [
                {
                    "source_id": source.id,
                    "position": position,
                    "workspace_id": source.workspace_id,
                    "knowledge_base_id": source.knowledge_base_id,
                    "text": text,
                }
                for position, text in enumerate(texts)
            ]
            for at in range(0, len(rows), _ROWS):
                await session.execute(insert(KnowledgeChunk), rows[at : at + _ROWS])

    async def without_vector(self, most: int) -> list[tuple[int, str]]:
        """Position and text of the next chunks that are to be embedded."""
        query = (
            select(KnowledgeChunk.position, KnowledgeChunk.text)
            .where(KnowledgeChunk.source_id == self._source, KnowledgeChunk.embedding.is_(None))
            .order_by(KnowledgeChunk.position)
            .limit(most)
        )
        async with self._step() as (session, _):
            return [(position, text) for position, text in await session.execute(query)]

    async def store_vectors(self, positions: Sequence[int], vectors: Vectors) -> None:
        """The vectors of some chunks."""
        async with self._step(SourceState.EMBEDDING) as (session, source):
            source.tries = 0
            rows = [
                {"source_id": self._source, "position": position, "embedding": vector}
                for position, vector in zip(positions, vectors, strict=True)
            ]
            await session.execute(update(KnowledgeChunk), rows)

    async def done(self) -> None:
        """All of the source can be found."""
        async with self._step(SourceState.READY) as (_, source):
            source.error = None

    async def go_on(self) -> None:
        """Another job takes up where this one ends."""
        async with self._step() as (session, source):
            await queue(session, source)

    async def put_off(self, seconds: float, error: str) -> None:
        """Another try after `seconds`; `error`: why."""
        async with self._step(SourceState.QUEUED) as (session, source):
            source.error = error
            await queue(session, source, datetime.now(UTC) + timedelta(seconds=seconds))

    async def fail(self, error: str) -> None:
        """The source cannot be read; nothing of it is kept."""
        async with self._step(SourceState.FAILED) as (session, source):
            source.error, source.chunk_count = error, None
            await forget_chunks(session, source.id)

    @asynccontextmanager
    async def _step(
        self, to: SourceState | None = None
    ) -> AsyncIterator[tuple[AsyncSession, KnowledgeSource]]:
        query = select(KnowledgeSource).where(
            KnowledgeSource.workspace_id == self._workspace,
            KnowledgeSource.id == self._source,
            KnowledgeSource.version == self._version,
        )
        async with self._database.workspace(self._workspace) as session:
            source = await session.scalar(query.with_for_update())
            if source is None:
                raise Stale
            if to is not None:
                _move(source, to)
            yield session, source


def _move(source: KnowledgeSource, to: SourceState) -> None:
    """Raises Stale: its state does not lead there."""
    if source.state not in sources(to):
        raise Stale
    source.state = to


async def queue(session: AsyncSession, source: KnowledgeSource, at: datetime | None = None) -> None:
    """Enqueue the job that reads a source as it is now; `at`: not before."""
    job = {
        "workspace_id": str(source.workspace_id),
        "source_id": str(source.id),
        "version": source.version,
    }
    await defer(session, READ_SOURCE, job, Queue.SLOW, at=at)


async def forget_chunks(session: AsyncSession, source_id: UUID) -> None:
    """Remove what was read of a source, whose row the transaction holds."""
    await session.execute(delete(KnowledgeChunk).where(KnowledgeChunk.source_id == source_id))


def preview_of(text: str) -> str:
    """How a text begins, on one line."""
    return " ".join(text[: 4 * PREVIEW].split())[:PREVIEW]
