"""Tools of real servers: found, and run."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.responses import PlainTextResponse, Response

from tests.resources.api import Api
from tests.resources.contract import contract
from tests.resources.tool_servers.rig import Watched, served, weather
from trunkline.platform.outbound.client import Outbound
from trunkline.resources.tool_servers import connection, tools
from trunkline.resources.tool_servers.schemas import ToolInvoke

DISCOVER = "/workspaces/{workspace_id}/mcp-tools/discover"
INVOKE = "/workspaces/{workspace_id}/mcp-tools/invoke"


@pytest.fixture
async def watched() -> Watched:
    return Watched(weather().streamable_http_app())


@pytest.fixture
async def url(watched: Watched) -> AsyncIterator[str]:
    async with served(watched) as base:
        yield f"{base}/mcp"


def at(api: Api, end: str) -> str:
    return f"/v2/workspaces/{api.workspace.id}/{end}"


async def use(api: Api, *servers: dict[str, Any]) -> None:
    await api.send("POST", at(api, "mcp-config"), json={"servers": list(servers)})


async def discovered(api: Api, **query: str) -> list[dict[str, Any]]:
    answer = await api.send("POST", at(api, "mcp-tools/discover"), params=query)
    assert contract.faults(answer, contract.answer_schema("POST", DISCOVER, 200)) == []
    return list(answer["servers"])


async def invoked(api: Api, tool: str, **arguments: Any) -> dict[str, Any]:
    body = {"namespaced_tool": tool, "arguments": arguments}
    answer = await api.send("POST", at(api, "mcp-tools/invoke"), json=body)
    assert contract.faults(answer, contract.answer_schema("POST", INVOKE, 200)) == []
    return dict(answer)


async def test_tools_are_found_with_what_they_take(api: Api, url: str, watched: Watched) -> None:
    await use(api, {"id": "w", "mcp_url": url, "headers": {"X-Key": "secret"}})
    [server] = await discovered(api)
    assert {name: server[name] for name in server if name != "tools"} == {
        "config_id": "w",
        "server_name": "Weather",
        "server_title": "The weather",
        "server_version": "1.2",
        "namespace": "127_0_0_1",
    }
    first = server["tools"][0]
    assert first["namespaced_tool"] == "127_0_0_1__forecast"
    assert first["original_tool_name"] == "forecast"
    assert first["tool_description"] == "Tells the weather."
    assert set(first["input_schema"]["properties"]) == {"town", "days"}
    assert {each["x-key"] for each in watched.headers} == {"secret"}


async def test_a_tool_is_run(api: Api, url: str) -> None:
    await use(api, {"mcp_url": url})
    answer = await invoked(api, "127_0_0_1__forecast", town="Bern", days=3)
    assert answer == {"result": "Bern: sun for 3 days", "is_error": False, "error": ""}
    assert '"degrees"' in (await invoked(api, "127_0_0_1__figures", town="Bern"))["result"]


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [("broken", {}, "broken"), ("forecast", {}, "town"), ("nothing", {}, "nothing")],
)
async def test_an_error_of_a_tool_is_its_answer(
    api: Api, url: str, tool: str, arguments: dict[str, Any], said: str
) -> None:
    await use(api, {"mcp_url": url})
    answer = await invoked(api, f"127_0_0_1__{tool}", **arguments)
    assert (answer["result"], answer["is_error"]) == ("", True)
    assert said in answer["error"]


async def test_one_server_that_fails_is_its_own_error(api: Api, url: str) -> None:
    await use(api, {"id": "gone", "mcp_url": "http://127.0.0.1:1/mcp"}, {"id": "here", "mcp_url": url})
    gone, here = await discovered(api)
    assert (gone["config_id"], gone["server_name"], gone["tools"]) == ("gone", "127.0.0.1", [])
    assert gone["error"].startswith("127.0.0.1 was not reached")
    assert "server_version" not in gone
    assert here["tools"]
    assert "error" not in here
    assert {gone["namespace"], here["namespace"]} == {"127_0_0_1", "127_0_0_1_2"}
    assert (await invoked(api, f"{here['namespace']}__forecast", town="Bern"))["is_error"] is False
    failed = await invoked(api, f"{gone['namespace']}__forecast", town="Bern")
    assert (failed["result"], failed["is_error"]) == ("", True)
    assert "not reached" in failed["error"]


async def test_one_server_alone(api: Api, url: str) -> None:
    await use(api, {"id": "a", "mcp_url": "http://127.0.0.1:1/mcp"}, {"id": "b", "mcp_url": url})
    assert [each["config_id"] for each in await discovered(api, config_id="b")] == ["b"]
    said = await api.refused("POST", at(api, "mcp-tools/discover"), params={"config_id": "c"})
    assert said == "config_id: there is no tool server c."


@pytest.mark.parametrize("tool", ["", "forecast", "127_0_0_1__", "other__forecast", "127_0_0_1_forecast"])
async def test_a_tool_of_no_server(api: Api, url: str, tool: str) -> None:
    await use(api, {"mcp_url": url})
    said = await api.refused("POST", at(api, "mcp-tools/invoke"), json={"namespaced_tool": tool})
    assert said.startswith("namespaced_tool: ")


async def test_a_namespace_outlives_its_neighbours(api: Api, url: str) -> None:
    await use(api, {"id": "a", "mcp_url": "http://127.0.0.1:1/mcp"}, {"id": "b", "mcp_url": url})
    await api.send("PUT", at(api, "mcp-config"), 204, json={"servers": [{"id": "b", "mcp_url": url}]})
    assert [each["namespace"] for each in await discovered(api)] == ["127_0_0_1_2"]


async def test_an_address_inside_is_refused(api: Api, url: str, watched: Watched) -> None:
    object.__setattr__(api.platform, "outbound", Outbound())
    await use(api, {"mcp_url": url})
    [server] = await discovered(api)
    assert "not on the public Internet" in server["error"]
    assert watched.headers == []


async def test_a_server_of_the_older_transport(api: Api) -> None:
    async with served(weather().sse_app()) as base:
        await use(api, {"mcp_url": f"{base}/sse"})
        [server] = await discovered(api)
        assert server["server_name"] == "Weather"
        answer = await invoked(api, "127_0_0_1__forecast", town="Bern")
        assert answer["result"] == "Bern: sun for 1 days"


@pytest.mark.parametrize("status", [401, 404, 500])
async def test_a_server_that_answers_something_else(api: Api, status: int) -> None:
    async with served(PlainTextResponse("<h1>no</h1>", status)) as base:
        await use(api, {"mcp_url": base})
        [server] = await discovered(api)
    assert str(status) in server["error"]


@pytest.mark.parametrize(
    "answer",
    [PlainTextResponse("hello"), Response("{", media_type="application/json"), Response(status_code=204)],
)
async def test_a_server_that_does_not_speak_the_protocol(api: Api, answer: Response) -> None:
    async with served(answer) as base:
        await use(api, {"mcp_url": base})
        [server] = await discovered(api)
    assert server["error"]
    assert server["tools"] == []


async def test_a_redirect_elsewhere_is_not_followed(api: Api, url: str, watched: Watched) -> None:
    async with served(Response(status_code=307, headers={"location": url})) as base:
        await use(api, {"mcp_url": base})
        [server] = await discovered(api)
    assert "not followed" in server["error"]
    assert watched.headers == []


async def test_a_slow_tool_is_given_up(api: Api, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ToolInvoke, "SHORTEST_MS", 500)
    await use(api, {"mcp_url": url})
    body = {"namespaced_tool": "127_0_0_1__slow", "timeout_ms": 500}
    async with asyncio.timeout(10):
        answer = await api.send("POST", at(api, "mcp-tools/invoke"), json=body)
    assert answer["is_error"] is True
    assert "no answer within 0.5 s" in answer["error"]


async def test_a_silent_server_is_given_up(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "DISCOVER_WITHIN", 0.5)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        await use(api, {"mcp_url": f"http://127.0.0.1:{port}/mcp"})
        async with asyncio.timeout(10):
            [shown] = await discovered(api)
    assert "no answer within 0.5 s" in shown["error"]


async def test_an_answer_has_a_largest_size(api: Api, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LARGEST", 1 << 16)
    await use(api, {"mcp_url": url})
    answer = await invoked(api, "127_0_0_1__huge")
    assert answer["is_error"] is True
    assert "larger than" in answer["error"]


@pytest.mark.parametrize(
    ("asked", "seconds"), [(None, 15.0), (1, 8.0), (10_000, 10.0), (60_000, 15.0), (-1, 8.0)]
)
def test_the_time_of_a_tool_is_held_between_bounds(asked: int | None, seconds: float) -> None:
    assert ToolInvoke(namespaced_tool="a__b", timeout_ms=asked).within == seconds
