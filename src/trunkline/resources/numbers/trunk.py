"""Where a number's calls go out: the SIP host of a trunk, and what each provider needs."""

import re
from dataclasses import dataclass

PROVIDERS = ("twilio", "telnyx", "vonage", "ring_central", "ringcx", "custom", "zoom", "five9")

FILLED_IN = {"ringcx": "sip.ringcentral.com", "zoom": "sip.zoom.com", "five9": None}
"""Providers whose trunk need not be given. Five9 tells its regional addresses to its customers only: a number of
theirs takes calls without one, and calls out once it has a termination_uri."""

_HOST = re.compile(
    r"(?:sips?:)?(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?)"
    r"(?P<port>:[0-9]{1,5})?(?:;transport=(?P<transport>udp|tcp|tls))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Trunk:
    """host or host:port, and the transport where one was asked for."""

    host: str
    transport: str | None

    def __str__(self) -> str:
        return self.host + (f";transport={self.transport}" if self.transport else "")


def trunk(text: str) -> Trunk:
    """Read `host`, `host:port` or `sip:host:port;transport=tcp`. Raises ValueError."""
    match = _HOST.fullmatch(text.strip())
    if match is None or not 0 <= int((match["port"] or ":0")[1:]) <= 65535:
        raise ValueError("must be a SIP host such as sip.example.com, 192.0.2.1:5060 or host;transport=tcp")
    transport = match["transport"]
    return Trunk(match["host"] + (match["port"] or ""), transport.lower() if transport else None)
