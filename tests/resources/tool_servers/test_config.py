"""Which tool servers a workspace has."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from tests.resources.api import Api
from tests.resources.contract import contract
from trunkline.resources.tool_servers.models import ToolConfig

URL = "https://tools.example.com/mcp"
CONTRACT = "/workspaces/{workspace_id}/mcp-config"


def path(api: Api) -> str:
    return f"/v2/workspaces/{api.workspace.id}/mcp-config"


async def written(api: Api, *servers: dict[str, Any]) -> dict[str, Any]:
    answer = await api.send("POST", path(api), json={"servers": list(servers)})
    assert contract.faults(answer, contract.answer_schema("POST", CONTRACT, 200)) == []
    return dict(answer)


async def shown(api: Api) -> list[dict[str, Any]]:
    answer = await api.send("GET", path(api))
    assert contract.faults(answer, contract.answer_schema("GET", CONTRACT, 200)) == []
    return list(answer["servers"])


async def test_servers_are_added_changed_and_kept(api: Api) -> None:
    first = await written(
        api,
        {"mcp_url": URL, "headers": {"X-Key": "secret", "Authorization": "Bearer s"}},
        {"mcp_url": f"{URL}/2"},
    )
    assert first == {
        "id": first["id"],
        "mcp_url": URL,
        "has_headers": True,
        "headers_keys": ["Authorization", "X-Key"],
    }
    await written(api, {"id": "mine", "mcp_url": f"{URL}/3"})
    changed = await written(api, {"id": first["id"], "mcp_url": f"{URL}/4"})
    assert changed == {**first, "mcp_url": f"{URL}/4"}
    assert [each["mcp_url"] for each in await shown(api)] == [f"{URL}/4", f"{URL}/2", f"{URL}/3"]
    assert (await shown(api))[2]["id"] == "mine"


@pytest.mark.parametrize(
    ("headers", "keys"), [({}, ["X-Key"]), ({"headers": None}, ["X-Key"]), ({"headers": {}}, [])]
)
async def test_headers_are_kept_unless_they_are_sent(
    api: Api, headers: dict[str, Any], keys: list[str]
) -> None:
    for by in ("id", "mcp_url"):
        made = await written(api, {"mcp_url": URL, "headers": {"X-Key": "secret"}})
        meant = {"mcp_url": URL} if by == "mcp_url" else {"id": made["id"], "mcp_url": URL}
        assert (await written(api, {**meant, **headers}))["headers_keys"] == keys
    made = await written(api, {"mcp_url": URL, "headers": {"X-Key": "secret"}})
    await api.send("PUT", path(api), 204, json={"servers": [{"id": made["id"], "mcp_url": URL, **headers}]})
    assert (await shown(api))[0]["headers_keys"] == keys


async def test_values_of_headers_are_sealed(api: Api) -> None:
    answer = await api.client.post(
        path(api), json={"servers": [{"mcp_url": URL, "headers": {"X-Key": "very-secret"}}]}
    )
    assert "very-secret" not in answer.text
    assert "very-secret" not in (await api.client.get(path(api))).text
    async with api.database.system() as session:
        row = (await session.scalars(select(ToolConfig))).one()
    assert "very-secret" not in str(row.servers)
    assert row.headers_encrypted is not None
    assert b"very-secret" not in row.headers_encrypted


async def test_put_replaces_the_list(api: Api) -> None:
    made = await written(api, {"mcp_url": URL, "headers": {"X-Key": "s"}}, {"mcp_url": f"{URL}/2"})
    body = {"servers": [{"mcp_url": f"{URL}/3"}, {"id": made["id"], "mcp_url": URL}]}
    answer = await api.client.put(path(api), json=body)
    assert (answer.status_code, answer.content) == (204, b"")
    first, second = await shown(api)
    assert (first["mcp_url"], first["has_headers"]) == (f"{URL}/3", False)
    assert second == made
    # By address alone headers are not kept here.
    await api.send("PUT", path(api), 204, json={"servers": [{"mcp_url": URL}]})
    [only] = await shown(api)
    assert (only["mcp_url"], only["has_headers"]) == (URL, False)
    await api.send("PUT", path(api), 204, json={"servers": []})
    assert await shown(api) == []


async def test_without_a_configuration_there_is_nothing(api: Api) -> None:
    said = await api.refused("GET", path(api), 404)
    assert "POST mcp-config" in said
    assert said == await api.refused("PUT", path(api), 404, json={"servers": []})
    assert said == await api.refused("DELETE", path(api), 404)
    tools = f"/v2/workspaces/{api.workspace.id}/mcp-tools"
    assert said == await api.refused("POST", f"{tools}/discover", 404)
    assert said == await api.refused("POST", f"{tools}/invoke", 404, json={"namespaced_tool": "a__b"})


async def test_a_deleted_configuration_is_gone(api: Api) -> None:
    await written(api, {"mcp_url": URL})
    answer = await api.client.delete(path(api))
    assert (answer.status_code, answer.content) == (204, b"")
    await api.refused("GET", path(api), 404)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_another_workspace_is_like_an_unknown_one(api: Api, stranger: Api, method: str) -> None:
    await written(api, {"mcp_url": URL})
    for workspace in (str(api.workspace.id), str(uuid4()), "none"):
        body = {"json": {"servers": [{"mcp_url": URL}]}} if method in ("POST", "PUT") else {}
        said = await stranger.refused(method, f"/v2/workspaces/{workspace}/mcp-config", 404, **body)
        assert said == f"There is no workspace {workspace}."
    assert len(await shown(api)) == 1


@pytest.mark.parametrize("end", ["discover", "invoke"])
async def test_tools_of_another_workspace_are_like_those_of_an_unknown_one(
    api: Api, stranger: Api, end: str
) -> None:
    await written(api, {"mcp_url": URL})
    for workspace in (api.workspace.id, uuid4()):
        url = f"/v2/workspaces/{workspace}/mcp-tools/{end}"
        said = await stranger.refused("POST", url, 404, json={"namespaced_tool": "tools_example_com__a"})
        assert said == f"There is no workspace {workspace}."


@pytest.mark.parametrize(
    ("servers", "field"),
    [
        (None, "servers"),
        ([], "servers"),
        ([{}], "mcp_url"),
        ([{"mcp_url": ""}], "mcp_url"),
        ([{"mcp_url": "ftp://example.com"}], "mcp_url"),
        ([{"mcp_url": URL, "headers": []}], "headers"),
        ([{"mcp_url": URL, "headers": {"X": 1}}], "headers"),
        ([{"mcp_url": URL, "headers": {"X: y": "1"}}], "headers"),
        ([{"mcp_url": URL, "headers": {"Host": "other"}}], "headers"),
        ([{"mcp_url": URL, "headers": {"X": "a\r\nb"}}], "headers"),
        ([{"mcp_url": URL, "id": ""}], "id"),
        ([{"mcp_url": URL, "id": "1"}, {"mcp_url": URL, "id": "1"}], "twice"),
        ([{"mcp_url": f"{URL}/{n}"} for n in range(33)], "servers"),
    ],
)
async def test_what_is_refused(api: Api, servers: Any, field: str) -> None:
    assert field in await api.refused("POST", path(api), json={"servers": servers})
    await api.refused("GET", path(api), 404)


async def test_a_workspace_has_only_so_many(api: Api) -> None:
    await written(api, *({"mcp_url": f"{URL}/{n}"} for n in range(32)))
    assert "32" in await api.refused("POST", path(api), json={"servers": [{"mcp_url": URL}]})


async def test_servers_added_at_once_are_all_there(api: Api) -> None:
    await asyncio.gather(*(written(api, {"mcp_url": f"{URL}/{n}"}) for n in range(5)))
    assert {each["mcp_url"] for each in await shown(api)} == {f"{URL}/{n}" for n in range(5)}
