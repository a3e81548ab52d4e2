"""What tool servers offer, kept for the talks of a process: no talk waits long for a server that is slow or dead."""

import asyncio
import time
from collections.abc import Sequence
from importlib import import_module

import structlog

from trunkline.platform.outbound.client import Outbound
from trunkline.resources.tool_servers.schemas import ToolOut
from trunkline.resources.tool_servers.server import ToolServer

log = structlog.get_logger(__name__)

FRESH = 60.0
"""Seconds after which a list is asked for anew; meanwhile, and while that takes, the old one serves."""
PATIENCE = 1.5
"""Seconds that a talk waits for servers that nobody has asked yet; then it does without their tools."""

Key = tuple[str, str, tuple[tuple[str, str], ...]]


class Catalogue:
    """Lists of tools by server. Belongs to the loop it is used on."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._known: dict[Key, tuple[float, list[ToolOut]]] = {}
        self._asking: dict[Key, asyncio.Task[None]] = {}

    async def tools(
        self, outbound: Outbound, servers: Sequence[ToolServer]
    ) -> list[tuple[ToolServer, ToolOut]]:
        """What the servers offer as far as that is known soon enough; nothing of one that failed."""
        now = time.monotonic()
        for server in servers:
            known = self._known.get(_key(server))
            if (known is None or now - known[0] > FRESH) and _key(server) not in self._asking:
                task = asyncio.create_task(self._ask(outbound, server), name="discover tools")
                self._asking[_key(server)] = task
        unknown = [self._asking[_key(each)] for each in servers if _key(each) not in self._known]
        if unknown:
            await asyncio.wait(unknown, timeout=self._patience)
        found = [(server, self._known.get(_key(server), (0.0, []))[1]) for server in servers]
        return [(server, tool) for server, tools in found for tool in tools]

    async def close(self) -> None:
        """Ask nobody any more."""
        for task in list(self._asking.values()):
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    async def _ask(self, outbound: Outbound, server: ToolServer) -> None:
        key = _key(server)
        former = self._known.get(key, (0.0, []))[1]
        try:
            # A second of imports, once: no start waits for it.
            await asyncio.to_thread(import_module, "trunkline.resources.tool_servers.tools")
            from trunkline.resources.tool_servers import tools

            (found,) = await tools.discovered(outbound, [server])
            kept = former if found.error else await tools.usable(server, found.tools, former)
            self._known[key] = time.monotonic(), kept
        except Exception as error:  # noqa: BLE001 - whatever a foreign server does, talks go on without its tools
            log.warning("tools_not_discovered", server=server.id, error=type(error).__name__)
            self._known[key] = time.monotonic(), former
        finally:
            self._asking.pop(key, None)


def _key(server: ToolServer) -> Key:
    return server.id, server.url, tuple(sorted(server.headers.items()))
