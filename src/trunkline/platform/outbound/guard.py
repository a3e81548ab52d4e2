"""Which addresses an outgoing request may reach.

A name is resolved here, every address of it is judged, and the connection goes to an address that was judged: a
name server that answers otherwise a moment later (DNS rebinding) changes nothing. The TLS name stays the one of
the URL.
"""

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol

import httpcore2

from trunkline.errors import OutboundRefused, SetupError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All that was ever given out of IPv6 (RFC 4291); mapped, NAT64 and local addresses lie outside."""
_TUNNELS = (IPv6Network("2001::/32"), IPv6Network("2002::/16"))
"""Teredo and 6to4 carry an IPv4 address, which may be private."""
_RELAYS = IPv4Network("192.88.99.0/24")
"""The withdrawn anycast of 6to4 relays (RFC 7526)."""


def is_public(address: Address) -> bool:
    """Whether the address is one of the public Internet, and nothing that may stand for another."""
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    if isinstance(address, IPv4Address):
        return address not in _RELAYS
    return address in _GLOBAL_UNICAST and not any(address in tunnel for tunnel in _TUNNELS)


@dataclass(frozen=True)
class Allowance:
    """What the operator lets through though it is not public."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Allowance":
        """From hosts, addresses and networks with commas between.

        Raises:
            SetupError: an entry with a slash is no network.
        """
        hosts: set[str] = set()
        networks: list[Network] = []
        for entry in filter(None, (part.strip().lower() for part in text.split(","))):
            try:
                networks.append(ip_network(entry.strip("[]"), strict=False))
            except ValueError as error:
                if "/" in entry:
                    raise SetupError(
                        f"TRUNKLINE_OUTBOUND_ALLOW: {entry!r} is no network; write one like 10.0.0.0/8"
                    ) from error
                hosts.add(entry.rstrip("."))
        return cls(frozenset(hosts), tuple(networks))

    def covers(self, host: str, address: Address) -> bool:
        """Whether this address of this host is let through."""
        return host in self.hosts or any(address in network for network in self.networks)


class Resolver(Protocol):
    """Name and port to addresses; OSError where there are none."""

    async def __call__(self, host: str, port: int) -> list[Address]: ...


async def resolve(host: str, port: int) -> list[Address]:
    """All addresses that the system knows for `host`, in its order of preference."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # A link-local address may carry a zone (`fe80::1%eth0`): judged like the same without.
    return list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections to public addresses and to what `allowance` covers."""

    def __init__(self, allowance: Allowance, resolver: Resolver = resolve) -> None:
        self._allowance = allowance
        self._resolver = resolver
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2 names it
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Raises OutboundRefused before anything is sent, unless every address of `host` may be reached."""
        failure: Exception | None = None
        for address in await self._checked(host, port):
            try:
                return await self._network.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore2.ConnectError(f"{host} has no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2 names it
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refused always."""
        raise OutboundRefused("Unix sockets are not reached from here")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _checked(self, host: str, port: int) -> list[Address]:
        name = host.lower().strip("[]").rstrip(".")
        try:
            addresses = await self._resolver(name, port)
        except UnicodeError as error:
            raise OutboundRefused(f"{host!r} is no host name; name a public one in the URL") from error
        except OSError as error:
            raise httpcore2.ConnectError(f"the host {host} was not found") from error
        for address in addresses:
            if not is_public(address) and not self._allowance.covers(name, address):
                raise OutboundRefused(
                    f"The host {host} is not on the public Internet and is not reached from here; "
                    "name a public one, or let the operator add it to TRUNKLINE_OUTBOUND_ALLOW"
                )
        return addresses
