"""The migrations make what the models say, can be undone and done again, and wait for each other."""

import importlib
import pkgutil
import threading
from collections.abc import Iterator
from uuid import uuid4

import alembic.command
import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

import trunkline.platform.storage.models
import trunkline.resources
from trunkline.errors import SetupError, Unavailable
from trunkline.platform.storage import database, migrate, policies
from trunkline.platform.storage.database import Base, Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.storage.extensions import require_extension
from trunkline.platform.storage.url import psycopg_url
from trunkline.platform.work.jobs import defer


@pytest.fixture
def empty_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The owner's URL of a database without a table."""
    with psycopg.connect(postgres.owner_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE fresh")
    yield postgres.owner_url.replace("/trunkline?", "/fresh?")
    with psycopg.connect(postgres.owner_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE fresh")


def _connect(url: str) -> Connection:
    return create_engine(psycopg_url(url), poolclass=NullPool).connect()


def test_models_and_migrations_agree(postgres: EmbeddedPostgres) -> None:
    for module in pkgutil.walk_packages(trunkline.resources.__path__, "trunkline.resources."):
        if module.name.endswith(".models"):
            importlib.import_module(module.name)
    with _connect(postgres.owner_url) as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_server_default": True,
                "include_name": lambda name, kind, _: (
                    kind != "table" or not (name or "").startswith("procrastinate_")
                ),
            },
        )
        assert compare_metadata(context, Base.metadata) == []


def test_down_and_up_again(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    assert migrate.is_current(empty_url)
    with _connect(empty_url) as connection:
        alembic.command.downgrade(migrate._config(connection), "base")
    assert not migrate.is_current(empty_url)
    migrate.upgrade(empty_url)
    assert migrate.is_current(empty_url)


def test_several_at_once(empty_url: str) -> None:
    failures: list[Exception] = []

    def run() -> None:
        try:
            migrate.upgrade(empty_url)
        except Exception as error:  # noqa: BLE001 - told by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert migrate.is_current(empty_url)


def test_a_newer_job_engine_adds_its_own_steps(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate.upgrade(empty_url)
    ran: list[str] = []
    monkeypatch.setattr(migrate, "_run_script", lambda _, script: ran.append(script))
    migrate.upgrade(empty_url)
    assert ran == []  # at its version already
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("COMMENT ON TABLE procrastinate_jobs IS 'procrastinate 3.3.0'")
    migrate.upgrade(empty_url)
    assert len(ran) >= 1
    assert all("CREATE TABLE procrastinate_jobs" not in script for script in ran)


def test_a_user_who_may_not(postgres: EmbeddedPostgres, empty_url: str) -> None:
    with pytest.raises(SetupError, match="CREATEROLE"):
        migrate.upgrade(postgres.app_url.replace("/trunkline?", "/fresh?"))


async def test_on_a_server_of_the_operators_own(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plain user who owns a database: first creating the roles, then given roles that somebody else made."""
    for module in (policies, database):
        monkeypatch.setattr(module, "APP_ROLE", "other_app")
        monkeypatch.setattr(module, "SYSTEM_ROLE", "other_system")
    with psycopg.connect(postgres.owner_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE operator LOGIN CREATEROLE PASSWORD 'p'")
        connection.execute("CREATE ROLE given LOGIN PASSWORD 'p'")
        for user, name in (("operator", "first"), ("given", "second")):
            connection.execute(f"CREATE DATABASE {name} OWNER {user}")
            if user == "given":
                connection.execute("GRANT other_app, other_system TO given")
            url = f"postgresql://{user}:p@/{name}?{postgres.owner_url.split('?')[1]}"
            assert not migrate.is_current(url)
            with pytest.raises(SetupError, match="administrator run CREATE EXTENSION vector"):
                migrate.upgrade(url)
            with psycopg.connect(postgres.owner_url.replace("/trunkline?", f"/{name}?")) as theirs:
                theirs.execute("CREATE EXTENSION vector")
            migrate.upgrade(url)
            assert migrate.is_current(url)
            pool = Database.connect(url, pool_size=1)
            await pool.check_login()
            async with pool.workspace(uuid4()) as session:
                assert (await session.execute(text("SELECT * FROM workspaces"))).all() == []
                await defer(session, "task", {})
            await pool.close()
            connection.execute(f"DROP DATABASE {name}")
        connection.execute("DROP ROLE other_app, other_system, operator, given")


def test_a_server_without_an_extension(empty_url: str) -> None:
    with (
        _connect(empty_url) as connection,
        pytest.raises(SetupError, match=r"no extension telepathy\. Install it"),
    ):
        require_extension(connection, "telepathy", "it")


def test_no_server(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(Unavailable, match="DATABASE_URL") as told:
        migrate.upgrade(f"postgresql://a:b@/c?host={tmp_path_factory.mktemp('s')}")
    assert "\n" not in str(told.value)


def test_an_old_server(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "_OLDEST_SERVER", 99)
    with pytest.raises(SetupError, match="needs 99 or later"):
        migrate.upgrade(empty_url)
