"""The in-tree twin of embeddings: texts are near when they share words. Deterministic, no model files."""

import re
import zlib
from collections.abc import Sequence

import numpy as np

from trunkline.voice.language.embeddings import DIMENSIONS, Vectors


class WordEmbeddings:
    """Fulfils Embeddings: each word counts in one direction, found by its hash."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        """Every text that was embedded."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()) or [""]:
                vector[zlib.crc32(word.encode()) % DIMENSIONS] += 1.0
            vector /= np.linalg.norm(vector)
        return vectors
