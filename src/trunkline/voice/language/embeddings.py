"""The port of embeddings: texts as points, so near each other as their meanings are."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

DIMENSIONS = 384
"""Of every vector; vectors of different models must not be mixed, though they have as many."""

Vectors = npt.NDArray[np.float32]
"""One row a text, `DIMENSIONS` columns, each row of length 1: the dot product of two rows is their similarity."""


class Embeddings(Protocol):
    """Turns texts into vectors."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """The vectors of these texts, in their order; what is longer than the model reads counts by its beginning.

        Raises:
            ModelMissing: the model's files are not there.
        """
        ...
