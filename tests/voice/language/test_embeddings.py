import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.voice.language.embeddings_contract import EmbeddingsContract
from trunkline.errors import ModelMissing
from trunkline.voice.language.embeddings_minilm import BATCH, MODEL_SET, MiniLM
from trunkline.voice.language.embeddings_twin import WordEmbeddings
from trunkline.voice.models.store import Store


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture(scope="module")
def minilm(pool: ThreadPoolExecutor, model_store: Store) -> MiniLM:
    return MiniLM(model_store, pool)


class TestWordEmbeddings(EmbeddingsContract):
    @pytest.fixture
    def embeddings(self) -> WordEmbeddings:
        return WordEmbeddings()


class TestMiniLM(EmbeddingsContract):
    @pytest.fixture
    def embeddings(self, minilm: MiniLM) -> MiniLM:
        return minilm

    async def test_meaning_counts_not_words(self, embeddings: MiniLM) -> None:
        asked, right, wrong = await embeddings.embed(
            [
                "What does it cost to send a parcel back?",
                "Returns are free of charge.",
                "It will cost you a day to drive back.",
            ]
        )
        assert asked @ right > asked @ wrong

    async def test_the_event_loop_goes_on_meanwhile(
        self, embeddings: MiniLM, pool: ThreadPoolExecutor
    ) -> None:
        held = threading.Event()
        pool.submit(held.wait)
        embedding = asyncio.create_task(embeddings.embed(["One."]))
        await asyncio.sleep(0)
        assert not embedding.done()
        held.set()
        assert len(await embedding) == 1

    async def test_others_get_their_turn(self, embeddings: MiniLM) -> None:
        many = asyncio.create_task(embeddings.embed(["A line."] * 4 * BATCH))
        few = asyncio.create_task(embeddings.embed(["A line."]))
        await asyncio.wait([many, few], return_when=asyncio.FIRST_COMPLETED)
        assert few.done()
        assert not many.done()
        await many


async def test_a_missing_model_is_told_when_it_is_asked(pool: ThreadPoolExecutor, tmp_path: Path) -> None:
    embeddings = MiniLM(Store(tmp_path), pool)
    with pytest.raises(ModelMissing, match=f"trunkline models pull {MODEL_SET}"):
        await embeddings.embed(["One."])
