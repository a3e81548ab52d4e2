"""Finding passages, on the real database; by meaning with the real model."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from tests.resources.api import Api
from tests.resources.knowledge.test_bases import made
from tests.resources.knowledge.test_sources import added
from tests.resources.knowledge.test_tasks import Dying, read, tasks
from trunkline.resources.knowledge.models import KnowledgeChunk, KnowledgeSource
from trunkline.resources.knowledge.search import Passage, by_words, search
from trunkline.voice.language.embeddings import Embeddings
from trunkline.voice.language.embeddings_minilm import MiniLM
from trunkline.voice.language.embeddings_twin import WordEmbeddings
from trunkline.voice.models.store import Store

FACTS = {
    "hours": "The shop is open from nine to six, on Saturday until two.",
    "returns": "Unused goods may be sent back within thirty days; we pay you back at once.",
    "delivery": "Parcels reach you two days after the order, in the mountains after four.",
    "part": "The spare part ZX-4711 fits the mill of 2019 and later.",
    "payment": "We take cards, bank transfer and cash at the counter.",
}


@pytest.fixture
def embeddings(pool: ThreadPoolExecutor, model_store: Store) -> MiniLM:
    return MiniLM(model_store, pool)


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


async def filled(api: Api, embeddings: Embeddings, facts: dict[str, str] = FACTS) -> UUID:
    """A base with a source for each fact."""
    base = await made(api)
    for name, fact in facts.items():
        source = await added(api, base, {"type": "text", "name": name, "content": fact})
        await read(tasks(api, embeddings=embeddings), api, source)
    return UUID(base)


async def found(
    api: Api, embeddings: Embeddings, bases: list[UUID], question: str, count: int = 5
) -> list[Passage]:
    return await search(api.database, embeddings, api.workspace.id, bases, question, count)


async def test_questions_find_their_answers_first(api: Api, embeddings: MiniLM) -> None:
    base = await filled(api, embeddings)
    for question, name in (
        ("When can I come by on the weekend?", "hours"),
        ("I do not like what I bought, can I get my money?", "returns"),
        ("How long until it arrives?", "delivery"),
        ("zx-4711", "part"),
        ("Can I pay by card?", "payment"),
    ):
        best, *others = await found(api, embeddings, [base], question)
        assert best.source_name == name, question
        assert best.text == FACTS[name]
        assert best.position == 0
        assert best.similarity is not None
        assert 0 < best.similarity <= 1
        assert all(best.score >= other.score for other in others)


async def test_the_number_of_passages(api: Api) -> None:
    words = WordEmbeddings()
    base = await filled(api, words, {f"f{n}": f"Fact {n} of many." for n in range(8)})
    assert len(await found(api, words, [base], "fact")) == 5
    assert len(await found(api, words, [base], "fact", count=2)) == 2
    assert len(await found(api, words, [base], "fact", count=50)) == 8


async def test_words_find_what_has_no_vector_yet(api: Api) -> None:
    base = await made(api)
    source = await added(api, base, {"type": "text", "name": "part", "content": FACTS["part"]})
    with pytest.raises(RuntimeError):
        await read(tasks(api, embeddings=Dying(0)), api, source)
    [passage] = await found(api, WordEmbeddings(), [UUID(base)], "Do you have the ZX-4711?")
    assert (passage.source_name, passage.similarity) == ("part", None)
    assert await found(api, WordEmbeddings(), [UUID(base)], "Bicycles?") == []


async def test_only_the_bases_asked_and_the_own_workspace(api: Api, stranger: Api) -> None:
    words = WordEmbeddings()
    mine, other = await filled(api, words), await filled(api, words)
    theirs = await filled(stranger, words)
    question = "Is the shop open on Saturday?"
    both = await found(api, words, [mine, other], question, count=2)
    assert {passage.source_name for passage in both} == {"hours"}
    assert len({passage.source_id for passage in both}) == 2
    assert len(await found(api, words, [mine], question, count=50)) == len(FACTS)
    for bases in ([theirs], [uuid4()], []):
        assert await found(api, words, bases, question) == []


@pytest.mark.parametrize("question", ["", " \n", "\x00", "?!", "' | & ! :* <-> (", "the and of", "字" * 9000])
async def test_any_question_is_taken(api: Api, question: str) -> None:
    words = WordEmbeddings()
    base = await filled(api, words, {"hours": FACTS["hours"]})
    assert len(await found(api, words, [base], question)) <= 1


async def test_a_rare_word_counts_for_more_than_common_ones(api: Api) -> None:
    facts = {f"f{n}": f"The room and the price of the room, part {n}." for n in range(6)}
    words = WordEmbeddings()
    base = await filled(api, words, {**facts, "sauna": "A sauna is there."})
    mine = [KnowledgeChunk.workspace_id == api.workspace.id, KnowledgeChunk.knowledge_base_id == base]
    placed = by_words(mine, "What is the price of a room with a sauna?").subquery()
    query = select(KnowledgeSource.name).join(placed, placed.c.source_id == KnowledgeSource.id)
    async with api.database.workspace(api.workspace.id) as session:
        first, *_ = await session.scalars(query.order_by(placed.c.place))
    assert first == "sauna"
