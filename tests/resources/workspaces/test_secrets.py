"""`/trunkline/v1/secrets`: set, listed by name, never shown."""

from typing import Any

import pytest
from sqlalchemy import select

from tests.resources.api import BOX, Api
from trunkline.errors import SetupError
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.workspaces import secrets
from trunkline.resources.workspaces.models import WorkspaceSecret

PATH = "/trunkline/v1/secrets"
SID = "AC" + "0123456789abcdef" * 2


async def stored(api: Api, name: secrets.Name) -> dict[str, str] | None:
    """The value as other parts read it."""
    async with api.database.workspace(api.workspace.id) as session:
        return await secrets.secret(session, BOX, api.workspace.id, name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deepgram", {"api_key": "d"}),
        ("elevenlabs", {"api_key": "e"}),
        ("calcom", {"api_key": "c"}),
        ("ghl", {"api_key": "g", "location_id": "l"}),
        ("ghl", {"api_key": "g"}),
        ("twilio", {"account_sid": SID, "auth_token": "t"}),
    ],
)
async def test_set_and_read_by_other_parts(api: Api, name: secrets.Name, value: dict[str, str]) -> None:
    shown = await api.send("PUT", f"{PATH}/{name}", json={**value, "unknown": 1})
    assert (shown["name"], shown["set"]) == (name, True)
    assert await stored(api, name) == value


async def test_values_are_sealed_and_never_shown(api: Api) -> None:
    before = await api.send("GET", PATH)
    assert [item["name"] for item in before["secrets"]] == list(secrets.NAMES)
    assert not any(item["set"] or item["updated_at"] for item in before["secrets"])
    first = await api.send("PUT", f"{PATH}/calcom", json={"api_key": "hush-hush"})
    again = await api.send("PUT", f"{PATH}/calcom", json={"api_key": "hush-again"})
    assert again["updated_at"] > first["updated_at"]
    listed = await api.send("GET", PATH)
    assert [item for item in listed["secrets"] if item["set"]] == [again]
    assert "hush" not in str([before, first, again, listed])
    async with api.database.workspace(api.workspace.id) as session:
        row = (await session.scalars(select(WorkspaceSecret))).one()
        assert b"hush" not in row.sealed
        with pytest.raises(SetupError):
            await secrets.secret(session, SecretBox("another-secret-0123456789"), api.workspace.id, "calcom")
    assert await stored(api, "calcom") == {"api_key": "hush-again"}


async def test_delete(api: Api) -> None:
    await api.send("PUT", f"{PATH}/calcom", json={"api_key": "k"})
    assert await api.send("DELETE", f"{PATH}/calcom") == {"status": "ok"}
    assert await stored(api, "calcom") is None
    assert "is not set" in await api.refused("DELETE", f"{PATH}/calcom", 404)


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("calcom", {}, "api_key is required"),
        ("calcom", {"api_key": ""}, "api_key"),
        ("calcom", {"api_key": "two words"}, "api_key"),
        ("calcom", {"api_key": "a\r\nX: y"}, "api_key"),
        ("calcom", {"api_key": 1}, "api_key"),
        ("ghl", {"location_id": "l"}, "api_key is required"),
        ("twilio", {"api_key": "k"}, "account_sid is required"),
        ("twilio", {"account_sid": SID}, "auth_token is required"),
        ("twilio", {"account_sid": "x", "auth_token": "t"}, "account_sid"),
    ],
)
async def test_shapes(api: Api, name: str, value: dict[str, Any], hint: str) -> None:
    assert hint in await api.refused("PUT", f"{PATH}/{name}", json=value)


async def test_unknown_names(api: Api) -> None:
    await api.refused("PUT", f"{PATH}/openai", 404, json={"api_key": "k"})
    await api.refused("DELETE", f"{PATH}/openai", 404)


async def test_each_workspace_has_its_own(api: Api, stranger: Api) -> None:
    await api.send("PUT", f"{PATH}/calcom", json={"api_key": "mine"})
    assert not any(item["set"] for item in (await stranger.send("GET", PATH))["secrets"])
    await stranger.refused("DELETE", f"{PATH}/calcom", 404)
    await stranger.send("PUT", f"{PATH}/calcom", json={"api_key": "theirs"})
    assert await stored(api, "calcom") == {"api_key": "mine"}
