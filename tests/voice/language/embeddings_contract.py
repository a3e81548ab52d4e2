"""What all embeddings do; run over the real model and the twin."""

import numpy as np

from trunkline.voice.language.embeddings import DIMENSIONS, Embeddings

RELATED = [
    (
        "When is the shop open on Sunday?",
        "On Sunday the shop is open from ten to four.",
        "Returned parcels are paid back within two weeks.",
    ),
    (
        "How long does a delivery take?",
        "A delivery will take three working days.",
        "Our dentist speaks Spanish and French.",
    ),
]


class EmbeddingsContract:
    async def test_one_unit_vector_a_text(self, embeddings: Embeddings) -> None:
        vectors = await embeddings.embed(["One.", "Two words", "", "…", "ünïcödé 漢字"])
        assert vectors.shape == (5, DIMENSIONS)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)

    async def test_nothing_asked_nothing_answered(self, embeddings: Embeddings) -> None:
        assert (await embeddings.embed([])).shape == (0, DIMENSIONS)

    async def test_the_same_text_is_the_same_point_in_any_company(self, embeddings: Embeddings) -> None:
        [alone] = await embeddings.embed(["We open at nine."])
        *_, together = await embeddings.embed([*(f"Line {n}." for n in range(40)), "We open at nine."])
        assert np.allclose(alone, together, atol=1e-5)

    async def test_long_texts_are_taken(self, embeddings: Embeddings) -> None:
        assert (await embeddings.embed(["many words " * 5000])).shape == (1, DIMENSIONS)

    async def test_related_texts_are_nearer_than_unrelated(self, embeddings: Embeddings) -> None:
        for question, answer, other in RELATED:
            asked, right, wrong = await embeddings.embed([question, answer, other])
            assert asked @ right > asked @ wrong + 0.2
