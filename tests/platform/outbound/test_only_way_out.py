"""Whatever goes to an address that users, callers or models can set goes through the guard: the source is read for it."""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[3] / "src" / "trunkline"

OPERATORS = {
    "platform/outbound/client.py": "the guarded client itself",
    "platform/outbound/connections.py": "its lower half, which asks the guard",
    "platform/outbound/transport.py": "its face to libraries",
    "voice/endpoint.py": "endpoints of language, hearing and speech, which the operator sets",
    "voice/language/chat.py": "the language model's endpoint",
    "voice/language/gate.py": "the language model's endpoint",
    "voice/speech/vendor.py": "vendors' fixed hosts",
    "voice/speech/deepgram.py": "a vendor's fixed host",
    "voice/speech/elevenlabs.py": "a vendor's fixed host",
    "voice/models/https.py": "model files, from the manifest's addresses",
    "roles/api.py": "our own voice hosts",
    "roles/supervisor.py": "our own processes",
    "roles/doctor.py": "our own processes",
    "roles/worker.py": "our own voice hosts",
    "roles/demo/director.py": "our own API",
    "roles/simulate/from_call.py": "our own API",
    "roles/simulate/line_platform.py": "our own API",
}
"""Files that may speak to the outside by themselves, and to whom."""
CLIENTS = {
    "httpx": {"AsyncClient", "Client", "AsyncHTTPTransport", "HTTPTransport", "get", "post", "request", "stream"},
    "httpx2": {"AsyncClient", "Client", "AsyncHTTPTransport", "HTTPTransport", "get", "post", "request", "stream"},
    "httpcore2": {"AsyncConnectionPool", "ConnectionPool", "AnyIOBackend", "request"},
    "openai": {"AsyncOpenAI", "OpenAI"},
    "asyncio": {"open_connection", "create_connection"},
    "socket": {"create_connection"},
    "websockets": {"connect"},
}  # fmt: skip
MODULES = {"urllib.request", "http.client", "requests", "aiohttp", "urllib3", "ftplib", "smtplib"}


def ways_out(tree: ast.AST) -> Iterator[str]:
    """Clients that a module makes, and libraries that are nothing else."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names if each.name in MODULES)
            case ast.ImportFrom(module=str(module), names=names):
                root = module.split(".")[0]
                if module in MODULES:
                    yield module
                yield from (f"{root}.{each.name}" for each in names if each.name in CLIENTS.get(root, set()))
            case ast.Call(func=ast.Attribute(value=ast.Name(id=root), attr=name)):
                if name in CLIENTS.get(root, set()):
                    yield f"{root}.{name}"


def test_nothing_but_the_operators_own_leaves_without_the_guard() -> None:
    found = {
        str(path.relative_to(SOURCE)): sorted(set(ways))
        for path in sorted(SOURCE.rglob("*.py"))
        if (ways := list(ways_out(ast.parse(path.read_text()))))
    }
    assert {file: ways for file, ways in found.items() if file not in OPERATORS} == {}


def test_the_list_names_files_that_are_there() -> None:
    assert [file for file in OPERATORS if not (SOURCE / file).exists()] == []


def test_a_client_is_noticed_in_each_spelling() -> None:
    for text in (
        "import httpx2\nhttpx2.AsyncClient()",
        "from httpx import AsyncClient",
        "import urllib.request",
        "from requests import get",
        "import asyncio\nasync def f():\n    await asyncio.open_connection('a', 1)",
    ):
        assert list(ways_out(ast.parse(text))), text
