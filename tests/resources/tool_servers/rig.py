"""Tool servers to talk to: made with the protocol's own library, on ports of this machine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from mcp.server.mcpserver import MCPServer
from starlette.types import ASGIApp, Receive, Scope, Send


def weather() -> MCPServer[Any]:
    """A server with a few tools."""
    server = MCPServer("Weather", title="The weather", version="1.2", log_level="ERROR")

    @server.tool()
    def forecast(town: str, days: int = 1) -> str:
        """Tells the weather."""
        return f"{town}: sun for {days} days"

    @server.tool()
    def figures(town: str) -> dict[str, Any]:
        """As numbers."""
        return {"town": town, "degrees": None}

    @server.tool()
    def broken() -> str:
        """Never works."""
        raise ValueError("no thermometer")

    @server.tool()
    async def slow() -> str:
        """Takes for ever."""
        await asyncio.Event().wait()
        return "never"

    @server.tool()
    def huge() -> str:
        """More than anybody wants."""
        return "x" * (6 << 20)

    return server


class Watched:
    """An application in front of another that remembers the headers of each request."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner
        self.headers: list[dict[str, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
        await self._inner(scope, receive, send)


class _Quiet(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        return


@asynccontextmanager
async def served(application: Callable[..., Any]) -> AsyncIterator[str]:
    """Its base URL."""
    config = uvicorn.Config(application, port=0, log_config=None, timeout_graceful_shutdown=1)
    server = _Quiet(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await serving
