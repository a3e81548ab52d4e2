"""Whatever is wrong with a request, the answer is a refusal in the envelope that names its log entry; never a fault.

The operations are those of the application: a new one is held to this by being there. Bodies begin from a good one,
that of the conformance tests or else the example of the description.
"""

import json
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import Any
from urllib.parse import quote

import httpx2
import jsonschema
import pytest

from tests.resources.contract import ours
from tests.resources.contract.ours import Published, Schema, operations, variants
from tests.resources.contract.world import World
from trunkline.platform.http.bodies import LARGEST
from trunkline.platform.http.context import USUAL_BODY, body_limit

WRITES = [each for each in operations() if each.method in ("POST", "PUT", "PATCH")]
WITH_BODY = [each for each in WRITES if each.body]
LARGE = {
    "POST /v2/calls/batch",
    "POST /v2/knowledge_base/{knowledge_base_id}/sources",
    "PUT /v2/knowledge_base/{knowledge_base_id}/sources/{source_id}",
}
UNREAD = {"POST /v2/calls/batch": {"call_time_window"}}
"""Members that are not looked into unless they are switched on."""

NOT_JSON = [b"{", b"nothing", b"{'a': 1}", b'{"a": 1}}', b'{"a": 1,}', b'{"a": "\x01"}', b"\x00", b"a=1&b=2"]
NOT_UTF8 = [b"\xff\xfd", b'{"a": "\xff"}', b'{"\xc3\x28": 1}', b'{"a": "\xed\xa0\x80"}']
TOO_DEEP = [
    b"[" * 100_000,
    b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    b'{"a": ' + b"[" * 500 + b"]" * 500 + b"}",
]
NO_NUMBERS = [b'{"a": %s}' % each for each in (b"1e999", b"NaN", b"-Infinity", b"9" * 5000)]
NO_OBJECTS = [b"[]", b"[{}]", b'"text"', b"7", b"1.5", b"true"]
WRONG: list[Any] = [{"k": {"k": [7]}}, [["x"]], "\u2603", 7.5]
"""Candidates for a value of another type than the one that is declared."""
NO_TEXTS = ["a\x00b", "\ud800"]

DATES = {"from_date", "to_date", "start_date", "end_date"}
NO_DATES = ["yesterday", "2026-13-45", "0000-00-00", "9" * 40, "2026-01-01T00:00:00+99:99", "٢٠٢٦-٠١-٠١x"]
FAR_DATES = ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "253402300800000", "9" * 15]
NO_INTEGERS = ["9" * 30, "-" + "9" * 30, "9" * 5000, "x", "1.5", "1e3"]
NO_IDS = ["%00", "x%00y", "x" * 3000, "%ff", "%ed%a0%80", "9" * 40, "-1", quote("☃" * 50), "%0a"]


