"""What a route may ask for: the installation's parts, the caller, and a transaction in the caller's workspace."""

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import httpx2
from fastapi import APIRouter, Depends, Request, Response, Security, params
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.platform.http.auth import Authenticator, Identity
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
    totals: Totals = field(default_factory=Totals)


_bearer = HTTPBearer(auto_error=False, description="A key of the workspace.")


def _platform(request: Request) -> Platform:
    platform: Platform = request.app.state.platform
    return platform


Parts = Annotated[Platform, Depends(_platform)]


class KeyedRoute(APIRoute):
    """A route that looks at the key before it reads the body: who has none sends us nothing, and learns nothing."""

    scope: ClassVar[Scope | None] = None

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            caller = await _platform(request).authenticator.identify(_key(await _bearer(request)))
            if self.scope is not None:
                caller.require(self.scope, write=request.method not in READING)
            return await handle(request)

        return checked


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


async def _transaction(parts: Parts, caller: Caller) -> AsyncIterator[AsyncSession]:
    async with parts.database.workspace(caller.workspace_id) as session:
        yield session


Transaction = Annotated[AsyncSession, Depends(_transaction, scope="function")]
"""Committed when the route returns, before the answer leaves: a 2xx means it is stored."""
