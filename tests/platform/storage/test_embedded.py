"""The embedded server keeps what was committed and comes back, however it or its holder ended."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from trunkline.errors import SetupError, Unavailable
from trunkline.platform.storage import embedded as module
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.storage.migrate import upgrade

_HOLDER = """
import sys
from pathlib import Path
from trunkline.platform.storage.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
print("started", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Short, for a socket's path may not be long. Shared, for making the data is what takes long."""
    with tempfile.TemporaryDirectory(prefix="tl-") as folder:
        path = Path(folder) / "home"
        yield path
        EmbeddedPostgres(path).stop()


@pytest.fixture
def server(home: Path) -> Iterator[EmbeddedPostgres]:
    """Not started; stopped afterwards."""
    server = EmbeddedPostgres(home, durable=False)
    yield server
    server.stop()


@pytest.fixture
def set_up(server: EmbeddedPostgres) -> EmbeddedPostgres:
    """Was started once and stopped again."""
    server.start()
    server.stop()
    return server


@contextmanager
def changed(path: Path, content: str) -> Iterator[None]:
    """The file has this content meanwhile."""
    before = path.read_bytes()
    path.write_text(content)
    try:
        yield
    finally:
        path.write_bytes(before)


def _write(server: EmbeddedPostgres, value: str) -> None:
    with psycopg.connect(server.owner_url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS kept")
        connection.execute("CREATE TABLE kept (value text)")
        connection.execute("INSERT INTO kept VALUES (%s)", [value])


def _read(server: EmbeddedPostgres) -> list[str]:
    with psycopg.connect(server.owner_url) as connection:
        return [value for (value,) in connection.execute("SELECT value FROM kept").fetchall()]


def _pid(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().split()[0])


def test_keeps_its_data_and_its_addresses(home: Path) -> None:
    """With fsync, as in real use."""
    server = EmbeddedPostgres(home)
    assert not server.alive()
    server.start()
    urls = (server.owner_url, server.app_url)
    _write(server, "kept")
    server.restart()
    assert _read(server) == ["kept"]
    server.stop()
    server.stop()
    assert not server.alive()
    again = EmbeddedPostgres(home)
    again.start()
    assert (again.owner_url, again.app_url) == urls
    assert _read(again) == ["kept"]
    with psycopg.connect(again.owner_url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
    again.stop()


def test_is_closed_to_everybody_else(home: Path, server: EmbeddedPostgres) -> None:
    server.start()
    for path in (home / "postgres", home / "keys", home / "run" / "pg"):
        assert path.stat().st_mode & 0o777 == 0o700, path
    assert (home / "keys" / "postgres.json").stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o007 == 0
    for user in ("postgres", "trunkline_run"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://{user}:wrong@/trunkline?host={home / 'run' / 'pg'}")
    with psycopg.connect(server.owner_url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute(
            "SELECT rolsuper, rolbypassrls, rolinherit FROM pg_roles WHERE rolname = 'trunkline_run'"
        ).fetchone() == (False, False, False)


def test_outlives_a_holder_that_is_killed(home: Path, server: EmbeddedPostgres) -> None:
    command = [sys.executable, "-c", _HOLDER, str(home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"started\n"
        pid = _pid(home)
        with pytest.raises(SetupError, match="Another Trunkline"):
            server.start()
        holder.kill()
    server.start()
    assert _pid(home) == pid  # taken over, not started anew: its clients noticed nothing
    server.stop()
    assert not server.alive()


def test_recovers_from_its_own_death(home: Path, server: EmbeddedPostgres) -> None:
    server.start()
    _write(server, "committed")
    os.kill(_pid(home), signal.SIGKILL)
    while server.alive():  # ends: the signal cannot be caught
        pass
    server.start()
    assert _read(server) == ["committed"]


def test_a_stale_pid_that_is_another_process_now(home: Path, server: EmbeddedPostgres) -> None:
    server.start()
    files = (home / "postgres" / "postmaster.pid", home / "run" / "pg" / ".s.PGSQL.5432.lock")
    left = [path.read_text().splitlines()[1:] for path in files]
    server.stop()
    with subprocess.Popen(["sleep", "60"]) as other:
        for path, lines in zip(files, left, strict=True):
            path.write_text("\n".join([str(other.pid), *lines]) + "\n")
        assert not server.alive()
        server.start()
        assert server.alive()
        server.stop()
        assert other.poll() is None
        other.kill()


async def test_clients_reconnect_over_a_restart(server: EmbeddedPostgres) -> None:
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(upgrade, server.owner_url)
    database = Database.connect(server.app_url, pool_size=3)
    await database.ping()
    restarting = asyncio.create_task(asyncio.to_thread(server.restart))
    while not restarting.done():
        with suppress(Unavailable):  # and nothing else
            await asyncio.gather(*(database.ping() for _ in range(3)))
        await asyncio.sleep(0.005)
    await asyncio.gather(*(database.ping() for _ in range(3)))
    await database.close()
    await restarting


def test_a_first_start_that_was_cut_off_in_a_home_with_a_long_name(home: Path) -> None:
    long = home / ("long" * 30)
    (long / "postgres.new" / "base").mkdir(parents=True)
    server = EmbeddedPostgres(long, durable=False)
    server.start()
    assert server.alive()
    folder = Path(server.owner_url.split("host=")[1])
    assert len(str(folder)) < 60
    assert folder.stat().st_mode & 0o777 == 0o700
    server.stop()
    folder.rmdir()


def test_a_socket_folder_that_somebody_else_made(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SOCKET_LIMIT", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    server = EmbeddedPostgres(home)
    server._socket.mkdir(mode=0o755)
    with pytest.raises(SetupError, match="not a private folder"):
        server.start()


def test_lost_passwords(home: Path, set_up: EmbeddedPostgres) -> None:
    path = home / "keys" / "postgres.json"
    with changed(path, '{"postgres": "wrong", "trunkline_run": "wrong"}'):
        with pytest.raises(SetupError, match="does not open"):
            set_up.start()
        assert not set_up.alive()
        path.unlink()
        with pytest.raises(SetupError, match=r"postgres\.json is missing"):
            set_up.start()
    set_up.start()


def test_data_of_another_version(home: Path, set_up: EmbeddedPostgres) -> None:
    with (
        changed(home / "postgres" / "PG_VERSION", "15\n"),
        pytest.raises(SetupError, match="is of PostgreSQL 15"),
    ):
        set_up.start()
    set_up.start()


def test_a_server_that_cannot_start_says_why(home: Path, set_up: EmbeddedPostgres) -> None:
    with (
        changed(home / "postgres" / "postgresql.conf", "max_connections = few\n"),
        pytest.raises(SetupError, match="max_connections"),
    ):
        set_up.start()
    set_up.start()


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="TRUNKLINE_HOME"):
        EmbeddedPostgres(tmp_path / "file" / "home").start()
