"""The rules of a workspace's tool servers."""

import asyncio
import json
import re
from collections.abc import Sequence
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from trunkline.errors import BadInput, NotFound
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.tool_servers.models import ToolConfig
from trunkline.resources.tool_servers.repository import ToolConfigRepository
from trunkline.resources.tool_servers.schemas import (
    MOST_SERVERS,
    ServerTools,
    ServerWrite,
    ToolInvoke,
    ToolResult,
)
from trunkline.resources.tool_servers.server import SEPARATOR, ToolServer
from trunkline.resources.workspaces.secrets import Opener

HEADERS_FIELD = "tool_server_headers"
LONGEST_NAMESPACE = 32

Stored = dict[str, Any]
"""One server as its configuration keeps it."""


class ToolServers:
    """The tool servers of one workspace. No connection to the database is held while a server is asked."""

    def __init__(
        self, database: Database, secrets: SecretBox, outbound: Outbound, workspace_id: UUID
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._outbound = outbound
        self._workspace = workspace_id

    async def get(self) -> Sequence[Stored]:
        """The servers, in their order. Raises NotFound without a configuration."""
        return (await self._config()).servers

    async def add(self, sent: Sequence[ServerWrite]) -> Stored:
        """Add servers or change those that are there, found by id or else by address; the first that was sent.

        Raises:
            BadInput: none was sent, one twice, or there would be too many.
        """
        if not sent:
            raise BadInput("servers: send at least one.")
        async with self._database.workspace(self._workspace) as session:
            config = await ToolConfigRepository(session, self._workspace).get_or_add()
            drafts = _Drafts(config.servers, self._opened(config))
            written = [drafts.write(each, by_address=True) for each in sent]
            self._write(config, drafts)
            return written[0]

    async def replace(self, sent: Sequence[ServerWrite]) -> None:
        """Have these servers and no others; headers that are left out stay with their id.

        Raises:
            NotFound: there is no configuration.
            BadInput: one was sent twice.
        """
        async with self._database.workspace(self._workspace) as session:
            config = await ToolConfigRepository(session, self._workspace).get(lock=True)
            if config is None:
                raise _none()
            ids = {each.id for each in sent}
            known = [each for each in config.servers if each["id"] in ids]
            drafts = _Drafts(known, self._opened(config))
            kept = [drafts.write(each, by_address=False) for each in sent]
            drafts.keep(kept)
            self._write(config, drafts)

    async def delete(self) -> None:
        """Forget all servers. Raises NotFound without a configuration."""
        async with self._database.workspace(self._workspace) as session:
            if not await ToolConfigRepository(session, self._workspace).delete():
                raise _none()

    async def discover(self, config_id: str | None) -> list[ServerTools]:
        """What the servers offer, or the one of this id.

        Raises:
            NotFound: there is no configuration.
            BadInput: no server has this id.
        """
        servers = await self._servers()
        if config_id is not None:
            servers = [each for each in servers if each.id == config_id]
            if not servers:
                raise BadInput(f"config_id: there is no tool server {config_id}.")
        await _protocol_loaded()
        from trunkline.resources.tool_servers import tools

        return await tools.discovered(self._outbound, servers)

    async def invoke(self, body: ToolInvoke) -> ToolResult:
        """Run a tool and wait for what it says.

        Raises:
            NotFound: there is no configuration.
            BadInput: no server has this namespace.
        """
        namespace, _, tool = body.namespaced_tool.partition(SEPARATOR)
        server = next((each for each in await self._servers() if each.namespace == namespace), None)
        if server is None or not tool:
            raise BadInput(
                f"namespaced_tool: there is no tool {body.namespaced_tool}; send a name that discovery tells, "
                "<namespace>__<tool>."
            )
        await _protocol_loaded()
        from trunkline.resources.tool_servers import tools

        return await tools.invoked(self._outbound, server, tool, body.arguments or {}, body.within)

    async def _servers(self) -> list[ToolServer]:
        return servers_of(await self._config(), self._secrets)

    async def _config(self) -> ToolConfig:
        async with self._database.workspace(self._workspace) as session:
            config = await ToolConfigRepository(session, self._workspace).get()
        if config is None:
            raise _none()
        return config

    def _opened(self, config: ToolConfig) -> dict[str, dict[str, str]]:
        return _opened(config, self._secrets)

    def _write(self, config: ToolConfig, drafts: "_Drafts") -> None:
        if len(drafts.servers) > MOST_SERVERS:
            raise BadInput(f"servers: a workspace has {MOST_SERVERS} at most; delete some.")
        config.servers = drafts.servers
        sealed = json.dumps(drafts.headers)
        config.headers_encrypted = (
            self._secrets.seal(self._workspace, HEADERS_FIELD, sealed) if drafts.headers else None
        )


def servers_of(config: ToolConfig, box: Opener) -> list[ToolServer]:
    """The servers of a configuration, in their order. Raises SetupError for headers sealed with another key."""
    headers = _opened(config, box)
    return [
        ToolServer(each["id"], each["namespace"], each["mcp_url"], headers.get(each["id"], {}))
        for each in config.servers
    ]


def _opened(config: ToolConfig, box: Opener) -> dict[str, dict[str, str]]:
    if config.headers_encrypted is None:
        return {}
    headers: dict[str, dict[str, str]] = json.loads(
        box.open(config.workspace_id, HEADERS_FIELD, config.headers_encrypted)
    )
    return headers


class _Drafts:
    """Servers and their headers while they are written."""

    def __init__(self, servers: Sequence[Stored], headers: dict[str, dict[str, str]]) -> None:
        self.servers = list(servers)
        self.headers = dict(headers)
        self._written: set[str] = set()

    def write(self, sent: ServerWrite, *, by_address: bool) -> Stored:
        """Change the server that is meant, or add it."""
        known = self._known(sent, by_address=by_address)
        id_ = known["id"] if known else sent.id or str(uuid4())
        if id_ in self._written:
            raise BadInput(f"servers: {sent.id or sent.mcp_url} is there twice; send it once.")
        self._written.add(id_)
        namespace = known["namespace"] if known else self._namespace(sent.mcp_url)
        if sent.headers is not None:
            self.headers[id_] = sent.headers
        if not self.headers.get(id_):
            self.headers.pop(id_, None)
        keys = sorted(self.headers.get(id_, {}))
        server = {"id": id_, "mcp_url": sent.mcp_url, "namespace": namespace, "headers_keys": keys}
        if known is None:
            self.servers.append(server)
        else:
            self.servers[self.servers.index(known)] = server
        return server

    def keep(self, servers: Sequence[Stored]) -> None:
        """Have these only, in this order."""
        self.servers = list(servers)
        ids = {each["id"] for each in servers}
        self.headers = {id_: each for id_, each in self.headers.items() if id_ in ids}

    def _known(self, sent: ServerWrite, *, by_address: bool) -> Stored | None:
        if sent.id is not None:
            return next((each for each in self.servers if each["id"] == sent.id), None)
        if not by_address:
            return None
        return next((each for each in self.servers if each["mcp_url"] == sent.mcp_url), None)

    def _namespace(self, url: str) -> str:
        """A word for the server, out of its host; it stays the same as long as the server is there."""
        host = urlsplit(url).hostname or ""
        word = re.sub(r"[^a-z0-9]+", "_", host.lower()).strip("_")[:LONGEST_NAMESPACE].strip("_") or "server"
        taken = {each["namespace"] for each in self.servers}
        number, name = 1, word
        while name in taken:
            number += 1
            name = f"{word}_{number}"
        return name


async def _protocol_loaded() -> None:
    """A second of imports, once: no start waits for it, and no other request."""
    await asyncio.to_thread(import_module, "trunkline.resources.tool_servers.tools")


def _none() -> NotFound:
    return NotFound("This workspace has no tool servers; POST mcp-config first.")
