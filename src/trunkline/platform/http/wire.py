"""What every body on the wire has in common: the base of all wire types, and the success envelope."""

from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, WithJsonSchema, model_validator

DEEPEST = 64

_ANY = {"type": ["string", "number", "boolean", "object", "array", "null"]}
Json = Annotated[Any, WithJsonSchema(_ANY)]
"""Any value: what only its sender knows the meaning of."""


def check_storable(value: object, path: str = "", depth: int = 0) -> None:
    """Refuse what JSON readers let through and PostgreSQL cannot keep, and what is nested beyond all use.

    `resources/storing.py` repairs such values instead, where nobody could be told of them.

    Raises:
        ValueError: a NUL or half a surrogate pair in a text, a number that is not finite, or more than `DEEPEST`
            objects and arrays within each other; names the member.
    """
    if depth > DEEPEST:
        raise ValueError(f"is nested more than {DEEPEST} deep; send a flatter body")
    if isinstance(value, str):
        if "\x00" in value or (not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value)):
            raise ValueError(f"{path or 'the text'} holds a character that is not valid text; remove it")
    elif isinstance(value, float):
        if not isfinite(value):
            raise ValueError(f"{path or 'the number'} must be a finite number")
    elif isinstance(value, Mapping):
        for key, member in value.items():
            check_storable(key, path)
            check_storable(member, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(value, list):
        for number, member in enumerate(value):
            check_storable(member, f"{path}[{number}]", depth + 1)


class Wire(BaseModel):
    """A JSON object of the API. Unknown members are ignored, as the contract wants it."""

    model_config = ConfigDict(extra="ignore", use_attribute_docstrings=True)


def example(**members: Any) -> ConfigDict:
    """For `model_config` of a body that is sent to us: what one looks like, for people who read the description."""
    return ConfigDict(json_schema_extra={"examples": [members]})


class WireInput(Wire):
    """A JSON object that is sent to us. A member that is null counts as left out."""

    clearable: ClassVar[frozenset[str]] = frozenset()
    """Members in which null is a value: it takes away what is stored."""

    @model_validator(mode="before")
    @classmethod
    def _clean(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        check_storable(value)
        return {key: member for key, member in value.items() if member is not None or key in cls.clearable}


T = TypeVar("T")


class Ok(Wire, Generic[T]):
    """The success envelope."""

    model_config = ConfigDict(use_attribute_docstrings=False)  # its variants have no source to look into

    status: Literal["ok"]
    response: T


class StatusOnly(Wire):
    """The success envelope of operations that have nothing to tell."""

    status: Literal["ok"]


class Answer(Wire):
    """A free text for people."""

    answer: str


def ok(response: T) -> Ok[T]:
    """`response` in the success envelope."""
    return Ok(status="ok", response=response)


def done() -> StatusOnly:
    """The success envelope without a response."""
    return StatusOnly(status="ok")
