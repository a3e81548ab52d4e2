"""The event writer: nothing handed in is lost, whatever the database does."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from trunkline.errors import Unavailable
from trunkline.host import writer as module
from trunkline.host.journal import Batch, Journal
from trunkline.host.writer import EventWriter
from trunkline.voice.conversation.events import Kind, Note

WORKSPACE = uuid4()


@dataclass
class Table:
    """A database in memory that can go away, lose answers, close calls and refuse notes."""

    rows: dict[tuple[UUID, int], Note] = field(default_factory=dict)
    away: bool = False
    loses_answers: bool = False
    closed: set[UUID] = field(default_factory=set)
    late: list[UUID] = field(default_factory=list)
    poison: str = "poison"

    async def append(self, workspace_id: UUID, call_id: UUID, first_seq: int, notes: Sequence[Note]) -> bool:
        self._reach(notes)
        if call_id in self.closed:
            return False
        self._insert(call_id, first_seq, notes)
        return True

    async def append_late(
        self, workspace_id: UUID, call_id: UUID, first_seq: int, notes: Sequence[Note]
    ) -> None:
        self._reach(notes)
        self.late.append(call_id)
        self._insert(call_id, first_seq, notes)

    def _reach(self, notes: Sequence[Note]) -> None:
        if self.away:
            raise Unavailable("away")
        if any(note.kind == self.poison for note in notes):
            raise ValueError("a note that no table takes")

    def _insert(self, call_id: UUID, first_seq: int, notes: Sequence[Note]) -> None:
        for seq, note in enumerate(notes, first_seq):
            self.rows.setdefault((call_id, seq), note)
        if self.loses_answers:
            self.loses_answers = False
            raise Unavailable("the answer was lost")

    def notes(self, call_id: UUID) -> list[Note]:
        seqs = sorted(seq for call, seq in self.rows if call == call_id)
        assert seqs == list(range(len(seqs))), "a number is missing"
        return [self.rows[call_id, seq] for seq in seqs]


@dataclass
class WatchedJournal(Journal):
    """Tells when it was asked to write; may have a full disk."""

    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    full: bool = False

    def append(self, batch: Batch) -> None:
        if not self.full:
            super().append(batch)
        self.asked.release()
        if self.full:
            raise OSError(28, "No space left on device")


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def told() -> list[UUID]:
    return []


@pytest.fixture
def journal(tmp_path: Path) -> WatchedJournal:
    return WatchedJournal(tmp_path / "journal")


@pytest.fixture
async def writer(
    journal: WatchedJournal, table: Table, told: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[EventWriter]:
    monkeypatch.setattr(module, "INTERVAL_SECONDS", 0.01)
    writer = EventWriter(table, journal, told.append)
    await writer.start()
    yield writer
    await writer.stop()


def note(number: int) -> Note:
    return Note(20 * number, Kind.CALLER_SAID, {"text": f"words {number}"})


def on_disk(tmp_path: Path) -> list[str]:
    return sorted(path.suffix for path in (tmp_path / "journal").glob("*"))


async def test_notes_are_numbered_in_order_and_stored(writer: EventWriter, table: Table) -> None:
    one, other = uuid4(), uuid4()
    writer.open(one, WORKSPACE, keep_words=True)
    writer.open(other, WORKSPACE, keep_words=True)
    for number in range(5):
        writer.add(one, [note(number)])
        writer.add(other, [note(number), note(number)])
    await writer.flush(one)
    await writer.flush(other)
    assert table.notes(one) == [note(number) for number in range(5)]
    assert len(table.notes(other)) == 10


async def test_notes_may_come_from_any_thread(writer: EventWriter, table: Table) -> None:
    call = uuid4()
    writer.open(call, WORKSPACE, keep_words=True)

    def speak() -> None:
        for number in range(200):
            writer.add(call, [note(number)])

    threads = [threading.Thread(target=speak) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await writer.flush(call)
    assert len(table.notes(call)) == 800


async def test_away_then_journal_then_replay_in_order(
    writer: EventWriter, table: Table, journal: WatchedJournal, tmp_path: Path
) -> None:
    call = uuid4()
    writer.open(call, WORKSPACE, keep_words=True)
    writer.add(call, [note(0)])
    await writer.flush(call)
    table.away = True
    for number in range(1, 4):
        writer.add(call, [note(number)])
        await asyncio.to_thread(journal.asked.acquire)
    assert writer.away
    flushed = asyncio.ensure_future(writer.flush(call))
    await asyncio.sleep(0)
    assert not flushed.done()
    table.away = False
    writer.add(call, [note(4)])
    await flushed
    await writer.close(call)
    assert table.notes(call) == [note(number) for number in range(5)]
    assert on_disk(tmp_path) == []
    assert not writer.away


async def test_a_lost_answer_stores_nothing_twice(writer: EventWriter, table: Table) -> None:
    call = uuid4()
    writer.open(call, WORKSPACE, keep_words=True)
    table.loses_answers = True
    writer.add(call, [note(0), note(1)])
    await writer.close(call)
    assert table.notes(call) == [note(0), note(1)]


async def test_what_an_earlier_process_left_is_replayed_at_the_start(table: Table, tmp_path: Path) -> None:
    call, journal = uuid4(), Journal(tmp_path / "journal")
    journal.append(Batch(WORKSPACE, call, 0, [note(0), note(1)]))
    journal.append(Batch(WORKSPACE, call, 2, [note(2)]))
    journal.close()
    told: list[UUID] = []
    writer = EventWriter(table, Journal(tmp_path / "journal"), told.append)
    table.closed.add(call)
    await writer.start()
    await writer.stop()
    assert table.notes(call) == [note(0), note(1), note(2)]
    assert told == [], "no call of this process"
    assert on_disk(tmp_path) == []


async def test_what_the_database_never_took_is_left_for_the_next_start(table: Table, tmp_path: Path) -> None:
    call = uuid4()
    for round_ in range(2):
        writer = EventWriter(table, Journal(tmp_path / "journal"), lambda _: None)
        table.away = round_ == 0
        await writer.start()
        if round_ == 0:
            writer.open(call, WORKSPACE, keep_words=True)
            writer.add(call, [note(0)])
        await writer.stop()
    assert table.notes(call) == [note(0)]


async def test_a_call_found_closed_is_told_once_and_its_notes_are_kept(
    writer: EventWriter, table: Table, told: list[UUID]
) -> None:
    call = uuid4()
    writer.open(call, WORKSPACE, keep_words=True)
    writer.add(call, [note(0)])
    await writer.flush(call)
    table.closed.add(call)
    for number in (1, 2):
        writer.add(call, [note(number)])
        await writer.flush(call)
    assert told == [call]
    assert table.late == [call, call]
    assert table.notes(call) == [note(0), note(1), note(2)]


async def test_notes_that_no_table_takes_hold_nobody_up(
    writer: EventWriter, table: Table, tmp_path: Path
) -> None:
    bad, good = uuid4(), uuid4()
    writer.open(bad, WORKSPACE, keep_words=True)
    writer.open(good, WORKSPACE, keep_words=True)
    writer.add(bad, [Note(0, table.poison)])
    writer.add(good, [note(0)])
    await writer.close(bad)
    await writer.close(good)
    assert table.notes(good) == [note(0)]
    assert on_disk(tmp_path) == [".refused"]


async def test_a_full_disk_while_the_database_is_away_keeps_the_newest_in_memory(
    writer: EventWriter, table: Table, journal: WatchedJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_IN_MEMORY", 3)
    call = uuid4()
    journal.full = table.away = True
    writer.open(call, WORKSPACE, keep_words=True)
    writer.add(call, [note(number) for number in range(5)])
    for _ in range(2):
        await asyncio.to_thread(journal.asked.acquire)
    table.away = False
    await writer.close(call)
    assert [seq for _, seq in sorted(table.rows)] == [2, 3, 4]


async def test_a_call_that_keeps_no_words_stores_none(writer: EventWriter, table: Table) -> None:
    call = uuid4()
    writer.open(call, WORKSPACE, keep_words=False)
    writer.add(call, [note(1)])
    await writer.close(call)
    assert [stored.data["text"] for stored in table.notes(call)] == [""]
