"""Carriers' lines on the wire."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from trunkline.platform.http.wire import Wire


class CarrierName(StrEnum):
    """The carriers whose streams are understood."""

    TWILIO = "twilio"
    TELNYX = "telnyx"
    PLIVO = "plivo"


class LineOut(Wire):
    """What a carrier has to be given so that its calls come to an agent."""

    url: Annotated[
        str,
        Field(
            examples=[
                "wss://voice.example.com/trunkline/v1/lines/twilio/2f1c0f9e-6d0b-4a53-9f6e-0a1f3a0d9b11"
            ]
        ),
    ]
    """Where it opens its WebSocket; with the token, for carriers that keep a URL's query."""
    token: Annotated[str, Field(examples=["253370764800.5f2c…"])]
    """Lets its streams in; to be kept as a password is."""
    expires_at: datetime | None
    """After this the token lets nobody in; null: it has no end."""
    markup: Annotated[str, Field(examples=["<Response>…</Response>"])]
    """A whole answer for the carrier's webhook: TwiML, TeXML or Plivo XML."""
