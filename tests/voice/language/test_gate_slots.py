"""A request that is broken off keeps its slot for a moment: the next one waits for it instead of reading anew."""

import asyncio
import json
from typing import Any

import httpx2

from trunkline.voice.language.gate import Gate


class Server:
    """llama.cpp's server as far as slots go: a chat streams for ever, and its slot is given back when told."""

    def __init__(self) -> None:
        self.chats = 0
        self.busy = 0

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/slots":
            return httpx2.Response(200, json=[{"is_processing": n < self.busy} for n in range(2)])
        self.chats += 1
        self.busy += 1
        return httpx2.Response(200, content=_words())


async def _words() -> Any:
    yield b"data: one\n\n"
    await asyncio.Event().wait()


class Caller:
    """One client of the gate, as ASGI sees it."""

    def __init__(self, gate: Gate) -> None:
        self._gone = asyncio.Event()
        self._asked = False
        self.heard = asyncio.Event()
        scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": []}
        self.task = asyncio.ensure_future(gate(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": json.dumps({"stream": True}).encode(), "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message.get("body"):
            self.heard.set()

    def leave(self) -> None:
        self._gone.set()


async def test_the_next_request_waits_until_the_slot_is_given_back() -> None:
    server = Server()
    gate = Gate("http://model", slots=2, transport=httpx2.MockTransport(server))
    first = Caller(gate)
    await first.heard.wait()
    first.leave()
    while gate.calm:  # noqa: ASYNC110 - the gate has no event for it
        await asyncio.sleep(0)
    second = Caller(gate)
    for _ in range(20):
        await asyncio.sleep(0)
    assert server.chats == 1
    server.busy = 0
    async with asyncio.timeout(30):
        await second.heard.wait()
    assert server.chats == 2
    second.leave()
    server.busy = 0
    async with asyncio.timeout(30):
        await asyncio.gather(first.task, second.task)
    await gate.close()
