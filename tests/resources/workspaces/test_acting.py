"""`workspace` and `workspace_id`: a parent acts in its subaccount with its own key; anything else means nothing new."""

from uuid import uuid4

import pytest

from tests.resources.api import Api
from tests.resources.subaccounts.made import bearer, key, subaccount

NUMBER = "+14155550100"
SLUG = "/v2/numbers/14155550100"


async def in_branch(api: Api) -> str:
    """A number in a subaccount, put there by the parent; the subaccount's id."""
    branch = await subaccount(api)
    await api.number(NUMBER, workspace_id=branch.id)
    return branch.id


@pytest.mark.parametrize("name", ["workspace", "workspace_id"])
async def test_a_parent_acts_on_its_subaccounts_numbers(api: Api, name: str) -> None:
    params = {name: await in_branch(api)}
    await api.number("+14155550101")
    listed = await api.send("GET", "/v2/numbers", params=params)
    assert [number["number"] for number in listed["response"]["phone_numbers"]] == [NUMBER]
    await api.send("PATCH", SLUG, params=params, json={"friendly_name": "Desk"})
    shown = await api.send("GET", SLUG, params=params)
    assert (shown["friendly_name"], shown["workspace_id"], shown["agency_workspace_id"]) == (
        "Desk",
        params[name],
        str(api.workspace.id),
    )
    await api.refused("GET", SLUG, 404)
    await api.refused("PATCH", SLUG, 404, json={"friendly_name": "x"})
    await api.refused("DELETE", SLUG, 404)
    await api.send("DELETE", SLUG, params=params)
    assert (await api.send("GET", "/v2/numbers"))["response"]["pagination"]["total_records"] == 1


async def test_another_workspace_is_ignored(api: Api, stranger: Api) -> None:
    branch = await in_branch(api)
    await stranger.number("+14155550109")
    for workspace in (branch, str(api.workspace.id), str(uuid4()), "x", ""):
        listed = await stranger.send("GET", "/v2/numbers", params={"workspace": workspace})
        assert [number["number"] for number in listed["response"]["phone_numbers"]] == ["+14155550109"]
        await stranger.refused("GET", SLUG, 404, params={"workspace": workspace})


async def test_a_subaccount_does_not_reach_its_parent_or_siblings(api: Api) -> None:
    first, second = await subaccount(api), await subaccount(api)
    await api.number(NUMBER)
    for workspace in (str(api.workspace.id), second.id):
        body = {
            "workspace_id": workspace,
            "phone_number": "+14155550101",
            "termination_uri": "sip.example.com",
        }
        await api.refused("POST", "/v2/custom-numbers", 403, json=body, headers=first.headers)
        await api.refused("GET", SLUG, 404, params={"workspace": workspace}, headers=first.headers)


async def test_what_was_taken_from_a_subaccount_does_not_bind_its_parent(api: Api) -> None:
    branch = await subaccount(api, revoke_permissions=["phone_numbers"])
    await api.refused("GET", "/v2/numbers", 403, headers=branch.headers)
    await api.send("GET", "/v2/numbers", params={"workspace": branch.id})


async def test_a_key_with_scopes_wants_the_one_for_subaccounts(api: Api) -> None:
    params = {"workspace": await in_branch(api)}
    limited = bearer(await key(api, scopes=["phone_numbers"]))
    await api.send("GET", "/v2/numbers", headers=limited)
    assert "scope subaccounts:read" in await api.refused(
        "GET", "/v2/numbers", 403, params=params, headers=limited
    )
    reader = bearer(await key(api, scopes=["phone_numbers", "subaccounts:read"]))
    await api.send("GET", "/v2/numbers", params=params, headers=reader)
    await api.refused("PATCH", SLUG, 403, params=params, json={}, headers=reader)
