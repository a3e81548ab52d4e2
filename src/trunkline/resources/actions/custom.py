"""Custom actions at work: settings and values make a request; running it gives what a log and a model want to know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from json import dumps, loads
from math import isfinite
from typing import Any
from urllib.parse import quote, urlencode

from trunkline.platform.outbound.client import Outbound
from trunkline.resources.actions.filling import in_address, in_json, in_line
from trunkline.resources.vendors import Purpose
from trunkline.resources.webhooks.record import Delivery
from trunkline.resources.webhooks.sending import send

_SCHEMES = frozenset({"apikey", "basic", "bearer", "digest", "jwt", "token"})
"""Keys of `custom_auth` that are a scheme of the Authorization header; others are a header's own name."""
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
    secrets: frozenset[str]
    """Headers and parameters that the action shows itself by, in lower case: no log has their values."""


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
    secrets = _authorise(settings.get("custom_auth") or {}, values, headers, query)
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
        secrets=secrets,
    )


async def run(
    outbound: Outbound,
    request: CustomRequest,
    purpose: Purpose,
    given_up: Callable[[Delivery], None] = lambda delivery: None,
) -> Delivery:
    """Send it, once, and tell what came of it; never raises for an address that fails.

    `given_up` is told instead when the run is cancelled before an answer came.
    """
    asked = Delivery(
        kind="custom_action",
        method=request.method,
        url=request.url,
        headers=request.headers,
        body=request.body,
        sent_at=datetime.now(UTC),
        answer=None,
        secrets=request.secrets,
        action_id=purpose.action_id,
        agent_id=purpose.agent_id,
        call_id=purpose.call_id,
    )
    return await send(outbound, asked, request.within, given_up)


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
) -> frozenset[str]:
    """Put in what the action shows itself by; under which name."""
    if not auth.get("is_needed"):
        return frozenset()
    key, value = auth["key"], in_line(auth["value"], values)
    if auth["location"] == "query":
        query.append((key, value))
    elif key.lower() in _SCHEMES:
        headers["Authorization"] = f"{key} {value}"
    else:
        headers[key] = value
    return frozenset({key.lower()})


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
