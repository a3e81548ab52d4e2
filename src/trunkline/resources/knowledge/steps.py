"""What the job of a source writes, step by step.

Every step is conditional on the source's version, and holds the source's row until it commits: of a source that
was changed or deleted meanwhile nothing is written, and its chunks are always of its present version.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.platform.work.jobs import Queue, defer
from trunkline.resources.knowledge.models import KnowledgeChunk, KnowledgeSource
from trunkline.resources.knowledge.state import SourceState, sources
from trunkline.voice.language.embeddings import Vectors

READ_SOURCE = "read_source"
PREVIEW = 200
"""Letters."""
_ROWS = 500
"""Chunks that one statement writes."""


async def queue(
    session: AsyncSession, workspace_id: UUID, source_id: UUID, version: int, at: datetime | None = None
) -> None:
    """Enqueue the job that reads this version of a source; `at`: not before."""
    job = {"workspace_id": str(workspace_id), "source_id": str(source_id), "version": version}
    await defer(session, READ_SOURCE, job, Queue.SLOW, at=at)


async def move(
    session: AsyncSession, source_id: UUID, version: int, to: SourceState, **values: Any
) -> KnowledgeSource | None:
    """Set state and further columns; None when the source is gone, changed, or in no state that leads there."""
    statement = (
        update(KnowledgeSource)
        .where(
            KnowledgeSource.id == source_id,
            KnowledgeSource.version == version,
            KnowledgeSource.state.in_(sources(to)),
        )
        .values(state=to, **values)
        .returning(KnowledgeSource)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def content_of(session: AsyncSession, source_id: UUID) -> str:
    """The text of a source of the type text."""
    query = select(KnowledgeSource.content).where(KnowledgeSource.id == source_id)
    return (await session.execute(query)).scalar_one_or_none() or ""


async def store_chunks(session: AsyncSession, source: KnowledgeSource, texts: Sequence[str]) -> None:
    """The chunks of a source instead of what there was; after `move`, in its transaction."""
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


async def forget_chunks(session: AsyncSession, source_id: UUID) -> None:
    """Remove what was read; after `move`, in its transaction."""
    await session.execute(delete(KnowledgeChunk).where(KnowledgeChunk.source_id == source_id))


async def without_vector(session: AsyncSession, source_id: UUID, most: int) -> list[tuple[int, str]]:
    """Position and text of the next chunks that are to be embedded."""
    query = (
        select(KnowledgeChunk.position, KnowledgeChunk.text)
        .where(KnowledgeChunk.source_id == source_id, KnowledgeChunk.embedding.is_(None))
        .order_by(KnowledgeChunk.position)
        .limit(most)
    )
    return [(position, text) for position, text in await session.execute(query)]


async def store_vectors(
    session: AsyncSession, source_id: UUID, positions: Sequence[int], vectors: Vectors
) -> None:
    """The vectors of some chunks; after `move`, in its transaction."""
    rows = [
        {"source_id": source_id, "position": position, "embedding": vector}
        for position, vector in zip(positions, vectors, strict=True)
    ]
    await session.execute(update(KnowledgeChunk), rows)


def preview_of(text: str) -> str:
    """How a text begins, on one line."""
    return " ".join(text[: 4 * PREVIEW].split())[:PREVIEW]
