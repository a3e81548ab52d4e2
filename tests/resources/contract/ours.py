"""Our own OpenAPI document, and the routes behind it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from fastapi.routing import APIRoute, iter_route_contexts

from trunkline.platform.http.app import bare_app
from trunkline.resources.routers import ROUTERS

Schema = dict[str, Any]


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
    return bare_app(ROUTERS).openapi()


@cache
def operations() -> tuple[Published, ...]:
    """Every operation of the document."""
    return tuple(_operations())


def _operations() -> Iterator[Published]:
    for context in iter_route_contexts(bare_app(ROUTERS).routes):
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
