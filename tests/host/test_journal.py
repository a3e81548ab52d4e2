"""The journal: what was written survives, in order, and belongs to one process at a time."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from trunkline.host.journal import Batch, Journal
from trunkline.voice.conversation.events import Kind, Note

WORKSPACE = uuid4()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal")
    yield journal
    journal.close()


def batch(call: UUID, first: int, count: int) -> Batch:
    notes = [
        Note(20 * seq, Kind.CALLER_SAID, {"text": f"words {seq}\nü"}) for seq in range(first, first + count)
    ]
    return Batch(WORKSPACE, call, first, notes)


def test_notes_come_back_as_they_went_in(journal: Journal) -> None:
    call = uuid4()
    journal.append(batch(call, 5, 3))
    journal.append(batch(call, 8, 4))
    assert list(journal.batches(call, 5)) == [batch(call, 5, 5), batch(call, 10, 2)]


def test_a_gap_starts_another_batch(journal: Journal) -> None:
    call = uuid4()
    journal.append(batch(call, 0, 2))
    journal.append(batch(call, 7, 1))
    assert list(journal.batches(call, 100)) == [batch(call, 0, 2), batch(call, 7, 1)]


def test_a_line_cut_short_by_a_crash_is_left_out(journal: Journal) -> None:
    call = uuid4()
    journal.append(batch(call, 0, 2))
    path = journal.folder / f"{call}.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    assert list(journal.batches(call, 100)) == [batch(call, 0, 1)]


def test_a_write_that_fails_leaves_none_of_its_notes(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = uuid4()
    journal.append(batch(call, 0, 1))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        journal.append(batch(call, 1, 3))
    monkeypatch.undo()
    journal.append(batch(call, 1, 2))
    assert list(journal.batches(call, 100)) == [batch(call, 0, 3)]


def test_removed_is_gone_and_may_begin_again(journal: Journal) -> None:
    call = uuid4()
    journal.append(batch(call, 0, 1))
    journal.remove(call)
    journal.remove(call)
    assert list(journal.folder.iterdir()) == []
    journal.append(batch(call, 1, 1))
    assert list(journal.batches(call, 9)) == [batch(call, 1, 1)]


def test_what_is_set_aside_stays_on_disk_and_is_not_read_again(journal: Journal) -> None:
    call = uuid4()
    journal.append(batch(call, 0, 1))
    journal.set_aside(call)
    journal.set_aside(call)
    assert [path.name for path in journal.folder.iterdir()] == [f"{call}.refused"]
    assert journal.left_behind() == []


def test_files_are_for_the_owner_only(journal: Journal) -> None:
    call = uuid4()
    journal.append(batch(call, 0, 1))
    assert journal.folder.stat().st_mode & 0o077 == 0
    assert (journal.folder / f"{call}.jsonl").stat().st_mode & 0o077 == 0


DYING = """
import sys, os
from pathlib import Path
from uuid import UUID
from trunkline.host.journal import Batch, Journal
from trunkline.voice.conversation.events import Note
call = UUID(sys.argv[2])
journal = Journal(Path(sys.argv[1]))
journal.append(Batch(call, call, 0, [Note(20, "started", {})]))
print("written", flush=True)
sys.stdin.read()
"""


def test_a_file_is_left_behind_only_when_its_process_is_gone(journal: Journal) -> None:
    call = uuid4()
    process = subprocess.Popen(
        [sys.executable, "-c", DYING, str(journal.folder), str(call)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        assert journal.left_behind() == []
        process.kill()
    assert journal.left_behind() == [call]
    assert journal.left_behind() == [], "told once"
    assert [note.kind for got in journal.batches(call, 9) for note in got.notes] == ["started"]


def test_a_strange_file_is_ignored_and_a_missing_folder_is_empty(journal: Journal) -> None:
    assert journal.left_behind() == []
    journal.folder.mkdir()
    (journal.folder / "notes.jsonl").write_text("x")
    assert journal.left_behind() == []
