"""Registration at a SIP trunk (RFC 3261, section 10): what is registered, and how it stands."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True)
class Registration:
    """An address of record that is to be registered, and refreshed, for as long as it is kept."""

    number: str
    """The number that calls to this address are for."""
    domain: str
    """Host of the registrar; may carry a port."""
    username: str
    """User part of the address of record."""
    password: str = field(repr=False)
    auth_username: str = ""
    """For the digest, where it is another than `username`."""
    proxy: str = ""
    """Host that the requests go through, where that is not the domain's; may carry a port and `;transport=`."""
    transport: str = "udp"
    expires: int = 300
    """Seconds that are asked for."""

    @property
    def host(self) -> str:
        """The domain without its port."""
        return self.domain.rpartition(":")[0] if self.domain.rpartition(":")[2].isdigit() else self.domain


class RegistrationState(StrEnum):
    """How a registration stands."""

    REGISTERING = "registering"
    REGISTERED = "registered"
    FAILED = "failed"
    UNREGISTERED = "unregistered"


@dataclass(frozen=True)
class Standing:
    """How a registration stands, and why."""

    state: RegistrationState
    code: int | None = None
    """SIP status of the registrar's refusal."""
    reason: str = ""


Heard = Callable[[Standing], None]
"""Told on the work loop each time the registrar has answered, or should have."""


class Registers(Protocol):
    """What keeps registrations: the SIP engine, or its twin."""

    async def register(self, registration: Registration, heard: Heard) -> None:
        """Begin to keep a registration, or try again at once. Raises BadInput for settings that cannot travel."""
        ...

    async def unregister(self, registration: Registration) -> None:
        """Take it back at the registrar and keep it no more; nothing is heard of it afterwards."""
        ...
