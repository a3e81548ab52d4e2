"""A world of one of everything, and somebody's server for it to reach."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from tests.resources.api import Api, serve
from tests.resources.contract.world import World
from tests.resources.tool_servers.rig import served, weather
from trunkline.platform.storage.database import Database
from trunkline.resources.language import Language
from trunkline.resources.workspaces.models import Workspace
from trunkline.voice.language.twins import Said, ScriptedLanguageModel

GENERATED = {
    "name": "Wants a table",
    "persona": "You want a table for two.",
    "success_criteria": ["The agent books it."],
}


def says(messages: Sequence[dict[str, Any]]) -> Said:
    """What the language model answers."""
    asked = str(messages[-1]["content"])
    return GENERATED if "success_criteria" in asked else "Hello there."


@asynccontextmanager
async def server_of_somebody() -> AsyncIterator[str]:
    """The base URL of a server on this machine: tools at `/mcp`, a page at `/page`."""
    tools = weather().streamable_http_app()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/page":
            await JSONResponse({"found": True})(scope, receive, send)
        else:
            await tools(scope, receive, send)

    async with served(application) as base:
        yield base


@pytest.fixture
async def somebody() -> AsyncIterator[str]:
    """The base URL of somebody's server."""
    async with server_of_somebody() as base:
        yield base


def expecting(request: httpx2.Request) -> httpx2.Response:
    """A voice process that takes every call it is told of."""
    return httpx2.Response(202, json={"ok": True})


@pytest.fixture
async def api(database: Database, workspace: Workspace) -> AsyncIterator[Api]:
    """The API, with a voice process behind it."""
    async with serve(database, workspace, httpx2.MockTransport(expecting)) as made:
        yield made


@pytest.fixture
async def world(api: Api, somebody: str) -> World:
    """Everything in the workspace of `api`."""
    model = ScriptedLanguageModel(rule=says)
    api.app.state.language = Language(talk=model, think=model)
    return World(api, somebody)
