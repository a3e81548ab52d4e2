"""What every body on the wire has in common: the base of all wire types, and the success envelope."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator


def storable(value: object, path: str = "") -> None:
    """Refuse what JSON readers let through and PostgreSQL cannot keep.

    Raises:
        ValueError: a NUL or half a surrogate pair in a text, or a number that is not finite; names the member.
    """
    if isinstance(value, str):
        if "\x00" in value or (not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value)):
            raise ValueError(f"{path or 'the text'} holds a character that is not valid text; remove it")
    elif isinstance(value, float):
        if not isfinite(value):
            raise ValueError(f"{path or 'the number'} must be a finite number")
    elif isinstance(value, Mapping):
        for key, member in value.items():
            storable(key, path)
            storable(member, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            storable(member, f"{path}[{number}]")


class Wire(BaseModel):
    """A JSON object of the API. Unknown members are ignored, as the contract wants it."""

    model_config = ConfigDict(extra="ignore")


class WireInput(Wire):
    """A JSON object that is sent to us. A member that is null counts as left out."""

    @model_validator(mode="before")
    @classmethod
    def _clean(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        storable(value)
        return {key: member for key, member in value.items() if member is not None}


T = TypeVar("T")


class Ok(Wire, Generic[T]):
    """The success envelope."""

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
