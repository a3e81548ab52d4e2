"""Wake-ups come with the commit, and after every connection everybody is told to look."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.work import wakeups as module
from trunkline.platform.work.wakeups import Wakeups, notify
from trunkline.resources.workspaces.models import Workspace

PATIENCE_S = 20.0


class Heard(asyncio.Queue[str | None]):
    """What a listener was told."""

    async def next(self) -> str | None:
        return await asyncio.wait_for(self.get(), PATIENCE_S)


@pytest.fixture
async def heard(postgres: EmbeddedPostgres) -> AsyncIterator[Heard]:
    told = Heard()

    def raises(_: str | None) -> None:
        raise ZeroDivisionError

    wakeups = Wakeups(postgres.app_url)
    wakeups.listen("attempts", raises)
    wakeups.listen("attempts", told.put_nowait)
    task = asyncio.create_task(wakeups.run())
    yield told
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_comes_with_the_commit(database: Database, workspace: Workspace, heard: Heard) -> None:
    assert await heard.next() is None
    with pytest.raises(ZeroDivisionError):
        async with database.workspace(workspace.id) as session:
            notify(session, "attempts", "rolled back")
            raise ZeroDivisionError
    async with database.workspace(workspace.id) as session:
        notify(session, "others", "somebody else's")
        notify(session, "attempts", "1")
        notify(session, "attempts", "2")
    assert [await heard.next(), await heard.next()] == ["1", "2"]
    assert heard.empty()


async def test_a_lost_connection_is_made_again(
    database: Database, postgres: EmbeddedPostgres, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.01)
    assert await heard.next() is None
    async with await psycopg.AsyncConnection.connect(postgres.owner_url, autocommit=True) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE query ~ 'LISTEN' AND pid <> pg_backend_pid()"
        )
    assert await heard.next() is None
    async with database.system() as session:
        notify(session, "attempts", "after")
    assert await heard.next() == "after"
