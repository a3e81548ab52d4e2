"""Where the lines go that the processes of the platform print.

Each process prints JSON lines. All of them are kept in `<home>/logs/<name>.log` (rotated by size); warnings and
worse are shown on the terminal as well.
"""

import io
import json
import logging
from collections import deque
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

MAX_BYTES = 10 * 1024 * 1024
KEPT_FILES = 5
_SHOWN = {"warning": "yellow", "error": "red", "critical": "red"}
_PLUMBING = ("event", "level", "timestamp", "logger", "role", "exception")


class RoleLog:
    """Takes the output of one process as it comes, in pieces of any size."""

    def __init__(self, name: str, folder: Path, terminal: Console) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._name = name
        self._terminal = terminal
        self._open_line = b""
        self._last: deque[str] = deque(maxlen=12)
        self._file = RotatingFileHandler(
            folder / f"{name}.log", maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8", delay=True
        )

    def feed(self, output: bytes) -> None:
        """More output of the process."""
        *lines, self._open_line = (self._open_line + output).split(b"\n")
        for line in lines:
            self._take(line.decode(errors="replace").rstrip())

    def end(self) -> None:
        """The process has ended; what has no line end yet is a line."""
        if self._open_line:
            self.feed(b"\n")

    def last_words(self) -> str:
        """The latest lines, for the error that tells why the process would not start."""
        return "\n".join(self._last)

    def close(self) -> None:
        """Close the file; safe to repeat."""
        self._file.close()

    def _take(self, line: str) -> None:
        if not line:
            return
        self._last.append(line)
        self._file.handle(logging.makeLogRecord({"msg": line, "levelno": logging.INFO}))
        entry = _parse(line)
        colour = _SHOWN.get(str(entry.get("level", "")).lower())
        if colour:
            self._terminal.print(_shown(self._name, entry, colour), soft_wrap=True)


def _parse(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _shown(name: str, entry: dict[str, Any], colour: str) -> Text:
    told = {key: " ".join(str(value).split()) for key, value in entry.items() if key not in _PLUMBING}
    details = " ".join(f"{key}={value}" for key, value in told.items())
    text = Text()
    text.append(f"{name:>7} ", style="dim")
    text.append(f"{entry['level']}: ", style=colour)
    text.append(f"{' '.join(str(entry.get('event', '')).split())} ")
    text.append(details, style="dim")
    return text


class LogStream(io.StringIO):
    """A text stream into a RoleLog: for a process's own logging."""

    def __init__(self, log: RoleLog) -> None:
        super().__init__()
        self._log = log

    def write(self, text: str) -> int:
        self._log.feed(text.encode())
        return len(text)
