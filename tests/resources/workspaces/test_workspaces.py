"""Keys, and the first workspace."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from tests.resources.api import BOX, Api
from trunkline.errors import NotFound, SetupError
from trunkline.platform.storage.database import Database
from trunkline.resources.workspaces import service
from trunkline.resources.workspaces.models import ApiKey, Workspace

CHOSEN = "a key of my own, 1234567"


async def test_the_first_start_makes_a_workspace_and_tells_its_key_once(database: Database) -> None:
    key = await service.ensure_first_workspace(database, BOX, None)
    assert key is not None and key.startswith("sk_live_")
    assert await service.ensure_first_workspace(database, BOX, None) is None
    identity = await service.StoredKeys(database, BOX).find(key)
    assert identity is not None
    async with database.system() as session:
        workspaces = (await session.scalars(select(Workspace))).all()
    assert [workspace.id for workspace in workspaces] == [identity.workspace_id]


async def test_several_processes_may_start_at_once(database: Database) -> None:
    keys = await asyncio.gather(*(service.ensure_first_workspace(database, BOX, None) for _ in range(4)))
    assert len([key for key in keys if key]) == 1


async def test_a_chosen_key_works_and_gives_way_to_the_next(database: Database) -> None:
    stored = service.StoredKeys(database, BOX)
    for _ in range(2):
        assert await service.ensure_first_workspace(database, BOX, CHOSEN) is None
    first = await stored.find(CHOSEN)
    assert first is not None
    await service.ensure_first_workspace(database, BOX, "another key of mine!")
    assert await stored.find(CHOSEN) is None
    second = await stored.find("another key of mine!")
    assert second is not None and second.workspace_id == first.workspace_id
    with pytest.raises(SetupError, match="revoked"):
        await service.ensure_first_workspace(database, BOX, CHOSEN)


@pytest.mark.parametrize("key", ["short", "x" * 201, "sixteen or more\x07 letters", " blank at the ends "])
async def test_chosen_keys_of_a_wrong_form(database: Database, key: str) -> None:
    with pytest.raises(SetupError, match="16 to 200"):
        await service.ensure_first_workspace(database, BOX, key)


async def test_a_chosen_key_may_look_like_ours(database: Database) -> None:
    key = service.new_key()
    await service.ensure_first_workspace(database, BOX, key)
    assert await service.StoredKeys(database, BOX).find(key) is not None
    with pytest.raises(SetupError, match="another key"):
        await service.ensure_first_workspace(database, BOX, key + "x")


async def test_keys_are_kept_as_hashes(database: Database, workspace: Workspace) -> None:
    key = await service.create_key(database, BOX, workspace.id, "mine")
    (row,) = await service.list_keys(database)
    assert (row.name, row.workspace_id, row.revoked_at) == ("mine", workspace.id, None)
    assert key.encode() not in row.hash and row.id in key


async def test_a_wrong_secret_or_pepper_finds_nothing(database: Database, workspace: Workspace) -> None:
    key = await service.create_key(database, BOX, None, "mine")
    stored = service.StoredKeys(database, BOX)
    assert await stored.find(key) is not None
    assert await stored.find(key[:-1] + ("A" if key[-1] != "A" else "B")) is None
    other = service.StoredKeys(database, type(BOX)("another-secret-0123456789"))
    assert await other.find(key) is None


async def test_revoked_and_expired_keys_are_refused(database: Database, workspace: Workspace) -> None:
    stored = service.StoredKeys(database, BOX)
    revoked = await service.create_key(database, BOX, None, "a")
    expired = await service.create_key(database, BOX, None, "b")
    await service.revoke_key(database, revoked.split("_")[2])
    async with database.system() as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        await session.execute(update(ApiKey).where(ApiKey.name == "b").values(expires_at=past))
    assert await stored.find(revoked) is None
    assert await stored.find(expired) is None
    with pytest.raises(NotFound):
        await service.revoke_key(database, revoked.split("_")[2])
    with pytest.raises(NotFound):
        await service.revoke_key(database, "nothing!")


async def test_a_key_for_a_workspace_that_is_not(database: Database) -> None:
    with pytest.raises(NotFound):
        await service.create_key(database, BOX, None, "x")
    with pytest.raises(NotFound):
        await service.create_key(database, BOX, uuid4(), "x")


async def test_last_use_is_noted(api: Api) -> None:
    await api.send("GET", "/v2/assistants")
    await api.platform.authenticator.flush()
    (row,) = await service.list_keys(api.database)
    assert row.last_used_at is not None


async def test_the_workspace_of_a_key(api: Api, stranger: Api) -> None:
    body = await api.send("GET", "/trunkline/v1/workspace")
    assert body == {"id": str(api.workspace.id), "name": "test"}
    assert (await stranger.send("GET", "/trunkline/v1/workspace"))["name"] == "other"
