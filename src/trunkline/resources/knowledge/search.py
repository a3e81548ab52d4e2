"""Finds what an agent's knowledge says about a question: by meaning and by words, both in one list.

Both look at every chunk of the bases asked, through the index on workspace and base: exact, some 10 ms for a thousand
chunks. An index on the vectors would find less than half of the nearest for no gain that is felt (decision 12), and
none on the words can be used: row-level security lets no operator look at a row before that which is not marked
leakproof. The two orders are merged by reciprocal rank (Cormack, Clarke and Büttcher 2009): a chunk earns
1 / (60 + place) in each.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import CTE, ColumnElement, Float, Select, cast, func, literal, null, select, union_all

from trunkline.platform.storage.database import Database
from trunkline.resources.knowledge.models import KnowledgeChunk as Chunk
from trunkline.resources.knowledge.models import KnowledgeSource
from trunkline.voice.language.embeddings import Embeddings

log = structlog.get_logger(__name__)

PASSAGES = 5
LONGEST = 1000
"""Letters of a question that are heeded."""
_CANDIDATES = 40
"""Chunks that each order puts up."""
_DAMPING = 60


@dataclass(frozen=True)
class Passage:
    """A chunk that was found."""

    source_id: UUID
    source_name: str
    position: int
    """Of the chunk in its source, from 0."""
    text: str
    similarity: float | None
    """Of meaning, from -1 to 1; None while the chunk has no vector yet."""
    score: float
    """Of both orders; for comparison within one search only."""


async def search(
    database: Database,
    embeddings: Embeddings,
    workspace_id: UUID,
    base_ids: Sequence[UUID],
    question: str,
    count: int = PASSAGES,
) -> list[Passage]:
    """The passages of these bases of the workspace that fit a question best, the best first.

    Raises:
        ModelMissing: the embedding model's files are not there.
        Unavailable: the database is away.
    """
    question = question.replace("\x00", " ")[:LONGEST]
    if not base_ids or not question.strip():
        return []
    began = time.monotonic()
    [vector] = await embeddings.embed([question])
    mine = [Chunk.workspace_id == workspace_id, Chunk.knowledge_base_id.in_(base_ids)]
    distance = Chunk.embedding.cosine_distance(vector)
    merged = _merged(by_meaning(mine, distance), by_words(mine, question), count)
    query = (
        select(
            Chunk.source_id,
            KnowledgeSource.name,
            Chunk.position,
            Chunk.text,
            1 - distance,
            merged.c.score,
        )
        .join(merged, (Chunk.source_id == merged.c.source_id) & (Chunk.position == merged.c.position))
        .join(KnowledgeSource, KnowledgeSource.id == Chunk.source_id)
        .where(*mine)
        .order_by(merged.c.score.desc(), merged.c.nearest.nulls_last(), Chunk.source_id, Chunk.position)
    )
    async with database.workspace(workspace_id) as session:
        passages = [Passage(*row) for row in await session.execute(query)]
    log.info("knowledge_searched", found=len(passages), ms=round((time.monotonic() - began) * 1000, 1))
    return passages


def by_meaning(mine: list[ColumnElement[bool]], distance: ColumnElement[float]) -> Select[UUID, int, int]:
    """Source, position and place of the nearest chunks that have their vector."""
    return _placed(
        Chunk.source_id.expression, Chunk.position.expression, distance, *mine, Chunk.embedding.is_not(None)
    )


def by_words(mine: list[ColumnElement[bool]], question: str) -> Select[UUID, int, int]:
    """Source, position and place of the chunks with words of the question; a word that few have counts for more."""
    lexemes = func.unnest(func.to_tsvector("english", question)).table_valued(
        "lexeme", "positions", "weights"
    )
    one = func.plainto_tsquery("simple", lexemes.c.lexeme).label("one")
    asked = select(one).cte("asked").prefix_with("MATERIALIZED")
    total = select(func.count()).where(*mine).scalar_subquery()
    with_it = func.count().over(partition_by=asked.c.one)
    held = (
        select(Chunk.source_id, Chunk.position, func.ln(1 + cast(total, Float) / with_it).label("weight"))
        .join(asked, Chunk.words.bool_op("@@")(asked.c.one))
        .where(*mine)
        .subquery()
    )
    together = (
        select(held.c.source_id, held.c.position, (-func.sum(held.c.weight)).label("by"))
        .group_by(held.c.source_id, held.c.position)
        .subquery()
    )
    return _placed(together.c.source_id, together.c.position, together.c.by)


def _placed(
    source: ColumnElement[UUID],
    position: ColumnElement[int],
    by: ColumnElement[float],
    *where: ColumnElement[bool],
) -> Select[UUID, int, int]:
    """The first candidates in this order, each with its place."""
    first = (
        select(source, position, by.label("by"))
        .where(*where)
        .order_by(by, source, position)
        .limit(_CANDIDATES)
        .subquery()
    )
    order = (first.c.by, first.c.source_id, first.c.position)
    return select(first.c.source_id, first.c.position, func.row_number().over(order_by=order).label("place"))


def _merged(meaning: Select[UUID, int, int], words: Select[UUID, int, int], count: int) -> CTE:
    near, named = meaning.subquery(), words.subquery()
    ranked = union_all(
        select(near, near.c.place.label("nearness")), select(named, null().label("nearness"))
    ).subquery()
    score = func.sum(literal(1.0) / (_DAMPING + ranked.c.place)).label("score")
    query = select(ranked.c.source_id, ranked.c.position, score).group_by(
        ranked.c.source_id, ranked.c.position
    )
    # First in one and second in the other is as good as the reverse; then meaning decides.
    nearest = func.min(ranked.c.nearness).label("nearest")
    query = query.order_by(score.desc(), nearest.nulls_last(), ranked.c.source_id, ranked.c.position)
    return query.add_columns(nearest).limit(count).cte("merged")
