"""What providers have answered, kept by the content of what they were asked.

A question is a number of plain parts; its digest is the answer's name. An answer is asked for once: who asks the same
while it comes reads the same, and goes on reading when the first does not want it any more; so a run that is repeated
meets the same answers, those it broke off included. With each piece is kept when it came, so that a run from the cache
takes, on the clock of a simulated call, the time that the provider took (`taken_ms`). Failures are kept where that is
asked for.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4
from weakref import WeakKeyDictionary

from trunkline.errors import ProviderError, Unavailable

Item = dict[str, Any]
"""A piece of an answer, as JSON holds it."""


def digest(*question: Any) -> str:
    """The name of what is asked; bytes and whatever JSON holds count."""
    whole = hashlib.sha256()
    for part in question:
        raw = (
            part if isinstance(part, bytes) else json.dumps(part, sort_keys=True, ensure_ascii=False).encode()
        )
        whole.update(f"{type(part) is bytes} {len(raw)} ".encode())
        whole.update(raw)
    return whole.hexdigest()


class Store(Protocol):
    """Keeps whole answers."""

    def get(self, name: str) -> bytes | None:
        """None: not kept."""
        ...

    def put(self, name: str, answer: bytes) -> None: ...


class MemoryStore:
    """Fulfils Store for one process."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        return self.kept.get(name)

    def put(self, name: str, answer: bytes) -> None:
        self.kept.setdefault(name, answer)


class FolderStore:
    """Fulfils Store by a file an answer; many processes may use it at once. What was kept first stays."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> bytes | None:
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, name: str, answer: bytes) -> None:
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{uuid4().hex}")
        part.write_bytes(answer)
        try:
            os.link(part, path)
        except FileExistsError:
            pass
        finally:
            part.unlink()

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name


_TAKEN: "WeakKeyDictionary[asyncio.Task[Any], float]" = WeakKeyDictionary()


def taken_ms() -> float | None:
    """Milliseconds from a question to the piece of its answer that this task has read last, as they were when the
    provider was really asked. None: this task has read none."""
    task = asyncio.current_task()
    return None if task is None else _TAKEN.get(task)


_Piece = tuple[float, Item]
"""Milliseconds from the question, and what came then."""
_FAILED = "failed"
"""The member of a piece that ends a kept answer with the provider's failure."""


class _Coming:
    """An answer on its way: what is there of it, and news."""

    def __init__(self) -> None:
        self.items: list[_Piece] = []
        self.ended = False
        self.error: Exception | None = None
        self.news = asyncio.Event()


class Answers:
    """Answers of one provider or more, over a store. Belongs to the loop it is used on."""

    def __init__(self, store: Store, *, failures: Store | None = None, asks: bool = True) -> None:
        """`failures`: where those of providers are kept, as answers; None: nowhere. `asks`: False lets what is kept do."""
        self._store = store
        self._failures = failures
        self._asks = asks
        self._coming: dict[str, _Coming] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.asked = 0
        """Questions that a provider was asked."""
        self.found = 0
        """Questions whose answer was kept, or on its way."""

    async def items(self, name: str, ask: Callable[[], AsyncIterator[Item]]) -> AsyncGenerator[Item, None]:
        """The answer's pieces, as they come or as they were kept.

        Raises what `ask` does, ProviderError for a failure that was kept, and Unavailable where nothing may be asked.
        """
        async with aclosing(self._pieces(name, ask)) as pieces:
            async for ms, item in pieces:
                if (task := asyncio.current_task()) is not None:
                    _TAKEN[task] = ms
                if (failure := item.get(_FAILED)) is not None:
                    kind, told = failure
                    raise (Unavailable if kind == Unavailable.__name__ else ProviderError)(told)
                yield item

    async def _pieces(
        self, name: str, ask: Callable[[], AsyncIterator[Item]]
    ) -> AsyncGenerator[_Piece, None]:
        if (coming := self._coming.get(name)) is None:
            if (kept := self._kept(name)) is not None:
                self.found += 1
                for ms, item in json.loads(kept):
                    yield ms, item
                return
            if not self._asks:
                raise Unavailable("This answer was not kept, and nobody is asked for it: make the run anew.")
            coming = self._begin(name, ask)
        else:
            self.found += 1
        at = 0
        while True:
            while at < len(coming.items):
                at += 1
                yield coming.items[at - 1]
            if coming.error is not None:
                raise coming.error
            if coming.ended:
                return
            coming.news.clear()
            await coming.news.wait()

    async def one(self, name: str, ask: Callable[[], AsyncIterator[Item]]) -> Item:
        """The only piece of an answer."""
        (item,) = [item async for item in self.items(name, ask)]
        return item

    async def close(self) -> None:
        """Wait until what was asked is there."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    def _kept(self, name: str) -> bytes | None:
        kept = self._store.get(name)
        return self._failures.get(name) if kept is None and self._failures is not None else kept

    def _begin(self, name: str, ask: Callable[[], AsyncIterator[Item]]) -> _Coming:
        self.asked += 1
        coming = self._coming[name] = _Coming()
        task = asyncio.create_task(self._work(name, coming, ask()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return coming

    async def _work(self, name: str, coming: _Coming, items: AsyncIterator[Item]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()

        def came(item: Item) -> None:
            coming.items.append((round((loop.time() - began) * 1000, 1), item))
            coming.news.set()

        try:
            async for item in items:
                came(item)
            self._store.put(name, _text(coming.items))
        except (ProviderError, Unavailable) as error:
            coming.error = error
            if self._failures is not None:
                kind = Unavailable if isinstance(error, Unavailable) else ProviderError
                coming.error = kind(str(error))
                came({_FAILED: [kind.__name__, str(error)]})
                self._failures.put(name, _text(coming.items))
        except Exception as error:  # noqa: BLE001 a provider may raise anything: whoever asked gets it
            coming.error = error
        finally:
            coming.ended = True
            del self._coming[name]
            coming.news.set()


def _text(pieces: list[_Piece]) -> bytes:
    return json.dumps(pieces, ensure_ascii=False).encode()
