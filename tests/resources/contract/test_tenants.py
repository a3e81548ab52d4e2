"""No workspace reaches another's things: every operation, with another's id in each place that takes one.

The answer must be that to an id that nobody has, word for word; it may tell nothing of the other workspace and
change nothing in it. So for strangers, for a parent with its subaccount's ids, and the other way about; the few
places where the contract lets a parent act in a subaccount are `ALLOWED`.
"""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import text

from tests.resources.api import Api, serve
from tests.resources.contract.conftest import expecting
from tests.resources.contract.operations import OPERATIONS, PLACES, Key, Operation
from tests.resources.contract.world import World
from trunkline.platform.storage.database import Database
from trunkline.resources.workspaces.models import Workspace

UNKNOWN_NUMBER = "+14159999999"
_NUMBERS = {"number": UNKNOWN_NUMBER, "free_number": UNKNOWN_NUMBER, "slug": UNKNOWN_NUMBER[1:]}
_NOT_IDS = {"new_chat", "tool"}
"""Chosen by the caller, each workspace for itself."""

ALLOWED: dict[str, dict[Key, str]] = {
    "stranger": {},
    "child": {},
    "parent": {
        ("POST", "/custom-numbers"): "workspace_id names a subaccount, which then is meant (section 2.2)",
        ("GET", "/logs"): "workspace_id names a subaccount, which is not foreign (section 10)",
        ("GET", "/logs/{webhook_log_id}"): "the same",
        **{
            key: "the path names a subaccount (section 10)"
            for key in OPERATIONS
            if key[1].startswith("/workspaces/")
        },
    },
}
"""Who asks → operation → why the id of the workspace itself is good there."""


@dataclass(frozen=True)
class Place:
    """Where an operation takes the id of a thing."""

    operation: Operation
    kind: str
    where: str
    """`path:<name>`, `query:<name>` or `body:<place>`."""


def places_of(operation: Operation) -> Iterator[Place]:
    """Every place of an operation."""
    for part in operation.path.split("/"):
        if part.startswith("{"):
            kind = operation.places.get(part[1:-1]) or PLACES[part[1:-1]]
            yield Place(operation, kind, f"path:{part[1:-1]}")
    for where, value in (("query", operation.query), ("body", operation.body)):
        for kind in _kinds(value):
            yield Place(operation, kind, f"{where}:{kind}")


def _kinds(value: Any) -> list[str]:
    found = {word[1:] for word in json.dumps(value).split('"') if word.startswith("$")}
    return sorted(found)


EVERY = [
    place for operation in OPERATIONS.values() for place in places_of(operation) if place.kind not in _NOT_IDS
]


@asynccontextmanager
async def worlds(database: Database, relation: str, somebody: str) -> AsyncIterator[tuple[World, World]]:
    """Who asks, and whose things are asked for."""
    asking, other = Workspace(name="asks"), Workspace(name="has")
    async with database.system() as session:
        first, second = (other, asking) if relation == "child" else (asking, other)
        session.add(first)
        await session.flush()
        if relation != "stranger":
            second.parent_id = first.id
        session.add(second)
    async with AsyncExitStack() as stack:
        apis = [
            await stack.enter_async_context(serve(database, each, httpx2.MockTransport(expecting)))
            for each in (asking, other)
        ]
        yield World(apis[0], somebody), World(apis[1], somebody)


@pytest.mark.parametrize("relation", ["stranger", "parent", "child"])
async def test_anothers_id_is_an_unknown_id(database: Database, somebody: str, relation: str) -> None:
    problems: list[str] = []
    async with worlds(database, relation, somebody) as (asking, other):
        places = [each for each in EVERY if relation == "stranger" or each.kind != "subaccount"]
        if relation == "child":  # it has no subaccounts of its own
            places = [each for each in places if "subaccount" not in each.operation.path]
        for place in places:
            await asking.id(place.kind)
            await other.id(place.kind)
        before = await _rows_of(other.api)
        for place in places:
            if place.kind == "workspace" and place.operation.key in ALLOWED[relation]:
                continue
            problems += [f"{place}: {each}" for each in await _compared(place, asking, other)]
            now = await _rows_of(other.api)
            if now != before:
                problems.append(f"{place}: changed {[name for name in now if now[name] != before[name]]}")
                before = now
    assert not problems, "\n".join(problems)


async def _compared(place: Place, asking: World, other: World) -> list[str]:
    theirs = await other.id(place.kind)
    nobodys = _NUMBERS.get(place.kind, str(uuid4()))
    foreign, unknown = [await _asked(place, asking, each) for each in (theirs, nobodys)]
    problems = []
    if (foreign.status_code, _plain(foreign, theirs)) != (unknown.status_code, _plain(unknown, nobodys)):
        problems.append(f"{foreign.status_code} {foreign.text} against {unknown.status_code} {unknown.text}")
    if place.where.startswith("path:") and foreign.status_code not in (403, 404):
        problems.append(f"{foreign.status_code} for an id in the path")
    told = [id_ for id_ in other.made if id_ != theirs and len(id_) > 20 and id_ in foreign.text]
    if told:
        problems.append(f"tells {told}")
    return problems


async def _asked(place: Place, asking: World, id_: str) -> httpx2.Response:
    operation, (where, name) = place.operation, place.where.split(":")
    seen = _With(asking, place.kind if where != "path" else "", id_)
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    ids = {}
    for each in names:
        kind = operation.places.get(each) or PLACES[each]
        ids[each] = id_ if where == "path" and each == name else await asking.id(kind)
    of = {"query": asking, "body": asking, **({where: seen} if where != "path" else {})}
    return await asking.api.client.request(
        operation.method,
        "/v2" + operation.path.format(**ids),
        params=await of["query"].fill(operation.query),
        **({} if operation.body is None else {"json": await of["body"].fill(operation.body)}),
    )


class _With(World):
    """A world in which one kind of thing has another's id."""

    def __init__(self, world: World, kind: str, id_: str) -> None:
        super().__init__(world.api, world.base)
        self._world, self._kind, self._id = world, kind, id_

    async def id(self, kind: str) -> str:
        return self._id if kind == self._kind else await self._world.id(kind)


def _plain(answer: httpx2.Response, id_: str) -> str:
    """An answer without what differs from request to request."""
    if not answer.content:
        return ""
    body = answer.json() if answer.headers["content-type"] == "application/json" else answer.text
    if isinstance(body, dict):
        detail = body.get("detail")
        if isinstance(detail, dict):
            body["detail"] = {**detail, "timestamp": "", "request_id": ""}
    return json.dumps(body, sort_keys=True).replace(id_, "ID")


async def _rows_of(api: Api) -> dict[str, str]:
    """A digest of every table's rows of a workspace."""
    async with api.database.system() as session:
        tables = await session.scalars(
            text(
                "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' "
                "AND column_name = 'workspace_id' ORDER BY 1"
            )
        )
        digests = ", ".join(
            f"(SELECT md5(coalesce(string_agg(r, '' ORDER BY r), '')) FROM (SELECT to_jsonb(t)::text AS r "
            f"FROM {name} t WHERE workspace_id = :id) rows) AS {name}"
            for name in tables
        )
        row = (await session.execute(text(f"SELECT {digests}"), {"id": api.workspace.id})).one()
    return dict(row._mapping)


def test_every_kind_of_place_is_there() -> None:
    assert len(EVERY) > 130
    assert {place.where.split(":")[0] for place in EVERY} == {"path", "query", "body"}
