"""Where a transfer goes: what users write, brought to what can be dialled and what a REFER can name.

    sip:user@domain, with port, with ;transport=udp|tcp|tls    dialled as it stands
    sips:user@domain                                           over TLS
    +14155550100, tel:+14155550100                             through the trunk of the call's own number
    1001, *98                                                  an extension of the trunk's domain

A bare `tel:` is accepted by many systems and routed by few, so nothing but full SIP addresses leaves here.
"""

import re
from dataclasses import dataclass

from trunkline.errors import BadInput
from trunkline.resources.calls import phone
from trunkline.voice.lines import sip_uri
from trunkline.voice.lines.line import Trunk

_TEL = re.compile(r"tel:(?P<number>[^;]+)(?:;.*)?", re.IGNORECASE)
_EXTENSION = re.compile(r"[0-9*#]{1,32}")


@dataclass(frozen=True)
class Route:
    """One way to a destination."""

    uri: str
    """A full SIP address: for the record, and for a REFER."""
    dial: str
    """What is handed to the engine."""
    trunk: Trunk | None
    """With whose name and password."""

    @property
    def encrypted(self) -> bool:
        """Does the signalling go over TLS?"""
        return sip_uri.parse(self.uri).transport == "tls"


def route(destination: str, trunk: Trunk | None) -> Route:
    """The way to a destination. `trunk`: of the number that the call came to or goes out from, if it has one.

    Raises BadInput, which says what to write or to set.
    """
    text = destination.strip()
    if text.lower().startswith(("sip:", "sips:")):
        uri = sip_uri.parse(text)
        return Route(str(uri), text, trunk if trunk is not None and _is_of(uri, trunk) else None)
    number = _number(text)
    if trunk is None:
        raise BadInput(
            f"{destination!r} can be dialled only through a trunk, and the number of this call has none. Give the "
            "number a termination_uri (PATCH /v2/numbers/{slug}), or transfer to a SIP address such as sip:1001@host."
        )
    return Route(str(sip_uri.outbound(number, trunk)), number, trunk)


def _number(text: str) -> str:
    """A number or an extension, plain."""
    tel = _TEL.fullmatch(text)
    number = phone.plain(tel["number"] if tel else text)
    if phone.is_e164(number) or _EXTENSION.fullmatch(number):
        return number
    raise BadInput(
        f"{text[:80]!r} is nobody's address: write a number in E.164 such as +14155550100, a SIP address such as "
        "sip:user@host, or an extension such as 1001."
    )


def _is_of(uri: sip_uri.SipUri, trunk: Trunk) -> bool:
    """Does the address lie at the trunk's own host, which will ask for its password?"""
    host = sip_uri.parse(f"sip:{trunk.host}")
    return uri.host.lower() == host.host.lower() and uri.port == host.port
