"""The outermost layer: what holds for every request before a route is looked for.

- An id for each request: in the answer's `X-Request-Id`, in every error, in every log line.
- A trailing slash makes no difference: it is taken off, never redirected (clients lose their
  Authorization header on a redirect).
- An empty query value counts as absent.
- A body over 16 MiB is refused before it fills the memory (most routes refuse sooner).
- What is left of the workspace's rate, in the answer's `RateLimit`.
- No exception leaves: the error envelope goes out instead.
"""

import time
from urllib.parse import unquote_to_bytes
from uuid import uuid4

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trunkline.platform.http.bodies import LARGEST, announced, limited, too_large
from trunkline.platform.http.errors import answer_to, envelope

_log = structlog.get_logger(__name__)
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


class RequestMetrics:
    """Counts and times of answered requests, by route (never by path: paths hold ids and numbers)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answered = Counter(
            "trunkline_http_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "trunkline_http_request_seconds", "Time to the end of the answer", ["route"], registry=registry
        )

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answered request."""
        self._answered.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


class Edge:
    """The ASGI middleware of all this."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        id_ = uuid4().hex
        scope.setdefault("state", {})["request_id"] = id_
        scope["path"] = scope["path"].rstrip("/") or "/"
        scope["query_string"] = _without_empty(scope["query_string"])
        with structlog.contextvars.bound_contextvars(request_id=id_):
            await self._answer(scope, receive, send, id_)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, id_: str) -> None:
        started = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = id_
                if (allowance := scope["state"].get("allowance")) is not None:
                    headers.update(allowance.headers)
            await send(message)

        try:
            refusal = _refusal(scope, id_)
            if refusal is None:
                await self.app(scope, limited(scope, receive, LARGEST), send_with_id)
            else:
                await refusal(scope, receive, send_with_id)
        except Exception as error:  # noqa: BLE001 - the last line of defence: a caller gets an answer, never a cut line
            if status:
                _log.error("answer_broken_off", exc_info=error)
            else:
                await answer_to(error, id_)(scope, receive, send_with_id)
        seconds = time.perf_counter() - started
        route = getattr(scope.get("route"), "path", "none")
        self.metrics.note(scope["method"], route, status, seconds)
        if route not in _QUIET:
            _log.info(
                "http_request",
                method=scope["method"],
                route=route,
                status=status,
                ms=round(seconds * 1000, 1),
            )


def _refusal(scope: Scope, id_: str) -> Response | None:
    if b"\x00" in unquote_to_bytes(scope["query_string"]) or "\x00" in scope["path"]:
        return envelope(id_, 400, "The address holds a NUL character; remove it.")
    if announced(scope) > LARGEST:
        return envelope(id_, 413, str(too_large(LARGEST).detail))
    return None


def _without_empty(query: bytes) -> bytes:
    return b"&".join(pair for pair in query.split(b"&") if pair.partition(b"=")[2])
