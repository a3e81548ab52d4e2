"""How far a pull has come: the protocol, and rich's bars for the terminal."""

import threading
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


class PullProgress(Protocol):
    """What a pull tells while it runs; called from several threads."""

    def at(self, what: str, done: int, total: int) -> None:
        """So many bytes of `what` are here."""
        ...

    def note(self, text: str) -> None:
        """Something worth a line: a source that failed, a file that is complete."""
        ...


class Silent:
    """Tells nothing."""

    def at(self, what: str, done: int, total: int) -> None:
        return

    def note(self, text: str) -> None:
        return


class Bars:
    """A bar a file: size, rate, time left. Off a terminal, only the notes are printed."""

    def __init__(self, console: Console | None = None) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def at(self, what: str, done: int, total: int) -> None:
        with self._lock:
            if what not in self._tasks:
                self._tasks[what] = self._progress.add_task(what, total=total)
            self._progress.update(self._tasks[what], completed=min(done, total), total=total)

    def note(self, text: str) -> None:
        self._progress.console.print(text, highlight=False, markup=False)
