"""Tools of servers in talks: every agent of the workspace has them, and no talk waits for a dead server."""

import asyncio
import json

from tests.platform.outbound.web import web
from tests.resources.api import Api
from tests.resources.chats.test_chats import use as speak
from tests.resources.tool_servers.rig import Watched, served, weather
from tests.resources.tool_servers.test_tools import use
from trunkline.platform.outbound.client import Outbound
from trunkline.resources.tool_servers.catalogue import Catalogue
from trunkline.resources.tool_servers.server import ToolServer
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
        async with asyncio.timeout(5):
            assert await catalogue.tools(outbound, [dead]) == []
            assert await catalogue.tools(outbound, [dead]) == []
        await catalogue.close()
    await outbound.close()
