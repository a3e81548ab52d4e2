"""Takes the notes of all calls and makes them durable: in the database within a second, or in the journal.

Each note of a call gets the next number when it is handed in; the database takes a number once, so whatever is
sent twice, after a lost answer or by a replay, is stored once.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

import structlog

from trunkline.errors import Unavailable
from trunkline.host.journal import Batch, Journal
from trunkline.resources.calls.record import without_words
from trunkline.voice.conversation.events import Note

log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 0.5
WRITE_SECONDS = 1.0
"""A write that takes longer counts as the database being away."""
BATCH_NOTES = 500
"""Notes of the journal in one write."""
MOST_IN_MEMORY = 5_000
"""Notes of one call kept while neither database nor disk takes them; the oldest go first."""


class EventSink(Protocol):
    """What the writer needs of `resources.calls.live.LiveCalls`. Both raise Unavailable while the database is away."""

    async def append(self, workspace_id: UUID, call_id: UUID, first_seq: int, notes: Sequence[Note]) -> bool:
        """Store numbered notes of a live call; False, with nothing stored: the call is closed."""
        ...

    async def append_late(
        self, workspace_id: UUID, call_id: UUID, first_seq: int, notes: Sequence[Note]
    ) -> None:
        """Store notes of a call that was closed meanwhile, and read its record again."""
        ...


@dataclass
class _Stream:
    """The notes of one call on their way."""

    workspace_id: UUID
    call_id: UUID
    keep_words: bool = True
    pending: list[Note] = field(default_factory=list)
    """In memory only; the first has number `first`."""
    first: int = 0
    stored: int = 0
    """Every note below this number is in the database (or was refused by it for good)."""
    journaled: bool = False
    closed: bool = False
    """The database says that the call is over."""
    live: bool = True
    """False for what an earlier process left behind."""


class EventWriter:
    """One a voice process. `on_closed` is called once when the database says that a live call is over."""

    def __init__(self, sink: EventSink, journal: Journal, on_closed: Callable[[UUID], None]) -> None:
        self._sink = sink
        self._journal = journal
        self._on_closed = on_closed
        self._streams: dict[UUID, _Stream] = {}
        self._lock = threading.Lock()
        """Guards `pending` and `first` of every stream: notes may come from any thread."""
        self._wake = asyncio.Event()
        self._passed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._away = False

    async def start(self) -> None:
        """Begin to write; first what earlier processes left in the journal."""
        for call_id in await asyncio.to_thread(self._journal.left_behind):
            first = await asyncio.to_thread(next, self._journal.batches(call_id, 1), None)
            if first is None:
                self._journal.remove(call_id)
            else:
                self._streams[call_id] = _Stream(first.workspace_id, call_id, journaled=True, live=False)
        self._task = asyncio.create_task(self._run(), name="event_writer")

    async def stop(self) -> None:
        """One last write; what the database does not take now lies in the journal for the next start."""
        assert self._task is not None
        self._stopping = True
        self._wake.set()
        await self._task
        await asyncio.to_thread(self._journal.close)

    def open(self, call_id: UUID, workspace_id: UUID, keep_words: bool) -> None:
        """Expect notes of a call. Without `keep_words` it is not stored what was said, only that and when."""
        self._streams[call_id] = _Stream(workspace_id, call_id, keep_words)

    def add(self, call_id: UUID, notes: Iterable[Note]) -> None:
        """Take notes in order; from any thread, never blocks on I/O. For a call not open: nothing."""
        stream = self._streams.get(call_id)
        taken = list(notes)
        if stream is None or not taken:
            return
        with self._lock:
            stream.pending += taken if stream.keep_words else map(without_words, taken)

    async def flush(self, call_id: UUID) -> None:
        """Returns when every note handed in so far is in the database; waits as long as that is away."""
        stream = self._streams[call_id]
        with self._lock:
            target = stream.first + len(stream.pending)
        self._wake.set()
        async with self._passed:
            await self._passed.wait_for(lambda: stream.stored >= target)

    async def close(self, call_id: UUID) -> None:
        """`flush`, then no more notes of this call."""
        await self.flush(call_id)
        del self._streams[call_id]

    @property
    def away(self) -> bool:
        """Whether the last write found the database away."""
        return self._away

    # ---- writing -------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            stopping = self._stopping
            await self._pass()
            if stopping:
                return

    async def _pass(self) -> None:
        """Every call once. One that finds the database away spares the others the wait."""
        away = False
        for stream in list(self._streams.values()):
            try:
                away = not await self._write(stream, away) or away
            except Exception as error:  # noqa: BLE001 - one call's bad note must not stop the others' writing
                await self._set_aside(stream, error)
            if not stream.live and not stream.journaled:
                self._streams.pop(stream.call_id, None)
        if away != self._away:
            self._away = away
            log.warning("database_away" if away else "database_back", calls=len(self._streams))
        async with self._passed:
            self._passed.notify_all()

    async def _write(self, stream: _Stream, away: bool) -> bool:
        """Make durable what is pending; False when the database is away."""
        batch = self._pending(stream)
        if not stream.journaled and not away:
            if not batch.notes or await self._store(stream, batch):
                self._written(stream, batch, stored=True)
                return True
            away = True
        if batch.notes:
            await self._to_journal(stream, batch)
        return not away and await self._replay(stream)

    async def _replay(self, stream: _Stream) -> bool:
        """From the journal into the database; False when that is away again."""
        batches = self._journal.batches(stream.call_id, BATCH_NOTES)
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            if not await self._store(stream, batch):
                return False
        await asyncio.to_thread(self._journal.remove, stream.call_id)
        stream.journaled, stream.stored = False, stream.first
        log.info("journal_replayed", call_id=str(stream.call_id))
        return True

    async def _store(self, stream: _Stream, batch: Batch) -> bool:
        """Into the database; False when that is away."""
        where = batch.workspace_id, batch.call_id, batch.first_seq, batch.notes
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                if not stream.closed and not await self._sink.append(*where):
                    stream.closed = True
                    log.warning("call_found_closed", call_id=str(stream.call_id))
                    if stream.live:
                        self._on_closed(stream.call_id)
                if stream.closed:
                    await self._sink.append_late(*where)
        except (Unavailable, TimeoutError):
            return False
        return True

    async def _to_journal(self, stream: _Stream, batch: Batch) -> None:
        try:
            await asyncio.to_thread(self._journal.append, batch)
        except OSError as error:
            self._forget_oldest(stream)
            log.error("journal_not_written", call_id=str(stream.call_id), reason=str(error))
            return
        stream.journaled = True
        self._written(stream, batch, stored=False)

    async def _set_aside(self, stream: _Stream, error: Exception) -> None:
        """The database is there but will never take these notes: keep them in a file for a person to look at."""
        batch = self._pending(stream)
        if batch.notes:
            await self._to_journal(stream, batch)
        try:
            await asyncio.to_thread(self._journal.set_aside, stream.call_id)
        except OSError as failed:
            log.error("journal_not_written", call_id=str(stream.call_id), reason=str(failed))
            return
        stream.journaled = False
        stream.stored = stream.first
        log.error("notes_refused", call_id=str(stream.call_id), error=type(error).__name__, exc_info=error)

    def _pending(self, stream: _Stream) -> Batch:
        with self._lock:
            return Batch(stream.workspace_id, stream.call_id, stream.first, list(stream.pending))

    def _written(self, stream: _Stream, batch: Batch, stored: bool) -> None:
        """The batch is durable: memory lets go of it."""
        with self._lock:
            del stream.pending[: len(batch.notes)]
            stream.first += len(batch.notes)
            if stored:
                stream.stored = stream.first

    def _forget_oldest(self, stream: _Stream) -> None:
        with self._lock:
            surplus = len(stream.pending) - MOST_IN_MEMORY
            if surplus > 0:
                del stream.pending[:surplus]
                stream.first += surplus
                log.error("notes_lost", call_id=str(stream.call_id), count=surplus)
