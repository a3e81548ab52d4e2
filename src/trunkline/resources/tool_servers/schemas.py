"""Tool servers on the wire."""

import re
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from trunkline.platform.http.wire import Wire, WireInput, example
from trunkline.resources.agents.schemas import web_address

MOST_SERVERS = 32
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_OF_THE_CONNECTION = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "host",
        "mcp-protocol-version",
        "mcp-session-id",
        "transfer-encoding",
        "upgrade",
    }
)


def _address(value: str) -> str:
    if not web_address(value):
        raise ValueError("must be the address of an MCP server, such as https://example.com/mcp")
    return web_address(value)


def _headers(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not _TOKEN.fullmatch(name) or name.lower() in _OF_THE_CONNECTION:
            raise ValueError(f"{name!r} is no header that can be set here; remove it")
        if not (text.isascii() and text.isprintable()):
            raise ValueError(f"the value of {name} must be printable ASCII")
    return value


def _server_id(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be printable characters")
    return value


class ServerWrite(WireInput):
    """A tool server. Headers that are left out or null stay as they are stored; {} takes them away."""

    id: Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_server_id)] | None = None
    mcp_url: Annotated[str, AfterValidator(_address)]
    headers: Annotated[dict[str, str], AfterValidator(_headers)] | None = None


class ConfigWrite(WireInput):
    """Tool servers of a workspace."""

    model_config = example(
        servers=[{"mcp_url": "https://tools.example.com/mcp", "headers": {"Authorization": "Bearer secret"}}]
    )

    servers: Annotated[list[ServerWrite], Field(max_length=MOST_SERVERS)]


class ServerOut(Wire):
    """A tool server; the values of its headers are never shown."""

    id: str
    mcp_url: str
    has_headers: bool
    headers_keys: list[str]


class ConfigOut(Wire):
    """The tool servers of a workspace."""

    servers: list[ServerOut]


class ToolOut(Wire):
    """A tool and what it takes."""

    namespaced_tool: str
    original_tool_name: str
    tool_description: str | None
    input_schema: dict[str, Any] | None


class ServerTools(Wire):
    """What one server offers, or why that is not known. Members without a value are left out."""

    config_id: str
    server_name: str
    server_title: str | None = None
    server_version: str | None = None
    namespace: str
    tools: list[ToolOut]
    error: str | None = None


class Discovery(Wire):
    """What all servers offer."""

    servers: list[ServerTools]


class ToolInvoke(WireInput):
    """A tool to run now. `timeout_ms` is held between 8,000 and 15,000."""

    model_config = example(namespaced_tool="weather__forecast", arguments={"town": "Oslo"})

    SHORTEST_MS: ClassVar[int] = 8_000
    LONGEST_MS: ClassVar[int] = 15_000

    namespaced_tool: str
    arguments: dict[str, Any] | None = None
    timeout_ms: int | None = None

    @property
    def within(self) -> float:
        """Seconds."""
        asked = self.LONGEST_MS if self.timeout_ms is None else self.timeout_ms
        return min(max(asked, self.SHORTEST_MS), self.LONGEST_MS) / 1000


class ToolResult(Wire):
    """What a tool said; `result` is "" on an error, `error` is "" without one."""

    result: str
    is_error: bool
    error: str
