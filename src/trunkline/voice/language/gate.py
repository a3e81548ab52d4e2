"""The gate in front of the local model server: live turns first.

A small HTTP proxy (plain ASGI). A request is live unless it carries `X-Trunkline-Priority: background`.

- Live requests run at once, as many as the server has slots; more wait in their order.
- A background request runs only while no live one runs or waits, and one at a time. When a live one comes, it is
  broken off and begun again later: its client waits, the caller does not. (What was read of its prompt stays in the
  server's cache.) Therefore its answer comes whole.
- A client that goes away takes its request with it, wherever it is.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2
import structlog

log = structlog.get_logger(__name__)

PRIORITY = b"x-trunkline-priority"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_MAX_BODY = 4 << 20
_GIVEN_BACK_SECONDS = 0.01
_GIVEN_BACK_POLLS = 300


@dataclass
class Turns:
    """Who may use the model now."""

    slots: int
    _live: int = 0
    """Live requests that run or wait."""
    _free: asyncio.Semaphore = field(init=False)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)
    _running: "asyncio.Task[None] | None" = None

    def __post_init__(self) -> None:
        self._free = asyncio.Semaphore(self.slots)
        self._idle.set()

    @asynccontextmanager
    async def live(self) -> AsyncIterator[None]:
        """A live turn's time with the model."""
        self._live += 1
        self._idle.clear()
        if self._running is not None:
            self._running.cancel()
        try:
            async with self._free:
                yield
        finally:
            self._live -= 1
            if not self._live:
                self._idle.set()

    async def background(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` to its end while nobody speaks; begun anew after each time it was broken off."""
        async with self._one:
            while True:
                while self._live:
                    await self._idle.wait()
                running = self._running = asyncio.ensure_future(_run(work))
                try:
                    await asyncio.wait({running})
                finally:
                    # Cancelled from outside (its client went away): the work ends as well.
                    running.cancel()
                    self._running = None
                if not running.cancelled():
                    running.result()
                    return


async def _run(work: Callable[[], Awaitable[None]]) -> None:
    await work()


class Gate:
    """An ASGI application that hands requests on to `upstream` (http://host:port)."""

    def __init__(self, upstream: str, slots: int, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._turns = Turns(slots)
        self._streams = 0
        self._calm = asyncio.Event()
        """Set while the server is not busy giving a slot back."""
        self._calm.set()
        # The model reads a long prompt for minutes on a busy machine; its client knows how long to wait.
        self._client = httpx2.AsyncClient(
            base_url=upstream,
            timeout=httpx2.Timeout(None, connect=2.0),
            limits=httpx2.Limits(max_connections=None),
            transport=transport,
        )

    @property
    def calm(self) -> bool:
        """False while the server is about to give a slot back."""
        return self._calm.is_set()

    async def close(self) -> None:
        await self._client.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/health":
            await _answer(send, 200, b'{"status": "ok"}')
            return
        body = await _body(receive)
        if body is None:
            await _answer(send, 413, b'{"error": {"message": "the request is larger than 4 MiB"}}')
            return
        work = asyncio.ensure_future(self._serve(scope, body, send))
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            work.cancel()
            gone.cancel()
        await asyncio.wait({work, gone})
        if not work.cancelled():
            work.result()

    async def _serve(self, scope: Scope, body: bytes, send: Send) -> None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        try:
            if dict(headers).get(PRIORITY, b"").lower() == b"background":
                await self._background(scope, body, send)
            else:
                async with self._turns.live():
                    await self._stream(scope, body, send)
        except httpx2.HTTPError as error:
            log.error("model_server_failed", error=type(error).__name__)
            await _answer(send, 502, b'{"error": {"message": "the local model server does not answer"}}')

    async def _background(self, scope: Scope, body: bytes, send: Send) -> None:
        answers: list[httpx2.Response] = []

        async def whole() -> None:
            answers.append(await self._client.send(self._request(scope, body)))

        await self._turns.background(whole)
        [answer] = answers
        await _answer(send, answer.status_code, answer.content, _content_type(answer))

    async def _stream(self, scope: Scope, body: bytes, send: Send) -> None:
        await self._calm.wait()
        self._streams += 1
        whole = False
        try:
            answer = await self._client.send(self._request(scope, body), stream=True)
            try:
                headers = [(b"content-type", _content_type(answer))]
                await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
                async for block in answer.aiter_bytes():
                    await send({"type": "http.response.body", "body": block, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                whole = True
            finally:
                await answer.aclose()
        finally:
            self._streams -= 1
            if not whole:
                self._calm.clear()
                try:
                    await self._slot_given_back()
                finally:
                    self._calm.set()

    async def _slot_given_back(self) -> None:
        """Wait until the server has noticed that a request was broken off.

        Until then it keeps the slot, and the caller's next request would go to another one, where none of its prompt
        is: measured 9.6 s to the first token instead of 0.1.
        """
        with suppress(httpx2.HTTPError):
            for _ in range(_GIVEN_BACK_POLLS):
                slots = await self._client.get("/slots")
                if slots.status_code != httpx2.codes.OK:
                    return
                if sum(slot["is_processing"] for slot in slots.json()) <= self._streams:
                    return
                await asyncio.sleep(_GIVEN_BACK_SECONDS)

    def _request(self, scope: Scope, body: bytes) -> httpx2.Request:
        return self._client.build_request(
            scope["method"], scope["path"], content=body, headers={"Content-Type": "application/json"}
        )


def _content_type(answer: httpx2.Response) -> bytes:
    return str(answer.headers.get("content-type", "application/json")).encode()


async def _answer(send: Send, status: int, body: bytes, content_type: bytes = b"application/json") -> None:
    await send(
        {"type": "http.response.start", "status": status, "headers": [(b"content-type", content_type)]}
    )
    await send({"type": "http.response.body", "body": body})


async def _body(receive: Receive) -> bytes | None:
    """The request's body; None when it is too large."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body
        body += bytes(message.get("body", b""))
        if len(body) > _MAX_BODY:
            return None
        if not message.get("more_body", False):
            return body


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
