"""Every error as the contract writes it.

    {"detail": {"status": "error", "description", "timestamp", "request_id", "category"}}

`category` is `important` for what the caller can mend and `critical` for a bad key and for our own faults.
A path that does not exist answers `{"detail": "Not Found"}`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match, Router
from starlette.types import Scope

from trunkline.errors import (
    BadInput,
    Busy,
    Forbidden,
    IllegalTransition,
    NoFreeSlot,
    NotAuthorised,
    NotFound,
    OtherRequest,
    OverLimit,
    ProviderError,
    TrunklineError,
    Unavailable,
)
from trunkline.platform.http.auth import MISSING
from trunkline.platform.http.limits import OverRate
from trunkline.platform.http.wire import Wire

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
Category = Literal["important", "critical"]

_log = structlog.get_logger(__name__)


class ErrorDetail(Wire):
    """What went wrong. `description` names the field and the remedy."""

    status: Literal["error"]
    description: str
    timestamp: str
    request_id: str
    category: Category


class ErrorEnvelope(Wire):
    """The body of every error."""

    detail: ErrorDetail


def envelope(
    request_id: str,
    status: int,
    description: str,
    *,
    category: Category | None = None,
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, object] | None = None,
) -> JSONResponse:
    """An error answer; the category follows the status unless it is given."""
    detail = ErrorDetail(
        status="error",
        description=description,
        timestamp=datetime.now(UTC).isoformat(timespec="microseconds"),
        request_id=request_id,
        category=category or ("critical" if status >= 500 else "important"),
    )
    return JSONResponse(
        {"detail": detail.model_dump(), **(extra or {})},
        status_code=status,
        headers=dict(headers) if headers else None,
    )


def request_id(scope: Scope) -> str:
    """The id of a request: 32 hex digits."""
    return str(scope["state"]["request_id"])


def answer_to(error: Exception, id_: str) -> JSONResponse:
    """The answer to an exception that a route raised; what is not ours is a 500 and logged."""
    match error:
        case Forbidden():
            return envelope(id_, 403, str(error))
        case NotAuthorised():
            category: Category = "important" if str(error) == MISSING else "critical"
            return envelope(id_, 401, str(error), category=category, headers={"WWW-Authenticate": "Bearer"})
        case NotFound():
            return envelope(id_, 404, str(error))
        case Busy():
            return envelope(id_, 409, str(error), headers={"Retry-After": "1"})
        case OtherRequest():
            return envelope(id_, 422, str(error))
        case OverLimit() | NoFreeSlot():
            return envelope(id_, 429, str(error), headers={"Retry-After": str(error.retry_after)})
        case BadInput() | IllegalTransition():
            return envelope(id_, 400, str(error))
        case Unavailable() | ProviderError():
            return envelope(id_, 503, str(error), headers={"Retry-After": "5"})
    _log.error("request_failed", exc_info=error)
    return envelope(
        id_,
        500,
        f"An internal error; nothing is known to be wrong with the request. Its log entry is {id_}.",
    )


def describe(errors: Sequence[Mapping[str, Any]]) -> str:
    """Up to three validation errors as one text that names fields and remedies."""
    texts = [_describe_one(error) for error in errors[:3]]
    if len(errors) > 3:
        texts.append(f"and {len(errors) - 3} more")
    return "; ".join(texts)


def _describe_one(error: Mapping[str, Any]) -> str:
    place, *path = error["loc"]
    if error["type"] == "json_invalid":
        reason = error.get("ctx", {}).get("error", "syntax error")
        return (
            f"The body is not valid JSON ({reason} at position {path[0] if path else 0}); send a JSON object"
        )
    field = ".".join(str(step) for step in path)
    if not field:
        return (
            "A JSON body is required"
            if error["type"] == "missing"
            else f"The {place}: {_remedy(error)} (send a JSON object with Content-Type: application/json)"
        )
    if error["type"] == "missing":
        return f"{field} is required in the {place}"
    return f"{field}: {_remedy(error)}"


def _remedy(error: Mapping[str, Any]) -> str:
    return str(error["msg"]).removeprefix("Value error, ")


async def _on_own(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, OverRate):
        request.state.allowance = error.allowance
    return answer_to(error, request_id(request.scope))


async def _on_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    route = request.scope.get("route")
    # 422 only where the contract declares it; the framework's list in `detail` never.
    status = 422 if 422 in getattr(route, "responses", {}) else 400
    return envelope(request_id(request.scope), status, describe(error.errors()))


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    id_ = request_id(request.scope)
    match error.status_code:
        case 404:
            return JSONResponse({"detail": "Not Found"}, status_code=404)
        case 405:
            allowed = ", ".join(_allowed(request.app.router, request.scope))
            return envelope(
                id_, 405, f"{request.method} is not possible here; use {allowed}.", headers={"Allow": allowed}
            )
        case 400:
            return envelope(id_, 400, "The body cannot be read; send JSON in UTF-8.")
    return envelope(id_, error.status_code, str(error.detail), headers=error.headers)


def _allowed(router: Router, scope: Scope) -> list[str]:
    """The methods of a path, whichever routes they are spread over."""
    return [
        method
        for method in METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in router.routes)
    ]


def handle_errors(app: FastAPI) -> None:
    """Have an application answer every error in the envelope."""
    app.add_exception_handler(TrunklineError, _on_own)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
