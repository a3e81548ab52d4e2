"""The HTTP application, put together from parts that it is handed; nothing here is global."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from trunkline import __version__
from trunkline.platform.http import docs, published
from trunkline.platform.http.auth import Authenticator
from trunkline.platform.http.context import Platform
from trunkline.platform.http.edge import Edge, RequestMetrics
from trunkline.platform.http.errors import ErrorEnvelope, envelope, handle_errors, request_id

USE_REPORT_SECONDS = 30.0

Ready = Callable[[], Awaitable[dict[str, str]]]
"""What is missing before work can be done: part → what to do about it. Empty when all is there."""

_log = structlog.get_logger(__name__)


def create_app(
    platform: Platform, *, routers: Sequence[APIRouter], ready: Ready, registry: CollectorRegistry
) -> FastAPI:
    """The application with these routers; `registry` is what `/metrics` shows."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        reporting = asyncio.create_task(_report_use(platform.authenticator))
        yield
        reporting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reporting
        await _flush(platform.authenticator)

    app = bare_app(routers)
    app.router.lifespan_context = lifespan
    app.state.platform = platform
    app.add_middleware(Edge, metrics=RequestMetrics(registry))
    handle_errors(app)
    app.include_router(_own_routes(ready, registry))
    app.include_router(docs.router)
    return app


def bare_app(routers: Sequence[APIRouter]) -> FastAPI:
    """An application that can describe itself, but not work."""
    app = FastAPI(
        title="Trunkline",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,
        generate_unique_id_function=lambda route: route.name,
        responses={400: {"model": ErrorEnvelope}},
    )
    for router in routers:
        app.include_router(router)
    published.complete(app)
    return app


async def _report_use(authenticator: Authenticator) -> None:
    while True:
        await asyncio.sleep(USE_REPORT_SECONDS)
        await _flush(authenticator)


async def _flush(authenticator: Authenticator) -> None:
    try:
        await authenticator.flush()
    except (SQLAlchemyError, OSError) as error:  # when a key was last used is not worth a fault
        _log.warning("key_use_not_noted", error=type(error).__name__)


def _own_routes(ready: Ready, registry: CollectorRegistry) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz")
    async def readyz(request: Request) -> JSONResponse:
        problems = await ready()
        if not problems:
            return JSONResponse({"status": "ok"})
        text = "Not ready: " + "; ".join(f"{part}: {problem}" for part, problem in problems.items())
        return envelope(request_id(request.scope), 503, text, extra={"problems": problems})

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router
