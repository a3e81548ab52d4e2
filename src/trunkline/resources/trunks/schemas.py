"""Trunks on the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from trunkline.platform.http.pagination import Pagination
from trunkline.platform.http.wire import Wire
from trunkline.voice.lines.registration import RegistrationState


class TrunkOut(Wire):
    """The SIP trunk of a number. Its password is never shown."""

    number: Annotated[str, Field(examples=["+14155552671"])]
    slug: Annotated[str, Field(examples=["14155552671"])]
    host: Annotated[str, Field(examples=["sip.example.com"])]
    """Where it registers and where its calls go out; may carry a port."""
    outbound_proxy: Annotated[str | None, Field(examples=[None])]
    transport: Annotated[str, Field(examples=["udp"])]
    username: Annotated[str, Field(examples=["1000"])]
    uac_enabled: Annotated[bool, Field(examples=[True])]
    """Whether the number registers, so that calls come in without an address of ours being known."""
    uac_register_expires: Annotated[int | None, Field(examples=[300])]
    """Seconds; null where it does not register."""
    registration_state: Annotated[RegistrationState, Field(examples=["failed"])]
    registration_code: Annotated[int | None, Field(examples=[403])]
    """SIP status of the registrar's refusal."""
    registration_error: Annotated[str, Field(examples=["Forbidden"])]
    """"" unless it failed."""
    registration_changed_at: datetime | None
    """Since when it stands so; null before the first time."""


class TrunkPage(Wire):
    """A page of trunks."""

    pagination: Pagination
    trunks: list[TrunkOut]
