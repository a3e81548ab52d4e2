"""`/trunkline/v1/keys`: what keys may do, how long, and who may make them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.resources.api import Api
from tests.resources.subaccounts.made import bearer, key, subaccount

PATH = "/trunkline/v1/keys"


def later(**span: float) -> str:
    """A time to come."""
    return (datetime.now(UTC) + timedelta(**span)).isoformat()


async def test_made_listed_and_revoked(api: Api) -> None:
    until = later(days=1)
    made = await api.send(
        "POST",
        PATH,
        json={"name": "Sync", "scopes": ["contacts:read", "calls", "calls"], "expires_at": until},
    )
    assert (made["name"], made["scopes"], made["workspace_id"]) == (
        "Sync",
        ["contacts:read", "calls"],
        str(api.workspace.id),
    )
    listed = await api.send("GET", PATH)
    assert (listed["total"], [item["name"] for item in listed["items"]]) == (2, ["Sync", "test"])
    assert listed["items"][0] == {name: value for name, value in made.items() if name != "key"}
    assert datetime.fromisoformat(made["expires_at"]) == datetime.fromisoformat(until)
    assert made["key"] not in str(listed)
    own = bearer(made["key"])
    await api.send("GET", "/v2/calls", headers=own)
    await api.send("DELETE", f"{PATH}/{made['id']}")
    await api.refused("GET", "/v2/calls", 401, headers=own)
    assert "revoked before" in await api.refused("DELETE", f"{PATH}/{made['id']}")
    assert (await api.send("GET", PATH))["items"][0]["revoked_at"] is not None


async def test_without_scopes_it_may_do_everything(api: Api) -> None:
    made = await api.send("POST", PATH, json={})
    assert (made["scopes"], made["expires_at"]) == (None, None)
    await api.send("GET", PATH, headers=bearer(made["key"]))


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ({"scopes": ["flying"]}, "'flying' is not known"),
        ({"scopes": ["calls:write"]}, "'calls:write' is not known"),
        ({"scopes": []}, "name at least one"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at is past"),
        ({"expires_at": "2020-01-01T00:00:00"}, "expires_at is past"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"name": "n" * 101}, "name"),
    ],
)
async def test_what_is_refused(api: Api, fields: dict[str, Any], hint: str) -> None:
    assert hint in await api.refused("POST", PATH, json=fields)


async def test_no_key_gives_more_than_it_has(api: Api) -> None:
    end = datetime.now(UTC) + timedelta(hours=1)
    own = bearer(await key(api, scopes=["workspace", "contacts", "calls:read"], expires_at=end.isoformat()))
    for scopes in (["calls"], ["contacts", "logs:read"]):
        assert "can give no more" in await api.refused(
            "POST", PATH, 403, json={"scopes": scopes}, headers=own
        )
    beyond = {"expires_at": later(hours=2)}
    assert "lives longer" in await api.refused("POST", PATH, 403, json=beyond, headers=own)
    less = await api.send("POST", PATH, json={"scopes": ["contacts:read"]}, headers=own)
    assert (less["scopes"], datetime.fromisoformat(less["expires_at"])) == (["contacts:read"], end)
    same = await api.send("POST", PATH, json={"expires_at": later(minutes=5)}, headers=own)
    assert same["scopes"] == ["contacts", "calls:read", "workspace"]


async def test_a_parent_makes_lists_and_revokes_keys_of_a_subaccount(api: Api) -> None:
    branch = await subaccount(api)
    made = await api.send("POST", PATH, json={"workspace_id": branch.id, "name": "New"})
    own = bearer(made["key"])
    assert (await api.send("GET", "/trunkline/v1/workspace", headers=own))["id"] == branch.id
    listed = await api.send("GET", PATH, params={"workspace_id": branch.id})
    assert [item["name"] for item in listed["items"]] == ["New", "subaccount"]
    assert (await api.send("GET", PATH))["total"] == 1
    await api.refused("DELETE", f"{PATH}/{made['id']}", 404)
    await api.send("DELETE", f"{PATH}/{made['id']}", params={"workspace_id": branch.id})
    await api.refused("GET", PATH, 401, headers=own)


async def test_nobody_reaches_the_keys_of_others(api: Api, stranger: Api) -> None:
    branch = await subaccount(api)
    (mine,) = (await api.send("GET", PATH))["items"]
    for asking, workspace in ((stranger, branch.id), (stranger, str(api.workspace.id)), (api, "x")):
        await asking.refused("GET", PATH, 403, params={"workspace_id": workspace})
        await asking.refused("POST", PATH, 403, json={"workspace_id": workspace})
        await asking.refused("DELETE", f"{PATH}/{mine['id']}", 403, params={"workspace_id": workspace})
    parents = {"workspace_id": str(api.workspace.id)}
    await api.refused("POST", PATH, 403, json=parents, headers=branch.headers)
    await stranger.refused("DELETE", f"{PATH}/{mine['id']}", 404)
    await stranger.refused("DELETE", f"{PATH}/nothing", 404)
    assert (await api.send("GET", PATH))["items"] == [mine]


async def test_reaching_a_subaccount_wants_the_scope_for_it(api: Api) -> None:
    branch = await subaccount(api)
    limited = bearer(await key(api, scopes=["workspace"]))
    body = {"workspace_id": branch.id}
    assert "scope subaccounts" in await api.refused("POST", PATH, 403, json=body, headers=limited)
    reader = bearer(await key(api, scopes=["workspace", "subaccounts:read"]))
    await api.send("GET", PATH, params=body, headers=reader)
    await api.refused("POST", PATH, 403, json=body, headers=reader)
