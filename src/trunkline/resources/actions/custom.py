"""Custom actions at work: settings and values make a request; running it gives what a log and a model want to know."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from json import dumps, loads
from math import isfinite
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from trunkline.errors import OutboundFailed, OutboundRefused
from trunkline.platform.outbound.client import Outbound
from trunkline.resources.actions.filling import in_address, in_json, in_line
from trunkline.resources.webhooks.record import Delivery

_SCHEMES = frozenset({"apikey", "basic", "bearer", "digest", "jwt", "token"})
"""Keys of `custom_auth` that are a scheme of the Authorization header; others are a header's own name."""
GIVEN_UP = "the request was given up before an answer came"
_WITH_BODY = ("POST", "PUT", "PATCH")


@dataclass(frozen=True)
class CustomRequest:
    """One request, ready to be sent."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    within: float
    """Seconds."""


def request_of(
    settings: Mapping[str, Any], variables: Mapping[str, Any], inputs: Mapping[str, Any] | None = None
) -> CustomRequest:
    """The request of a custom action.

    `settings` are those of the action with its secrets; `variables` fill holes; `inputs` win over them. Without
    `inputs` (a trial) these are read off the variables: fixed ones are given unless a variable has their name; a
    declared one without a value is empty. An action without a body of its own sends its inputs as a JSON object
    (ours; POST, PUT and PATCH).
    """
    inputs = _inputs(settings, variables) if inputs is None else inputs
    values = {**variables, **inputs}
    headers = {each["key"]: in_line(each["value"], values) for each in settings.get("headers") or []}
    query = [(each["key"], in_line(each["value"], values)) for each in settings.get("query_parameters") or []]
    _authorise(settings.get("custom_auth") or {}, values, headers, query)
    method = settings["http_mode"]
    body = _body(method, settings.get("json_body_stringified") or "", values, inputs)
    if body is not None and "content-type" not in map(str.lower, headers):
        headers["Content-Type"] = "application/json"
    return CustomRequest(
        method=method,
        url=_with_query(in_address(settings["url"], values), query),
        headers=headers,
        body=body,
        within=float(settings["failure_timeout"]),
    )


async def run(
    outbound: Outbound,
    request: CustomRequest,
    *,
    action_id: UUID,
    agent_id: UUID | None = None,
    call_id: UUID | None = None,
    given_up: Callable[[Delivery], None] | None = None,
) -> Delivery:
    """Send it, once, and tell what came of it; never raises for an address that fails.

    `given_up` is told instead when the run is cancelled before an answer came.
    """
    delivery = Delivery(
        kind="custom_action",
        method=request.method,
        url=request.url,
        headers=request.headers,
        body=request.body,
        sent_at=datetime.now(UTC),
        answer=None,
        action_id=action_id,
        agent_id=agent_id,
        call_id=call_id,
    )
    try:
        answer = await outbound.send(
            request.method,
            request.url,
            headers=request.headers,
            content=request.body,
            within=request.within,
        )
    except OutboundRefused as refused:
        return replace(delivery, error=str(refused))
    except OutboundFailed as failed:
        return replace(delivery, error=str(failed), timed_out=failed.timed_out)
    except asyncio.CancelledError:
        if given_up is not None:
            given_up(replace(delivery, error=GIVEN_UP, timed_out=True))
        raise
    return replace(delivery, answer=answer)


def _inputs(settings: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    fixed = {each["key"]: each["value"] for each in settings.get("variables_before_the_call") or []}
    asked = {
        each["name"]: typed(variables.get(each["name"]), each["type"])
        for each in settings.get("variables_during_the_call") or []
    }
    return {**{name: variables.get(name, value) for name, value in fixed.items()}, **asked}


def typed(value: Any, type_: str) -> Any:
    """The value in the declared type of an input, where it can be read so."""
    if not isinstance(value, str):
        return value
    try:
        match type_:
            case "int":
                return int(value)
            case "float" | "money":
                return float(value) if isfinite(float(value)) else value
            case "bool":
                return {"true": True, "false": False}.get(value.strip().lower(), value)
            case "list":
                read = loads(value)
                return read if isinstance(read, list) else value
    except ValueError:
        pass  # it stays a text: the address may know better
    return value


def _authorise(
    auth: Mapping[str, Any], values: Mapping[str, Any], headers: dict[str, str], query: list[tuple[str, str]]
) -> None:
    if not auth.get("is_needed"):
        return
    key, value = auth["key"], in_line(auth["value"], values)
    if auth["location"] == "query":
        query.append((key, value))
    elif key.lower() in _SCHEMES:
        headers["Authorization"] = f"{key} {value}"
    else:
        headers[key] = value


def _body(method: str, template: str, values: Mapping[str, Any], inputs: Mapping[str, Any]) -> bytes | None:
    if template.strip():
        return in_json(template, values).encode()
    if method in _WITH_BODY and inputs:
        return dumps(inputs, ensure_ascii=False).encode()
    return None


def _with_query(url: str, query: list[tuple[str, str]]) -> str:
    address = url.partition("#")[0]
    if not query:
        return address
    separator = "" if address.endswith(("?", "&")) else "&" if "?" in address else "?"
    return f"{address}{separator}{urlencode(query, quote_via=quote)}"
