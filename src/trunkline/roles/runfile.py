"""What a running platform leaves under its home so that other commands find it.

`<home>/run/trunkline.json` is there from the moment the platform is ready until it stops. It holds the password
of the database, so only its owner may read it. `<home>/run/lock` is held by the one supervisor of the home.
"""

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from trunkline.errors import SetupError


@dataclass(frozen=True)
class RunState:
    """The platform that runs under a home."""

    pid: int
    """Of the supervisor."""
    api_url: str
    sip_address: str
    """host:port that answers SIP over UDP and TCP."""
    voice_url: str
    database_url: str
    llm_url: str
    llm_embedded: bool


def run_folder(home: Path) -> Path:
    """`<home>/run`, made closed to others when absent. Never chmod: that would undo the database's access list."""
    folder = home / "run"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SetupError(
            f"the folder {folder} cannot be made ({error.strerror}); set TRUNKLINE_HOME to one that you may write"
        ) from error
    return folder


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read; it is there whole or not at all."""
    partial = path.with_name(path.name + ".part")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def write(home: Path, state: RunState) -> None:
    """Tell other commands of this home that the platform is ready."""
    write_private(run_folder(home) / "trunkline.json", json.dumps(asdict(state), indent=1) + "\n")


def remove(home: Path) -> None:
    """The platform has stopped."""
    (home / "run" / "trunkline.json").unlink(missing_ok=True)


def read(home: Path) -> RunState | None:
    """The platform that runs under this home; None when there is none (a file left by a killed one counts as none)."""
    path = home / "run" / "trunkline.json"
    try:
        state = RunState(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise SetupError(f"{path} cannot be read ({error}); stop trunkline and remove the file") from error
    return state if lock_owner(home) == state.pid else None


def lock_owner(home: Path) -> int | None:
    """The process that holds the home's lock, or None."""
    path = home / "run" / "lock"
    try:
        with path.open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = file.read().strip()
                return int(text) if text.isdigit() else -1
    except FileNotFoundError:
        return None
    return None


class HomeLock:
    """Held by the one process that owns a home's database. The kernel lets go of it when the process dies."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._file = -1

    def __enter__(self) -> Self:
        """Take it; raises SetupError naming the process that has it."""
        path = run_folder(self._home) / "lock"
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not self._take():
            owner = os.read(self._file, 32).decode().strip() or "unknown"
            os.close(self._file)
            raise SetupError(
                f"process {owner} already runs trunkline under {self._home}; "
                f"stop it (kill {owner}) or set TRUNKLINE_HOME to another folder"
            )
        os.ftruncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode())
        return self

    def _take(self) -> bool:
        for _ in range(5):  # a command that asks who holds it may be touching it right now
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.05)
            else:
                return True
        return False

    def __exit__(self, *_: object) -> None:
        os.close(self._file)
