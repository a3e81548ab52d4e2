"""What providers have answered, kept by the content of what they were asked.

A question is a number of plain parts; its digest is the answer's name. An answer is asked for once: who asks the same
while it comes reads the same, and goes on reading when the first does not want it any more; so a run that is repeated
meets the same answers, those it broke off included. Failures are not kept.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

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


class Latencies(MutableMapping[str, float]):
    """What each thing took when it was first asked, of one run, for `MeasuredLatency`; `save` keeps it."""

    def __init__(self, store: Store, *run: Any) -> None:
        """`run`: whatever tells the run apart from others, its seed for one."""
        self._store = store
        self._name = digest("latencies", *run)
        self._ms: dict[str, float] = json.loads(store.get(self._name) or b"{}")

    def save(self) -> None:
        """Keep what was measured, unless a run before has."""
        self._store.put(self._name, json.dumps(self._ms, sort_keys=True).encode())

    def __getitem__(self, key: str) -> float:
        return self._ms[key]

    def __setitem__(self, key: str, ms: float) -> None:
        self._ms[key] = ms

    def __delitem__(self, key: str) -> None:
        del self._ms[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ms)

    def __len__(self) -> int:
        return len(self._ms)


class _Coming:
    """An answer on its way: what is there of it, and news."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.ended = False
        self.error: Exception | None = None
        self.news = asyncio.Event()


class Answers:
    """Answers of one provider or more, over a store. Belongs to the loop it is used on."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._coming: dict[str, _Coming] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.asked = 0
        """Questions that a provider was asked."""
        self.found = 0
        """Questions whose answer was kept, or on its way."""

    async def items(self, name: str, ask: Callable[[], AsyncIterator[Item]]) -> AsyncGenerator[Item, None]:
        """The answer's pieces, as they come or as they were kept. Raises what `ask` does."""
        if (coming := self._coming.get(name)) is None:
            if (kept := self._store.get(name)) is not None:
                self.found += 1
                for item in json.loads(kept):
                    yield item
                return
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

    def _begin(self, name: str, ask: Callable[[], AsyncIterator[Item]]) -> _Coming:
        self.asked += 1
        coming = self._coming[name] = _Coming()
        task = asyncio.create_task(self._work(name, coming, ask()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return coming

    async def _work(self, name: str, coming: _Coming, items: AsyncIterator[Item]) -> None:
        try:
            async for item in items:
                coming.items.append(item)
                coming.news.set()
            self._store.put(name, json.dumps(coming.items, ensure_ascii=False).encode())
        except Exception as error:  # noqa: BLE001 a provider may raise anything: whoever asked gets it
            coming.error = error
        finally:
            coming.ended = True
            del self._coming[name]
            coming.news.set()
