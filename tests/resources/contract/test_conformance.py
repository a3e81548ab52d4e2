"""Every operation of the contract answers in its shape, on real rows.

Where Trunkline differs on purpose, `DIFFERENCES` says why.
"""

import json
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.resources.api import Api
from tests.resources.contract import contract
from tests.resources.contract.operations import OPERATIONS, PLACES, Key, Operation
from tests.resources.contract.world import World

DIFFERENCES: dict[Key, dict[str, str]] = {
    ("GET", "/calls"): {
        ".end_call_reason: None": "the contract's text: what has no value is null in the list",
        ".duration: None": "the contract's text: what has no value is null in the list",
    },
    ("GET", "/logs/{webhook_log_id}"): {
        ": None is not of type": "the contract's text: optional members without a value are null (section 11)",
    },
    ("PUT", "/subaccounts/{subaccount_id}"): {
        ".api_key: None": "a key is shown once, when it is made; only its hash is kept (contract, section 10)",
    },
}
"""Operation → a part of the fault that the checker finds → why it is so."""

REFUSED: dict[Key, tuple[int, str]] = {
    ("POST", "/chat/outbound"): (400, "no provider of SMS or WhatsApp is configured; issue 5 brings Twilio"),
}
"""Operations that cannot succeed here: status, and why."""

UNKNOWN = {"nobody_knows": "1"}
"""Sent with every query and body: what is not known is ignored."""

STREAMS = {("POST", "/simulation_cases/generate"), ("POST", "/simulations/generate")}


def all_operations() -> set[Key]:
    """Method and path of everything in the contract."""
    return {
        (method.upper(), path)
        for path, operations in contract.document()["paths"].items()
        for method in operations
        if method.upper() in ("GET", "POST", "PUT", "PATCH", "DELETE")
    }


def test_the_table_has_every_operation() -> None:
    assert {*OPERATIONS} == all_operations()
    assert len(OPERATIONS) == 121


async def call(world: World, operation: Operation, path: str | None = None) -> httpx2.Response:
    """Call an operation on the world's things, made as far as it needs them."""
    for kind in operation.first:
        await world.id(kind)
    for key in operation.after:
        earlier = await call(world, OPERATIONS[key])
        assert earlier.status_code == OPERATIONS[key].status, earlier.text
    return await world.api.client.request(
        operation.method,
        path or await path_of(world, operation),
        params=await world.fill(operation.query) | UNKNOWN,
        **({} if operation.body is None else {"json": await world.fill(operation.body) | UNKNOWN}),
    )


async def path_of(world: World, operation: Operation) -> str:
    """An operation's path with the ids of the world's things."""
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    ids = {name: await world.id(operation.places.get(name) or PLACES[name]) for name in names}
    return "/v2" + operation.path.format(**ids)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda each: f"{each.method} {each.path}")
async def test_answers_are_as_the_contract_says(world: World, operation: Operation) -> None:
    path = (await path_of(world, operation)).rstrip("/")
    slashes = ("", "/") if operation.method == "GET" else ("/" if operation.path.endswith("/") else "",)
    for slash in slashes:
        answer = await call(world, operation, path + slash)
        if operation.key in REFUSED:
            assert answer.status_code == REFUSED[operation.key][0], answer.text
            assert contract.faults(answer.json(), {"$ref": "#/components/schemas/ErrorEnvelope"}) == []
            return
        assert answer.status_code == operation.status, answer.text
        assert faults_of(operation, answer) == []


def faults_of(operation: Operation, answer: httpx2.Response) -> list[str]:
    """Where an answer is not as the contract says, but for the differences on purpose."""
    if operation.status == 204:
        return ["a body with 204"] if answer.content else []
    if operation.key in STREAMS:
        lines = [json.loads(line) for line in answer.text.splitlines()]
        return (
            []
            if [line["event"] for line in lines] == ["started", "case_created", "completed"]
            else [answer.text]
        )
    body = answer.json()
    if isinstance(body, dict) and body.get("success") is False:
        return ["success: false with a good status"]
    schema = contract.answer_schema(operation.method, operation.path, 200)
    known = DIFFERENCES.get(operation.key, {})
    return [fault for fault in contract.faults(body, schema) if not any(part in fault for part in known)]


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda each: f"{each.method} {each.path}")
async def test_keys_and_unknown_ids_are_answered_in_the_envelope(api: Api, operation: Operation) -> None:
    ids = {name: str(uuid4()) for name in PLACES}
    path = "/v2" + operation.path.format(**ids)
    envelope = {"$ref": "#/components/schemas/ErrorEnvelope"}
    body = {} if operation.body is None else {"json": operation.body}
    for headers, text in (
        ({"Authorization": "Bearer wrong"}, "Unauthorized: Invalid or expired token."),
        ({"Authorization": ""}, "Missing or invalid Authorization header"),
    ):
        answer = await api.client.request(operation.method, path, headers=headers, **body)
        assert answer.status_code == 401
        assert contract.faults(answer.json(), envelope) == []
        assert answer.json()["detail"]["description"] == text
    if "{" not in operation.path or operation.places.get("chat_id") == "new_chat":
        return
    query = operation.query | ({"workspace_id": str(api.workspace.id)} if "/logs/" in path else {})
    answer = await api.client.request(operation.method, path, params=query, **body)
    assert answer.status_code == 404, answer.text
    schema: dict[str, Any] = (
        {"$ref": "#/components/schemas/LogError"} if path.startswith("/v2/logs") else envelope
    )
    assert contract.faults(answer.json(), schema) == []


def test_the_checker_finds_what_is_wrong() -> None:
    schema = contract.answer_schema("GET", "/calls/{call_id}", 200)
    good: dict[str, Any] = {"status": "ok", "response": {"calls": [{"status": "completed", "duration": 1}]}}
    assert contract.faults(good, schema) == []
    call = good["response"]["calls"][0]
    for name, wrong in (("status", "over"), ("duration", "1"), ("duration", True), ("transcript", None)):
        good["response"]["calls"] = [{**call, name: wrong}]
        assert len(contract.faults(good, schema)) == 1


async def test_the_published_schema_covers_the_operations(api: Api) -> None:
    published = (await api.client.get("/openapi.json")).json()["paths"]
    ours = {(method, path.replace("{}", "")) for path in published for method in published[path]}
    shapes = {(method, _shape(path)) for method, path in ours}
    assert [
        key for key in OPERATIONS if (key[0].lower(), _shape("/v2" + key[1].rstrip("/"))) not in shapes
    ] == []


def _shape(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))
