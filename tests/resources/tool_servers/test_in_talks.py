"""Tools of servers in talks: every agent of the workspace has them, and no talk waits for a dead server."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from mcp.server.mcpserver import MCPServer
from structlog.testing import capture_logs

from tests.platform.outbound.web import web
from tests.resources.api import Api
from tests.resources.chats.test_chats import use as speak
from tests.resources.tool_servers.rig import Watched, served, weather
from tests.resources.tool_servers.test_tools import use
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.outbound.masking import MASK
from trunkline.resources.actions import server_tool
from trunkline.resources.actions.work import Means, Occasion
from trunkline.resources.tool_servers import tools
from trunkline.resources.tool_servers.catalogue import Catalogue
from trunkline.resources.tool_servers.schemas import ToolOut
from trunkline.resources.tool_servers.server import ToolServer
from trunkline.resources.webhooks.record import Delivery
from trunkline.voice.conversation.profile import Medium
from trunkline.voice.language.twins import Line


async def test_a_chat_runs_a_servers_tool_with_what_its_schema_declares(api: Api) -> None:
    api.app.state.tool_catalogue = Catalogue(patience=20)
    model = speak(
        api,
        "Hello.",
        Line(tool="127_0_0_1__forecast", arguments={"town": "Oslo", "secret": "x"}),
        "It is sunny.",
    )
    async with served(weather().streamable_http_app()) as url:
        await use(api, {"mcp_url": f"{url}/mcp"})
        agent = await api.agent()
        await api.send("POST", "/v2/chat/c", json={"model_id": agent})
        answer = await api.send("POST", "/v2/chat/c/messages", json={"message": "Hi"})
        answer = await api.send("POST", "/v2/chat/c/messages", json={"message": "And the weather?"})
    assert answer["response"]["agent_message"] == "It is sunny."
    called, result = model.asked[-1][-2:]
    assert json.loads(called["tool_calls"][0]["function"]["arguments"]) == {"town": "Oslo"}
    assert result["content"] == "Oslo: sun for 1 days"


async def test_a_list_is_asked_for_once_and_then_known() -> None:
    catalogue, outbound = Catalogue(patience=20), Outbound("127.0.0.1")
    watched = Watched(weather().streamable_http_app())
    async with served(watched) as url:
        server = ToolServer("w", "weather", f"{url}/mcp", {})
        first = await catalogue.tools(outbound, [server])
        asked = len(watched.headers)
        assert await catalogue.tools(outbound, [server]) == first
        assert len(watched.headers) == asked
    assert "weather__forecast" in [tool.namespaced_tool for _, tool in first]
    await outbound.close()


async def test_a_server_that_hangs_costs_a_talk_its_patience_and_the_others_nothing() -> None:
    catalogue, outbound = Catalogue(patience=0.05), Outbound("127.0.0.1")
    async with web() as hanging:
        hanging.answer = None
        dead = ToolServer("d", "dead", hanging.url("/mcp"), {})
        async with asyncio.timeout(30):
            assert await catalogue.tools(outbound, [dead]) == []
            assert await catalogue.tools(outbound, [dead]) == []
        await catalogue.close()
    await outbound.close()


async def chatted(api: Api, url: str, tool: str, arguments: dict[str, Any], **headers: str) -> dict[str, Any]:
    """What the model reads of a tool that it calls in a chat."""
    api.app.state.tool_catalogue = Catalogue(patience=20)
    model = speak(api, "Hello.", Line(tool=tool, arguments=arguments), "So.")
    await use(api, {"mcp_url": url, "headers": headers})
    await api.send("POST", "/v2/chat/c", json={"model_id": await api.agent()})
    await api.send("POST", "/v2/chat/c/messages", json={"message": "Hi"})
    await api.send("POST", "/v2/chat/c/messages", json={"message": "And now?"})
    result: dict[str, Any] = model.asked[-1][-1]
    return result


async def logged(api: Api) -> list[dict[str, Any]]:
    items = (await api.send("GET", "/v2/logs"))["response"]["items"]
    return [(await api.send("GET", f"/v2/logs/{each['webhook_log_id']}"))["response"] for each in items]


async def test_a_call_of_a_tool_is_logged_with_its_answer_and_without_the_servers_secrets(api: Api) -> None:
    async with served(weather().streamable_http_app()) as url:
        await chatted(api, f"{url}/mcp", "127_0_0_1__forecast", {"town": "Oslo"}, **{"X-Tenant": "s3cret"})
    (log,) = await logged(api)
    assert (log["webhook_type"], log["status"], log["response_status_code"]) == (
        "custom_action",
        "success",
        200,
    )
    assert log["webhook_url"] == f"{url}/mcp"
    assert log["request_payload"]["params"]["name"] == "forecast"
    assert log["request_payload"]["params"]["arguments"] == {"town": "Oslo"}
    assert "Oslo: sun for 1 days" in str(log["response_payload"])
    assert {name.lower(): value for name, value in log["request_headers"].items()}["x-tenant"] == MASK
    assert log["action_id"] and log["model_id"]


async def test_a_tool_that_fails_is_logged_as_a_failure(api: Api) -> None:
    async with served(weather().streamable_http_app()) as url:
        await chatted(api, f"{url}/mcp", "127_0_0_1__broken", {})
    (log,) = await logged(api)
    assert (log["status"], log["response_status_code"]) == ("failed", 200)
    assert "broken" in log["error_message"]


async def test_a_server_that_is_gone_is_logged_too(api: Api) -> None:
    async with served(weather().streamable_http_app()) as url:
        catalogue = Catalogue(patience=20)
        server = ToolServer("w", "weather", f"{url}/mcp", {})
        found = await catalogue.tools(api.platform.outbound, [server])
    action = next(each for each in server_tool.planned(found) if each.name == "weather__forecast")
    outcome = await server_tool.run(means(api), action, {"town": "Oslo"}, occasion(api))
    assert not outcome.ok
    (sent,) = outcome.sent
    assert (sent.answer, sent.succeeded) == (None, False)
    assert "was not reached" in sent.error


async def test_a_tool_that_is_given_up_is_logged(api: Api) -> None:
    entered, given_up = asyncio.Event(), list[Delivery]()
    waiting: MCPServer[Any] = MCPServer("Waiting", log_level="ERROR")

    @waiting.tool()
    async def wait() -> str:
        entered.set()
        await asyncio.Event().wait()
        return "never"

    async with served(waiting.streamable_http_app()) as url:
        found = await Catalogue(patience=20).tools(
            api.platform.outbound, [ToolServer("w", "w", f"{url}/mcp", {})]
        )
        (action,) = server_tool.planned(found)
        run = server_tool.run(means(api, given_up=given_up.append), action, {}, occasion(api))
        running = asyncio.create_task(run)
        async with asyncio.timeout(30):
            await entered.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    (log,) = given_up
    assert (log.timed_out, log.succeeded) == (True, False)
    assert json.loads(log.body or b"")["params"]["name"] == "wait"


async def test_arguments_that_the_servers_schema_does_not_allow_are_not_sent(api: Api) -> None:
    watched = Watched(weather().streamable_http_app())
    async with served(watched) as url:
        read = await chatted(api, f"{url}/mcp", "127_0_0_1__forecast", {"town": "Oslo", "days": "many"})
    told = json.loads(read["content"])
    assert told["error"] == "invalid_arguments"
    assert "arguments.days" in told["message"]
    assert await logged(api) == []


async def test_a_tool_whose_schema_cannot_be_offered_is_left_out_and_the_log_says_why() -> None:
    server = ToolServer("w", "weather", "https://a.example/mcp", {})
    good = tool("good", {"type": "object"})
    with capture_logs() as lines:
        kept = await tools.usable(server, [good, tool("bad", {"type": "array"})], [])
    assert kept == [good]
    (line,) = lines
    assert (line["event"], line["server"], line["tool"]) == ("tool_left_out", "w", "bad")
    assert line["reason"] == "its input schema is no JSON schema of an object"


async def test_the_catalogue_offers_no_tool_that_a_model_cannot_be_given() -> None:
    foreign = weather()
    described = foreign._tool_manager.get_tool("forecast")
    assert described is not None
    described.parameters["properties"]["town"] = {"type": "no type"}
    catalogue, outbound = Catalogue(patience=20), Outbound("127.0.0.1")
    async with served(foreign.streamable_http_app()) as url:
        found = await catalogue.tools(outbound, [ToolServer("w", "weather", f"{url}/mcp", {})])
    names = [each.original_tool_name for _, each in found]
    assert "figures" in names
    assert "forecast" not in names
    await outbound.close()


def tool(name: str, schema: dict[str, Any] | None) -> ToolOut:
    return ToolOut(
        namespaced_tool=f"w__{name}", original_tool_name=name, tool_description=None, input_schema=schema
    )


def means(api: Api, **changes: Any) -> Means:
    return Means(api.database, api.platform.secrets, api.platform.outbound, **changes)


def occasion(api: Api) -> Occasion:
    return Occasion(api.workspace.id, uuid4(), "chat", Medium.CHAT, {}, "run")
