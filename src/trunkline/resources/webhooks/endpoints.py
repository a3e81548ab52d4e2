"""`/v2/logs`. Their errors 403, 404 and 422 have a shape of their own (contract, section 2.4)."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import BadInput, Forbidden, NotFound, OverLimit
from trunkline.platform.http.auth import Identity
from trunkline.platform.http.context import Caller, KeyedRoute, Parts
from trunkline.platform.http.errors import describe
from trunkline.platform.http.pagination import Items, NumberedPage, items_of
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Ok, ok
from trunkline.resources.webhooks import wire
from trunkline.resources.webhooks.filters import Filter
from trunkline.resources.webhooks.repository import WebhookLogRepository
from trunkline.resources.webhooks.schemas import LogError, WebhookLogListItem, WebhookLogOut
from trunkline.resources.webhooks.service import WebhookLogs
from trunkline.resources.workspaces import acting


class LogRoute(KeyedRoute):
    """A route whose errors are `{"error", "message"}`, but for those of keys and rates."""

    scope: ClassVar[Scope | None] = Scope.LOGS

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def shaped(request: Request) -> Response:
            try:
                return await handle(request)
            except Forbidden as error:
                return _error(403, "forbidden", str(error))
            except NotFound as error:
                return _error(404, "not_found", str(error))
            except RequestValidationError as error:
                return _error(422, "validation_error", describe(error.errors()))
            except OverLimit:
                raise
            except BadInput as error:
                return _error(422, "validation_error", str(error))

        return shaped


def _error(status: int, error: str, message: str) -> Response:
    return JSONResponse(LogError(error=error, message=message).model_dump(), status_code=status)


router = APIRouter(
    prefix="/v2/logs",
    tags=["Webhook logs"],
    route_class=LogRoute,
    responses={403: {"model": LogError}, 422: {"model": LogError}},
)


async def _acting(
    parts: Parts, caller: Caller, workspace_id: str | None = None, workspace: str | None = None
) -> Identity:
    named = workspace_id or workspace
    if named is None:
        return caller
    return await acting.required(parts.database, caller, named, write=False)


Acting = Annotated[Identity, Depends(_acting)]


def _logs(session: Annotated[AsyncSession, acting.transaction_of(_acting)], caller: Acting) -> WebhookLogs:
    return WebhookLogs(WebhookLogRepository(session, caller.workspace_id), caller.workspace_id)


Service = Annotated[WebhookLogs, Depends(_logs)]


@router.get("")
async def list_webhook_logs(
    wanted: Filter, page: NumberedPage, logs: Service, parts: Parts
) -> Ok[Items[WebhookLogListItem]]:
    """Requests that were sent to addresses of the workspace, newest first."""
    found, total = await logs.page(wanted, page.limit, page.offset, parts.totals)
    return ok(items_of([wire.shown_in_list(log) for log in found], total, page))


@router.get("/{webhook_log_id}", responses={404: {"model": LogError}})
async def get_webhook_log(webhook_log_id: str, logs: Service) -> Ok[WebhookLogOut]:
    """One such request with its answer; secrets are masked."""
    return ok(wire.shown(await logs.get(webhook_log_id)))
