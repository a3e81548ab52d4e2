"""Notes on disk while the database is away: one file a call, a JSON object a line, synced before anyone relies on it.

A file is locked by the process that writes it, so that a neighbour on the same folder leaves it alone; the lock
goes with the process, and then the file is left behind for whoever starts next. All methods block: call them
off the event loop.
"""

import errno
import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from uuid import UUID

import structlog

from trunkline.voice.conversation.events import Note

log = structlog.get_logger(__name__)

_SUFFIX = ".jsonl"


@dataclass(frozen=True)
class Batch:
    """Consecutive notes of one call, the first with number `first_seq`."""

    workspace_id: UUID
    call_id: UUID
    first_seq: int
    notes: Sequence[Note]


@dataclass
class Journal:
    """The files under `folder`, which is made when the first is written."""

    folder: Path
    _files: dict[UUID, FileIO] = field(default_factory=dict)

    def append(self, batch: Batch) -> None:
        """Write and sync; on return the notes survive a crash.

        Raises OSError when the disk does not take them; then none of them is in the file.
        """
        file = self._files.get(batch.call_id) or self._open(batch.call_id)
        lines = b"".join(
            _line(batch.workspace_id, seq, n) for seq, n in enumerate(batch.notes, batch.first_seq)
        )
        end = file.seek(0, os.SEEK_END)
        try:
            if file.write(lines) != len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path(batch.call_id)))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)
            raise

    def batches(self, call_id: UUID, size: int) -> Iterator[Batch]:
        """What was written for a call, in order, at most `size` notes at a time."""
        first, workspace, notes = 0, UUID(int=0), list[Note]()
        with self._path(call_id).open("rb") as file:
            for line in file:
                entry = _parsed(line, call_id)
                if entry is None:
                    continue
                belongs, seq, note = entry
                if notes and (len(notes) == size or seq != first + len(notes)):
                    yield Batch(workspace, call_id, first, notes)
                    notes = []
                if not notes:
                    first, workspace = seq, belongs
                notes.append(note)
        if notes:
            yield Batch(workspace, call_id, first, notes)

    def remove(self, call_id: UUID) -> None:
        """Forget a call: everything of it is in the database."""
        self._path(call_id).unlink(missing_ok=True)
        file = self._files.pop(call_id, None)
        if file is not None:
            file.close()

    def set_aside(self, call_id: UUID) -> None:
        """Keep what was written for a call under another name, for a person to look at; it is not read again."""
        path = self._path(call_id)
        if path.exists():
            path.rename(path.with_suffix(".refused"))
        self.remove(call_id)

    def left_behind(self) -> list[UUID]:
        """The calls of processes that are gone. Their files are this process's from now on."""
        calls: list[UUID] = []
        for path in sorted(self.folder.glob("*" + _SUFFIX)):
            try:
                call_id = UUID(path.stem)
                if call_id not in self._files:
                    self._open(call_id)
                    calls.append(call_id)
            except ValueError:
                log.warning(
                    "journal_file_ignored", file=path.name, remedy="its name is no call id; remove it"
                )
            except BlockingIOError:
                continue  # a living neighbour's
        return calls

    def close(self) -> None:
        """Let go of the files; they stay for the next start."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _open(self, call_id: UUID) -> FileIO:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path(call_id), os.O_RDWR | os.O_CREAT, 0o600)
        file = FileIO(descriptor, "r+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise
        self._files[call_id] = file
        return file

    def _path(self, call_id: UUID) -> Path:
        return self.folder / f"{call_id}{_SUFFIX}"


def _line(workspace_id: UUID, seq: int, note: Note) -> bytes:
    entry = {
        "workspace": str(workspace_id),
        "seq": seq,
        "at_ms": note.at_ms,
        "kind": note.kind,
        "data": note.data,
    }
    return json.dumps(entry, separators=(",", ":"), default=str).encode() + b"\n"


def _parsed(line: bytes, call_id: UUID) -> tuple[UUID, int, Note] | None:
    """None for a line that a crash cut short: it was never relied on."""
    try:
        entry = json.loads(line)
        note = Note(int(entry["at_ms"]), str(entry["kind"]), dict(entry["data"]))
        return UUID(entry["workspace"]), int(entry["seq"]), note
    except (ValueError, KeyError, TypeError):
        log.warning("journal_line_cut_short", call_id=str(call_id), size=len(line))
        return None
