"""The API's own description, made complete: what holds for every operation is said of each.

FastAPI knows parameters, bodies and answers of success. Which errors an operation may answer with follows from what
it is: whether it wants a key, has a body, an id in its path, or is a POST that may be repeated.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute

from trunkline.platform.http.context import KeyedRoute, body_limit
from trunkline.platform.http.idempotency import HEADER, LONGEST

_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorEnvelope"}}}
_TEXTS = {
    "400": "What was sent is wrong; the description names the field and the remedy.",
    "401": "No key, or one that is unknown, expired or revoked.",
    "403": "The key or its workspace may not do this.",
    "404": "There is no such thing in the workspace.",
    "409": f"The first request with this {HEADER} still runs.",
    "413": "The body is too large.",
    "422": f"This {HEADER} was sent with another request.",
    "429": "Too many requests, or too many calls; `Retry-After` says when to try again.",
    "500": "A fault of the server; the request id finds its log entry.",
    "503": "Something that is needed is away for now; try again.",
}
_REPEAT = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Sent again with the same key within a day, the request has its effect once and the same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST},
    "example": "8e03978e-40d5-43e8-bc93-6894a57f9324",
}
_HEADERS = {
    "X-Request-Id": {"description": "Names this request in logs and errors.", "schema": {"type": "string"}},
    "RateLimit": {
        "description": "What is left of the workspace's requests (draft-ietf-httpapi-ratelimit-headers).",
        "schema": {"type": "string"},
    },
}


def complete(app: FastAPI) -> None:
    """Have an application publish its description with all of this."""
    build = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = build()
            routes = _by_operation(app.routes)
            for path, operations in schema["paths"].items():
                for method, operation in operations.items():
                    _complete(operation, method, path, routes[method.upper(), path])
            for unused in ("HTTPValidationError", "ValidationError"):
                schema.get("components", {}).get("schemas", {}).pop(unused, None)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _by_operation(routes: Sequence[BaseRoute]) -> Mapping[tuple[str, str], APIRoute]:
    return {
        (method, context.path_format or ""): context.original_route
        for context in iter_route_contexts(routes)
        if isinstance(context.original_route, APIRoute)
        for method in context.original_route.methods or ()
    }


def _complete(operation: dict[str, Any], method: str, path: str, route: APIRoute) -> None:
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422", {})):
        del responses["422"]  # added by the framework everywhere; malformed input answers 400 here
    statuses = {"400", "500", "503"}
    if isinstance(route, KeyedRoute):
        statuses |= {"401", "403", "429"}
        operation["x-scope"] = None if route.scope is None else str(route.scope)
        for answer in responses.values():
            answer.setdefault("headers", {}).update(_HEADERS)
    if "{" in path:
        statuses.add("404")
    if "requestBody" in operation:
        statuses.add("413")
        operation["x-largest-body"] = body_limit(route)
    if method == "post" and isinstance(route, KeyedRoute):
        statuses |= {"409", "422"}
        operation.setdefault("parameters", []).append(_REPEAT)
    for status in sorted(statuses - {*responses}):
        responses[status] = {"description": _TEXTS[status], "content": _ERROR}
