"""What a route may ask for: the installation's parts, the caller, and a transaction in the caller's workspace."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar
from uuid import UUID

import httpx2
from fastapi import APIRouter, Depends, Request, Response, Security, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.platform.http.auth import Authenticator, Identity
from trunkline.platform.http.bodies import LARGEST, limited
from trunkline.platform.http.idempotency import HEADER, Repeats
from trunkline.platform.http.landmarks import Landmarks
from trunkline.platform.http.limits import RequestLimit
from trunkline.platform.http.scopes import READING, Scope
from trunkline.platform.http.totals import Totals
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage.blobs import Blobs
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox


@dataclass(frozen=True)
class Platform:
    """The parts that one installation consists of, as far as HTTP needs them."""

    database: Database
    secrets: SecretBox
    blobs: Blobs
    authenticator: Authenticator
    base_url: str
    """How the outside reaches us, without a slash at the end; for links in answers."""
    nodes: httpx2.AsyncClient
    """For control of live calls: speaks to the installation's own voice processes only."""
    outbound: Outbound
    """For every address that users set."""
    language_models: frozenset[str] = frozenset()
    """Names that the operator has given routes to, beside those of the contract."""
    limit: RequestLimit = field(default_factory=lambda: RequestLimit(0))
    totals: Totals = field(default_factory=Totals)
    landmarks: Landmarks = field(default_factory=Landmarks)


_bearer = HTTPBearer(auto_error=False, description="A key of the workspace.")


def _platform(request: Request) -> Platform:
    platform: Platform = request.app.state.platform
    return platform


Parts = Annotated[Platform, Depends(_platform)]


LARGE_BODY = {"x-largest-body": LARGEST}
"""For `openapi_extra=…` of a route that takes more than the usual mebibyte."""
USUAL_BODY = 1024 * 1024


class KeyedRoute(APIRoute):
    """A route that wants a key, and looks at it before it reads the body: who has none sends us nothing.

    Beside that: the key's scope, the workspace's rate, the size of the body, and repeats under an Idempotency-Key.
    """

    scope: ClassVar[Scope | None] = None

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        largest = body_limit(self)
        in_one_transaction = _works_in_transaction(self.dependant)

        async def checked(request: Request) -> Response:
            parts = _platform(request)
            caller = await parts.authenticator.identify(_key(await _bearer(request)))
            request.state.allowance = parts.limit.take(caller.workspace_id)
            if self.scope is not None:
                caller.require(self.scope, write=request.method not in READING)
            request = Request(request.scope, limited(request.scope, request.receive, largest))
            key = request.headers.get(HEADER) if request.method == "POST" else None
            if key is None:
                return await handle(request)
            repeats = Repeats(parts.database, parts.secrets, caller.workspace_id)
            return await (repeats.inside if in_one_transaction else repeats.beside)(key, request, handle)

        return checked


def body_limit(route: APIRoute) -> int:
    """The most bytes that a route takes."""
    return int((route.openapi_extra or {}).get("x-largest-body", USUAL_BODY))


def _works_in_transaction(dependant: Dependant) -> bool:
    return any(
        getattr(each.call, "opens_transaction", False) or _works_in_transaction(each)
        for each in dependant.dependencies
    )


def keyed_router(prefix: str, tag: str, scope: Scope | None) -> APIRouter:
    """A router whose every route wants a key that has this scope; None: any key will do."""
    route_class = type(f"{KeyedRoute.__name__}:{scope}", (KeyedRoute,), {"scope": scope})
    return APIRouter(prefix=prefix, tags=[tag], route_class=route_class)


def needs(scope: Scope) -> params.Depends:
    """For `dependencies=[…]` of a route: wants this scope for writing, beside that of its router."""

    def check(caller: Caller) -> None:
        caller.require(scope, write=True)

    return params.Depends(check)


async def _caller(
    parts: Parts, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
) -> Identity:
    return await parts.authenticator.identify(_key(credentials))  # remembered from the route's own look


def _key(credentials: HTTPAuthorizationCredentials | None) -> str | None:
    if credentials is None:
        return None
    try:  # headers are read as latin-1; a chosen key may hold other letters
        return credentials.credentials.encode("latin-1").decode()
    except UnicodeError:
        return credentials.credentials


Caller = Annotated[Identity, Depends(_caller)]


@asynccontextmanager
async def transaction_in(
    request: Request, parts: Platform, workspace_id: UUID
) -> AsyncIterator[AsyncSession]:
    """A transaction in this workspace: the one of the request's Idempotency-Key, where that is of it, or one of its own.

    A dependency that yields it says so by an attribute `opens_transaction`, for a repeat to be exact.
    """
    joined: tuple[UUID, AsyncSession] | None = getattr(request.state, "transaction", None)
    if joined is not None and joined[0] == workspace_id:
        yield joined[1]  # committed together with the kept answer
        return
    async with parts.database.workspace(workspace_id) as session:
        yield session


async def _transaction(request: Request, parts: Parts, caller: Caller) -> AsyncIterator[AsyncSession]:
    async with transaction_in(request, parts, caller.workspace_id) as session:
        yield session


_transaction.opens_transaction = True  # type: ignore[attr-defined]
Transaction = Annotated[AsyncSession, Depends(_transaction, scope="function")]
"""Committed when the route returns, before the answer leaves: a 2xx means it is stored."""
