"""Live events over real connections: what a client without a socket cannot show."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx2
import uvicorn
from sqlalchemy import update
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.resources.api import serve
from tests.resources.calls.holder import held
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.models import Node
from trunkline.resources.workspaces.models import Workspace


class Endless:
    """A voice process whose call never ends; knows when its watcher has left."""

    def __init__(self) -> None:
        self.left = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"data: {}\n\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left.set()


@asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[str]:
    """The base URL of an application on a port of its own."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    # It listens from here on: who connects before the server runs waits in the backlog.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


async def test_the_voice_process_is_let_go_when_the_watcher_leaves(
    database: Database, workspace: Workspace
) -> None:
    node = Endless()
    async with (
        listening(node) as url,
        serve(database, workspace, httpx2.AsyncHTTPTransport()) as api,
        listening(api.app) as base,
        httpx2.AsyncClient(base_url=base, headers=api.client.headers) as client,
    ):
        call = await held(api)
        async with database.system() as session:
            await session.execute(update(Node).values(control_url=url))
        async with asyncio.timeout(20):
            async with client.stream("GET", f"/trunkline/v1/calls/{UUID(call)}/events") as answer:
                assert await anext(answer.aiter_bytes()) == b"data: {}\n\n"
                assert not node.left.is_set()
            await node.left.wait()


async def test_an_encoded_plus_in_a_path(database: Database, workspace: Workspace) -> None:
    async with (
        serve(database, workspace) as api,
        listening(api.app) as base,
        httpx2.AsyncClient(base_url=base, headers=api.client.headers) as client,
    ):
        await api.number()
        for slug in ("14155550100", "%2B14155550100", "+14155550100", "%2B14155550100/"):
            answer = await client.get(f"/v2/numbers/{slug}")
            assert (answer.status_code, answer.json().get("slug")) == (200, "14155550100")
