"""The body of a custom action (contract, section 7.2)."""

import json
import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from trunkline.platform.http.wire import WireInput
from trunkline.resources.actions.filling import with_nulls
from trunkline.resources.holes import HOLE

_LINE = re.compile(r"[^\r\n\x00]*")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def _line(value: str) -> str:
    if not _LINE.fullmatch(value):
        raise ValueError("must not hold CR, LF or NUL")
    return value


Text = Annotated[str, StringConstraints(min_length=1)]
Line = Annotated[str, AfterValidator(_line)]
"""Text that goes into a header: no line is broken by it."""


def _address(value: str) -> str:
    value = value.strip()
    if len(value) > 4096 or not (value.startswith(("http://", "https://")) or HOLE.match(value)):
        raise ValueError("must be an address that begins with http:// or https://")
    return value


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _json_text(value: str) -> str:
    try:
        if value.strip():
            json.loads(with_nulls(value))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"must be JSON once its holes such as {{name}} are filled: {error}") from None
    return value


class KeyValue(WireInput):
    """A pair of texts."""

    key: Text
    value: str


class HeaderValue(KeyValue):
    """A header of HTTP."""

    value: Line

    @model_validator(mode="after")
    def _name(self) -> Self:
        if not _TOKEN.fullmatch(self.key):
            raise ValueError(f"{self.key!r} is no header name; use letters, digits and dashes")
        return self


HttpMode = Annotated[Literal["GET", "POST", "PATCH", "PUT", "DELETE"], BeforeValidator(_upper)]
FailureTimeout = Annotated[int, Field(ge=1, le=120)]
"""Seconds."""


class ActionAuth(WireInput):
    """How the action shows itself: `Authorization: <key> <value>` for a scheme, else a header or parameter `key`."""

    is_needed: bool = False
    location: Literal["header", "query"] = "header"
    key: Annotated[Line, Field(min_length=1)] = "Bearer"
    value: Line | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.is_needed and not self.value:
            raise ValueError("value is required while is_needed is true")
        if self.location == "header" and not _TOKEN.fullmatch(self.key):
            raise ValueError("key must be a scheme such as Bearer, or the name of a header")
        return self


class ActionVariable(WireInput):
    """An input that the model fills."""

    name: Text
    description: str = ""
    example: str = ""
    type: Literal[
        "string",
        "int",
        "float",
        "bool",
        "list",
        "money",
        "phone_number",
        "email",
        "datetime",
        "utc_datetime",
    ] = "string"


class CustomActionUpdate(WireInput):
    """A request to an address of one's own."""

    http_mode: HttpMode | None = None
    url: Annotated[str, AfterValidator(_address)] | None = None
    name: Text | None = None
    """The tool's name."""
    description: str | None = None
    """When the model is to call it."""
    run_action_before_call_start: bool | None = None
    speech_while_using_the_tool: str | None = None
    action_sound: (
        Literal["", "typing", "ambient-background", "modern-jazz", "inspirational-symphony-classical-music"]
        | None
    ) = None
    """Plays while it runs; empty or null for none."""
    integration: Literal["ghl", "hubspot", "salesforce", "salesforce-sandbox"] | None = None
    failure_timeout: FailureTimeout | None = None
    """Seconds after which the request is given up."""
    custom_auth: ActionAuth | None = None
    variables_before_the_call: list[KeyValue] | None = None
    variables_during_the_call: list[ActionVariable] | None = None
    headers: list[HeaderValue] | None = None
    query_parameters: list[KeyValue] | None = None
    agent_speak_naturally: bool | None = None
    message_before_action_starts: str | None = None
    message_delay: str | None = None
    message_delay_time: Annotated[int, Field(ge=0, le=120)] | None = None
    """Seconds."""
    message_error: str | None = None
    json_body_stringified: Annotated[str, AfterValidator(_json_text)] | None = None
    """JSON text with holes such as `{name}`."""
    prompt: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _silence(cls, value: Any) -> Any:
        if isinstance(value, dict) and "action_sound" in value and value["action_sound"] is None:
            return {**value, "action_sound": ""}
        return value


class CustomAction(CustomActionUpdate):
    """A whole custom action."""

    http_mode: HttpMode = "GET"
    url: Annotated[str, AfterValidator(_address)]
    name: Text
    run_action_before_call_start: bool = False
    failure_timeout: FailureTimeout = 30
