"""A voice process as the API sees it, and a call that it holds."""

from typing import Any

import httpx2

from tests.resources.api import Api
from tests.resources.calls.rows import store


class Node:
    """A voice process that answers what it is told to."""

    def __init__(self) -> None:
        self.asked: list[httpx2.Request] = []
        self.answer: httpx2.Response | httpx2.TransportError = httpx2.Response(202, json={"ok": True})

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        if isinstance(self.answer, httpx2.TransportError):
            raise self.answer
        return self.answer


async def held(api: Api, **columns: Any) -> str:
    """A call that a voice process holds."""
    await api.host()
    return await store(api, await api.agent(), **{"status": "in-progress", "host_id": "host-1", **columns})
