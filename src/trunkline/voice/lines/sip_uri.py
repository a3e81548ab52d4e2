"""SIP addresses (RFC 3261, 19.1): who was dialled, who calls, and where a call of ours goes."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from trunkline.errors import BadInput
from trunkline.voice.lines.line import Trunk

TRANSPORTS = ("udp", "tcp", "tls")

_URI = re.compile(
    r"sips?:(?:(?P<user>[^@\s<>\"]+)@)?(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::(?P<port>\d{1,5}))?"
    r"(?P<parameters>(?:;[^\s<>\"?]+)?)"
)
_NUMBER = re.compile(r"\+?[0-9*#A-Za-z._-]{1,64}")
_SEPARATORS = str.maketrans("", "", " ()-./")


@dataclass(frozen=True)
class SipUri:
    """Where an INVITE goes."""

    user: str
    host: str
    port: int | None = None
    transport: str = "udp"

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        return f"sip:{user}{self.host}{port};transport={self.transport}"


def parse(text: str) -> SipUri:
    """A `sip:` or `sips:` URI with optional port and `;transport=`; raises BadInput for anything else.

    `sips:` means TLS, whatever stream transport it names (RFC 3261, 19.1.2); it is dialled as `sip:` over TLS, for
    the stack cannot send the other scheme.
    """
    match = _URI.fullmatch(text)
    if match is None:
        raise BadInput(
            f"{text[:80]!r} is not a SIP address; write it as sip:user@host or sip:user@host:port."
        )
    parameters = dict(part.lower().partition("=")[::2] for part in match["parameters"].split(";") if part)
    secure = text.startswith("sips:")
    transport = parameters.get("transport", "tls" if secure else "udp")
    if transport not in TRANSPORTS:
        raise BadInput(f"SIP transport {transport!r} is not supported; use udp, tcp or tls.")
    if secure and transport == "udp":
        raise BadInput(f"{text[:80]!r} contradicts itself: sips: is TLS, which UDP does not carry.")
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 0 < port < 65536:
        raise BadInput(f"Port {port} of {text[:80]!r} is out of range; use 1 to 65535.")
    return SipUri(match["user"] or "", match["host"], port, "tls" if secure else transport)


def outbound(target: str, trunk: Trunk | None) -> SipUri:
    """The URI to dial: `target` itself when it is a `sip:` URI, else the number at the trunk's host."""
    if target.lower().startswith(("sip:", "sips:")):
        return parse(target)
    if trunk is None:
        raise BadInput(
            "A number can be dialled only through a trunk; bind one to it, or dial a sip: address."
        )
    number = target.translate(_SEPARATORS)
    if _NUMBER.fullmatch(number) is None:
        raise BadInput("The number to dial has characters that no phone has; use + and digits.")
    return parse(f"sip:{number}@{trunk.host};transport={trunk.transport}")


def host_of(header: str) -> str:
    """The host of a To or From value without its port, "" when there is none."""
    match = re.search(r"sips?:(?:[^@>\s]+@)?(\[[^\]]+\]|[^:;>\s]+)", header)
    return match[1] if match else ""


def user_of(header: str) -> str:
    """The user part of a To, From or P-Asserted-Identity value, "" when there is none; `tel:` URIs too."""
    match = re.search(r"(?:sips?:(?P<user>[^@>\s]+)@|tel:(?P<number>[^;>\s]+))", header)
    if match is None:
        return ""
    return unquote(match["user"] or match["number"]).partition(";")[0].partition(":")[0]
