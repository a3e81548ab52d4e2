"""Our own OpenAPI document, and the routes behind it."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

from fastapi.routing import APIRoute, iter_route_contexts

from tests.resources.api import described
from tests.resources.contract.operations import OPERATIONS, PLACES, Operation
from tests.resources.contract.world import World

Schema = dict[str, Any]

_KNOWN = {f"{method} /v2{path.rstrip('/')}": each for (method, path), each in OPERATIONS.items()}
_OWN_PLACES = {"version": "1", "name": "calcom"}


@dataclass(frozen=True)
class Published:
    """One operation as it is published."""

    method: str
    """In capitals."""
    path: str
    route: APIRoute

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def described(self) -> dict[str, Any]:
        """What the document says of it."""
        said: dict[str, Any] = document()["paths"][self.path][self.method.lower()]
        return said

    @property
    def body(self) -> Schema | None:
        """The schema of its body; None if it has none."""
        content = self.described.get("requestBody", {}).get("content", {})
        return content["application/json"]["schema"] if content else None

    @property
    def wants_body(self) -> bool:
        """Whether the body may not be left out."""
        return bool(self.described.get("requestBody", {}).get("required"))

    @property
    def known(self) -> Operation | None:
        """How a program would call it; None for what is not in the contract."""
        return _KNOWN.get(str(self))

    async def place(self, world: World, name: str) -> str:
        """A good value of a parameter of its path."""
        kinds = PLACES | (self.known.places if self.known else {})
        return await world.id(kinds[name]) if name in kinds else _OWN_PLACES.get(name, "none")

    async def good_body(self, world: World) -> dict[str, Any]:
        """A good body: that of the contract's tests, or the example of the description; {} if it has none."""
        if self.known and self.known.body is not None:
            return dict(await world.fill(self.known.body))
        schemas = variants(self.body) if self.body else ()
        return next((deepcopy(each["examples"][0]) for each in schemas if "examples" in each), {})

    def parameters(self, place: str) -> dict[str, Schema]:
        """Name → schema of the parameters in "path", "query" or "header"."""
        return {
            each["name"]: each["schema"]
            for each in self.described.get("parameters", ())
            if each["in"] == place
        }


@cache
def document() -> dict[str, Any]:
    """The document, built once."""
    return described().openapi()


@cache
def operations() -> tuple[Published, ...]:
    """Every operation of the document."""
    return tuple(_operations())


def _operations() -> Iterator[Published]:
    for context in iter_route_contexts(described().routes):
        route = context.original_route
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in sorted(route.methods or ()):
                yield Published(method, context.path_format or "", route)


def resolved(schema: Schema) -> Schema:
    """A schema, with its reference followed."""
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def variants(schema: Schema) -> Iterator[Schema]:
    """A schema, or each of those that it lets one choose from."""
    schema = resolved(schema)
    choice = schema.get("anyOf") or schema.get("oneOf")
    if not choice:
        yield schema
    for each in choice or ():
        yield from variants(each)
