"""Numbers on the wire."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, Field, model_validator

from trunkline.platform.http.pagination import Pagination
from trunkline.platform.http.wire import Wire, WireInput, example
from trunkline.resources.numbers.trunk import trunk

Provider = Literal["twilio", "telnyx", "vonage", "ring_central", "ringcx", "custom", "zoom", "five9"]
Expires = Annotated[int, Field(ge=60, le=3600)]
"""Seconds."""


def _trunk(value: str) -> str:
    return str(trunk(value)) if value.strip() else ""


def _line(value: str) -> str:
    """Text that goes into SIP headers: no line may be broken by it. Raises ValueError."""
    if any(ord(character) < 32 for character in value):
        raise ValueError("must not hold control characters")
    return value.strip()


TrunkUri = Annotated[str, AfterValidator(_trunk)]
Line = Annotated[str, AfterValidator(_line), Field(max_length=255)]
_TRUNK_NAMES = AliasChoices("termination_uri", "sip_term_uri", "sip_domain")


class NumberUpdate(WireInput):
    """What may be written. What is left out keeps its value."""

    model_config = example(friendly_name="Front desk", agent_id="0b7d3a4e-6a0e-4c5f-9a58-2c1f8f7f6f10")

    friendly_name: str | None = None
    provider_name: Provider | None = None
    termination_uri: Annotated[TrunkUri | None, Field(validation_alias=_TRUNK_NAMES)] = None
    """Host of the SIP trunk; also sent as sip_term_uri or sip_domain."""
    sip_outbound_proxy: TrunkUri | None = None
    sip_auth_username: Line | None = None
    trunk_username: Line | None = None
    trunk_pwd: Line | None = None
    uac_enabled: bool | None = None
    uac_register_expires: Expires | None = None
    agent_id: str | None = None
    """Ours: bind the number to this agent."""

    @model_validator(mode="before")
    @classmethod
    def _cleared(cls, value: Any) -> Any:
        # A trunk of null is asked to be cleared, which most providers do not allow; it is not left out.
        if isinstance(value, dict):
            names = [name for name in _TRUNK_NAMES.choices if name in value]
            if names and all(value[str(name)] is None for name in names):
                return {**value, "termination_uri": ""}
        return value


class CustomNumberCreate(NumberUpdate):
    """A number on a SIP trunk of one's own."""

    model_config = example(
        workspace_id="0b7d3a4e-6a0e-4c5f-9a58-2c1f8f7f6f10",
        phone_number="+14155550100",
        termination_uri="sip.example.com",
    )

    workspace_id: str
    phone_number: Line


class NumberAdded(Wire):
    """The id of a new number."""

    key: str
    phone_number: str


class NumberListItem(Wire):
    """A number in a list; available while no inbound agent answers it."""

    number: str
    sid: str | None
    is_available: bool


class NumberPage(Wire):
    """A page of numbers."""

    pagination: Pagination
    phone_numbers: list[NumberListItem]


class NumberOut(Wire):
    """One number. Passwords are never shown."""

    slug: str
    phone_number: str
    friendly_name: str
    address_requirement: str
    is_sms_capable: bool
    is_voice_capable: bool
    iso_country: str
    locality: str
    region: str
    sid: str
    provider_name: str
    sip_term_uri: str
    sip_outbound_proxy: str | None
    sip_auth_username: str | None
    uac_enabled: bool
    uac_register_expires: int | None
    is_available: bool
    agency_workspace_id: str | None
    workspace_id: str
    created_at: str
    updated_at: str | None
    assistants: list[str]
