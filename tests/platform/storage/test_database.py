"""What a transaction may see, and what a caller is told when the database goes away."""

import asyncio
import os
import signal
import time
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from trunkline.errors import SetupError, Unavailable
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.resources.agents.models import Agent
from trunkline.resources.workspaces.models import Workspace


async def _workspace_with_agent(database: Database, name: str) -> UUID:
    made = Workspace(name=name)
    async with database.system() as session:
        session.add(made)
        await session.flush()
        session.add(Agent(workspace_id=made.id, name=name, type="inbound"))
    return made.id


@pytest.mark.parametrize(("durable", "waits"), [(True, "on"), (False, "off")])
async def test_commits_wait_for_the_disk_unless_told_otherwise(
    postgres: EmbeddedPostgres, durable: bool, waits: str
) -> None:
    database = Database.connect(postgres.app_url, pool_size=1, durable=durable)
    async with database.system() as session:
        assert await session.scalar(text("SHOW synchronous_commit")) == waits
    await database.close()


async def test_a_workspace_sees_its_own_rows_only(database: Database) -> None:
    ours = await _workspace_with_agent(database, "ours")
    theirs = await _workspace_with_agent(database, "theirs")
    async with database.workspace(ours) as session:
        assert [agent.name for agent in await session.scalars(select(Agent))] == ["ours"]
        assert [row.name for row in await session.scalars(select(Workspace))] == ["ours"]
    async with database.workspace(theirs) as session:
        assert [agent.name for agent in await session.scalars(select(Agent))] == ["theirs"]
    async with database.system() as session:
        assert len((await session.scalars(select(Agent))).all()) == 2


async def test_without_a_workspace_there_are_no_rows(database: Database) -> None:
    await _workspace_with_agent(database, "ours")
    async with database.system() as session:
        # After the pool has carried other settings, and with none at all.
        for value in ("SELECT set_config('role', 'trunkline_app', true)", "RESET app.workspace"):
            await session.execute(text(value))
            assert (await session.scalars(select(Agent))).all() == []


async def test_a_foreign_insert_and_a_foreign_update_are_refused(database: Database) -> None:
    ours = await _workspace_with_agent(database, "ours")
    theirs = await _workspace_with_agent(database, "theirs")
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.workspace(ours) as session:
            session.add(Agent(workspace_id=theirs, name="smuggled", type="inbound"))
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.workspace(ours) as session:
            await session.execute(text("UPDATE agents SET workspace_id = :id"), {"id": theirs})
    async with database.workspace(ours) as session:
        await session.execute(text("DELETE FROM agents"))
    async with database.workspace(theirs) as session:
        assert len((await session.scalars(select(Agent))).all()) == 1


async def test_a_workspace_reaches_no_plumbing(database: Database, workspace: Workspace) -> None:
    for table in ("nodes", "installation", "procrastinate_workers"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.workspace(workspace.id) as session:
                await session.execute(text(f"SELECT * FROM {table}"))


async def test_every_table_of_a_workspace_forces_row_level_security(database: Database) -> None:
    async with database.system() as session:
        unguarded = await session.scalars(
            text(
                "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
                "WHERE a.attname = 'workspace_id' AND c.relkind = 'r' "
                "AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
            )
        )
        assert unguarded.all() == []


async def test_an_error_rolls_back(database: Database, workspace: Workspace) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.workspace(workspace.id) as session:
            session.add(Agent(workspace_id=workspace.id, name="a", type="inbound"))
            await session.flush()
            raise ZeroDivisionError
    async with database.workspace(workspace.id) as session:
        assert (await session.scalars(select(Agent))).all() == []


async def test_a_wrong_statement_is_not_taken_for_an_absent_database(
    database: Database, workspace: Workspace
) -> None:
    with pytest.raises(IntegrityError):
        async with database.workspace(workspace.id) as session:
            session.add(Agent(id=uuid4(), workspace_id=workspace.id, name=None, type="inbound"))


async def test_the_callers_own_errors_pass_unchanged(database: Database) -> None:
    with pytest.raises(FileNotFoundError):
        async with database.system():
            raise FileNotFoundError
    with pytest.raises(TimeoutError):
        async with database.system():
            raise TimeoutError


async def test_the_login_role_is_bound_by_row_level_security(
    database: Database, postgres: EmbeddedPostgres
) -> None:
    await database.check_login()
    as_owner = Database.connect(postgres.owner_url)
    with pytest.raises(SetupError, match="superuser"):
        await as_owner.check_login()
    await as_owner.close()


async def test_the_login_role_alone_may_nothing(postgres: EmbeddedPostgres, database: Database) -> None:
    """Privileges come with SET ROLE only, so a forgotten role shows as an error, not as all rows."""
    with psycopg.connect(postgres.app_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT * FROM agents")


async def test_no_server(tmp_path_factory: pytest.TempPathFactory) -> None:
    nowhere = Database.connect(f"postgresql://a:b@/c?host={tmp_path_factory.mktemp('s')}")
    with pytest.raises(Unavailable, match="try again"):
        await nowhere.ping()
    await nowhere.close()


async def test_a_connection_lost_in_mid_transaction(database: Database, postgres: EmbeddedPostgres) -> None:
    with pytest.raises(Unavailable, match="try again"):
        async with database.system() as session:
            pid = await session.scalar(text("SELECT pg_backend_pid()"))
            _kill(postgres, pid)
            await session.execute(text("SELECT 1"))
    await database.ping()


async def test_connections_that_died_unused_are_replaced(
    database: Database, postgres: EmbeddedPostgres
) -> None:
    async def pid() -> int:
        async with database.system() as session:
            await asyncio.sleep(0)
            return int(await session.scalar(text("SELECT pg_backend_pid()")) or 0)

    pids = set(await asyncio.gather(*(pid() for _ in range(5))))
    assert len(pids) > 1
    for each in pids:
        _kill(postgres, each)
    # Every next use works at once: none is handed a dead connection.
    assert pids.isdisjoint(await asyncio.gather(*(pid() for _ in range(5))))


async def test_a_time_out_is_kept_to_while_the_server_is_silent(
    database: Database, postgres: EmbeddedPostgres
) -> None:
    one = Database.connect(postgres.app_url, pool_size=1)
    async with one.system() as session:
        pid = int(await session.scalar(text("SELECT pg_backend_pid()")) or 0)
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await one.ping()
        assert time.monotonic() - began < 20  # the server stays silent for as long as this test lets it
        await one.ping()
    finally:
        os.kill(pid, signal.SIGCONT)
    await one.close()


async def test_no_free_connection(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunkline.platform.storage.database.CONNECT_SECONDS", 0.1)
    small = Database.connect(postgres.app_url, pool_size=1)
    async with small.system():
        with pytest.raises(Unavailable, match="no free connection"):
            await small.ping()
    await small.close()


@pytest.mark.parametrize("url", ["", "sqlite:///x.db", "mysql://a/b"])
def test_a_url_of_something_else(url: str) -> None:
    with pytest.raises(SetupError, match="postgresql://"):
        Database.connect(url)


def _kill(postgres: EmbeddedPostgres, pid: int | None) -> None:
    with psycopg.connect(postgres.owner_url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