class Requests:
    """Sends what a test makes up, and keeps what is not answered as it should be."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.faults: list[str] = []

    async def path(self, operation: Published, **places: str) -> str:
        """The path of an operation, its ids those of the world but for `places`."""
        for name in operation.parameters("path"):
            if name not in places:
                places[name] = await operation.place(self._world, name)
        return operation.path.format(**places)

    async def body(self, operation: Published) -> dict[str, Any]:
        """A good body."""
        return await operation.good_body(self._world)

    async def send(self, operation: Published, path: str, what: str, **arguments: Any) -> httpx2.Response:
        """The answer, which may be anything but a fault."""
        if isinstance(arguments.get("content"), bytes):
            arguments["headers"] = {"Content-Type": "application/json"}
        answer = await self._world.api.client.request(operation.method, path, **arguments)
        if answer.status_code >= 500 or (answer.is_client_error and not _in_shape(operation, answer)):
            self.faults.append(f"{operation} {what}: {answer.status_code} {answer.text[:200]}")
        return answer

    async def refused(
        self, operation: Published, path: str, what: str, *, status: int | None = None, **arguments: Any
    ) -> None:
        """It must be refused, with this status if one is named."""
        answer = await self.send(operation, path, what, **arguments)
        if answer.is_success or answer.status_code != (status or answer.status_code):
            self.faults.append(f"{operation} {what}: {answer.status_code} {answer.text[:200]}")


def _in_shape(operation: Published, answer: httpx2.Response) -> bool:
    body = answer.json()
    if operation.path.startswith("/v2/logs") and answer.status_code in (403, 404, 422):
        return set(body) == {"error", "message"}
    detail = body["detail"]
    return (
        set(detail) == {"status", "description", "timestamp", "request_id", "category"}
        and bool(detail["description"])
        and detail["request_id"] == answer.headers["X-Request-Id"]
    )


@pytest.fixture
async def requests(world: World) -> Requests:
    return Requests(world)


@pytest.mark.parametrize("bodies", [NOT_JSON, NOT_UTF8, TOO_DEEP, NO_NUMBERS, NO_OBJECTS])
async def test_what_is_no_object_of_json_is_refused(requests: Requests, bodies: list[bytes]) -> None:
    for operation in WITH_BODY:
        path = await requests.path(operation)
        for body in bodies:
            await requests.refused(operation, path, str(body[:20]), content=body)
    assert not requests.faults, "\n".join(requests.faults)


async def test_an_empty_body_is_no_body(requests: Requests) -> None:
    for operation in WITH_BODY:
        path = await requests.path(operation)
        if operation.wants_body:
            status = 422 if 422 in operation.route.responses else 400
            for empty in (b"", b"{}", b"null"):
                await requests.refused(operation, path, f"{empty!r}", status=status, content=empty)
            continue
        statuses = {
            (await requests.send(operation, path, f"{empty!r}", content=empty)).status_code
            for empty in (b"", b"{}", b"null")
        }
        if len(statuses) > 1:
            requests.faults.append(f"{operation}: {statuses}")
    assert not requests.faults, "\n".join(requests.faults)


async def test_a_body_that_is_too_large_is_refused(requests: Requests) -> None:
    for operation in WRITES:
        path = await requests.path(operation)
        assert body_limit(operation.route) == (LARGEST if str(operation) in LARGE else USUAL_BODY)
        large = b'{"a": "' + b"x" * body_limit(operation.route) + b'"}'
        await requests.refused(operation, path, "announced", status=413, content=large)
        if operation.body:
            await requests.refused(operation, path, "unannounced", status=413, content=_pieces(large))
        if str(operation) in LARGE:
            smaller = await requests.send(operation, path, "allowed", content=large[:USUAL_BODY] + b'y"}')
            assert smaller.status_code == 400
    assert not requests.faults, "\n".join(requests.faults)


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), USUAL_BODY):
        yield body[start : start + USUAL_BODY]


@pytest.mark.parametrize("part", range(3))
async def test_values_of_wrong_types_are_refused(requests: Requests, part: int) -> None:
    for operation in WITH_BODY[part::3]:
        path, body = await requests.path(operation), await requests.body(operation)
        for at, schema in _members(operation):
            if at[0] in UNREAD.get(str(operation), ()):
                continue
            wrong = [each for each in WRONG if not _fits(each, schema)]
            if any(each.get("type") == "string" for each in variants(schema)):
                wrong += NO_TEXTS
            for value in wrong:
                content = json.dumps(_with(body, at, value)).encode()
                await requests.refused(operation, path, f"{at} = {value!r}", content=content)
    assert not requests.faults, "\n".join(requests.faults)


def _members(operation: Published) -> Iterator[tuple[tuple[str | int, ...], Schema]]:
    """The declared members of a body, and those of the objects and lists in it."""
    assert operation.body is not None
    for schema in islice(
        variants(operation.body), 1
    ):  # the others are of bodies that are told apart by a member
        for name, member in schema.get("properties", {}).items():
            yield (name,), member
            for inner in variants(member):
                within: tuple[str | int, ...] = (name,)
                if inner.get("type") == "array":
                    within = (name, 0)
                    yield within, inner["items"]
                    inner = next(variants(inner["items"]))
                for inner_name, inner_member in inner.get("properties", {}).items():
                    yield (*within, inner_name), inner_member


def _with(body: Any, at: tuple[str | int, ...], value: Any) -> Any:
    """A body with another value at this place; what leads there is made where it is not there."""
    if not at:
        return value
    step, *rest = at
    if isinstance(step, int):
        return [_with(body[0] if isinstance(body, list) and body else {}, tuple(rest), value)]
    former = body if isinstance(body, dict) else {}
    return {**former, step: _with(former.get(step), tuple(rest), value)}


def _fits(value: Any, schema: Schema) -> bool:
    components = {"components": ours.document()["components"]}
    return bool(jsonschema.Draft202012Validator({**schema, **components}).is_valid(value))


async def test_queries_that_make_no_sense_are_refused(requests: Requests) -> None:
    for operation in operations():
        path = await requests.path(operation)
        await requests.refused(operation, f"{path}?any=%00", "NUL", status=400)
        for name, schema in operation.parameters("query").items():
            for value in _nonsense(name, schema):
                await requests.refused(operation, path, f"{name}={value[:20]}", params={name: value})
            if operation.method == "GET":
                for value in (
                    *(FAR_DATES if name in DATES else ()),
                    "\ud83d",
                    "☃",
                    "x" * 5000,
                    "%",
                    "*",
                    "\\",
                ):
                    query = quote(value.encode("utf-8", "surrogatepass"))
                    await requests.send(operation, f"{path}?{name}={query}", f"{name}={value[:20]}")
    assert not requests.faults, "\n".join(requests.faults)


def _nonsense(name: str, schema: Schema) -> Iterator[str]:
    if name in DATES:
        yield from NO_DATES
    for each in variants(schema):
        if each.get("type") == "integer":
            yield from NO_INTEGERS
        elif each.get("type") == "boolean":
            yield "perhaps"
        elif "enum" in each:
            yield "nonsense"


async def test_ids_that_are_none_are_not_found(requests: Requests) -> None:
    for operation in operations():
        for name in operation.parameters("path"):
            for value in NO_IDS:
                path = await requests.path(operation, **{name: value})
                await requests.refused(operation, path, f"{name}={value[:20]}")
    assert not requests.faults, "\n".join(requests.faults)
