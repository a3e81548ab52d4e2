"""Local embeddings: all-MiniLM-L6-v2 in int8, an English model of 22 MB."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import numpy as np
from tokenizers import Tokenizer

from trunkline.voice.language.embeddings import DIMENSIONS, Vectors
from trunkline.voice.models.store import Store
from trunkline.voice.onnx import single_thread_session

MODEL_SET = "embed-minilm"
TOKENS = 256
"""What the model was trained to read at most; some 1,000 letters of English."""
BATCH = 16
"""Texts that hold a thread of the pool at a time: others get their turn in between, and a cancellation ends soon."""


class MiniLM:
    """Fulfils Embeddings. A text of 800 letters costs 15 to 130 ms of a core, so it runs in the pool.

    The model is loaded when it is first asked, so whoever never embeds needs neither its files nor its memory.
    """

    def __init__(self, store: Store, pool: ThreadPoolExecutor) -> None:
        self._store = store
        self._pool = pool
        self._loading = Lock()
        self._model: _Model | None = None

    async def embed(self, texts: Sequence[str]) -> Vectors:
        run = asyncio.get_running_loop().run_in_executor
        batches = [texts[at : at + BATCH] for at in range(0, len(texts), BATCH)]
        vectors = [await run(self._pool, self._vectors, batch) for batch in batches]
        return np.concatenate([np.empty((0, DIMENSIONS), np.float32), *vectors])

    def _vectors(self, texts: Sequence[str]) -> Vectors:
        with self._loading:
            if self._model is None:
                self._model = _Model(self._store.set_folder(MODEL_SET))
        # One by one: on one thread a padded batch is no faster, and a text alone needs no mask.
        return np.stack([self._model.vector(text) for text in texts])


class _Model:
    """The network and its tokens. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._session = single_thread_session(folder / "model.onnx")
        self._tokens = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokens.no_padding()
        self._tokens.enable_truncation(TOKENS)

    def vector(self, text: str) -> Vectors:
        ids = np.array([self._tokens.encode(text).ids], np.int64)
        inputs = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        [[states]] = self._session.run(None, inputs)
        mean: Vectors = states.mean(axis=0, dtype=np.float32)
        return mean / np.float32(np.linalg.norm(mean))
