"""Which addresses an outgoing request may reach.

A name is resolved here, every address of it is judged, and the connection goes to an address that was judged: a
name server that answers otherwise a moment later (DNS rebinding) changes nothing. The TLS name stays the one of
the URL.
"""

import asyncio
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol

from trunkline.errors import OutboundFailed, OutboundRefused, SetupError

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


class Guard:
    """Judges where a connection may go: to public addresses and to what `allowance` covers."""

    def __init__(self, allowance: Allowance, resolver: Resolver = resolve) -> None:
        self._allowance = allowance
        self._resolver = resolver

    async def addresses(self, host: str, port: int) -> list[Address]:
        """All addresses of a name.

        Raises:
            OutboundRefused: one of them may not be reached, or it is no name.
            OutboundFailed: it has none.
        """
        name = host.lower().rstrip(".")
        try:
            found = await self._resolver(name, port)
        except UnicodeError as error:
            raise OutboundRefused(f"{host!r} is no host name; name a public one in the URL") from error
        except OSError as error:
            raise OutboundFailed(f"{host} was not reached: the host {host} was not found") from error
        if not found:
            raise OutboundFailed(f"{host} was not reached: the host {host} has no address")
        for address in found:
            self._judge(name, address)
        return found

    def check(self, host: str) -> None:
        """The host of a URL where it is an address itself, which nobody resolves; a name passes.

        Raises:
            OutboundRefused: it may not be reached, or is an address in none of the two canonical forms.
        """
        bare = host.rstrip(".")
        if ":" not in bare and not bare.replace(".", "").isdigit():
            return
        try:
            address = ip_address(bare.partition("%")[0])
        except ValueError as error:
            raise OutboundRefused(
                f"{host!r} is no address; write four decimal numbers, or an IPv6 address in brackets"
            ) from error
        self._judge(bare, address)

    def _judge(self, name: str, address: Address) -> None:
        if not is_public(address) and not self._allowance.covers(name, address):
            raise OutboundRefused(
                f"The host {name} is not on the public Internet and is not reached from here; "
                "name a public one, or let the operator add it to TRUNKLINE_OUTBOUND_ALLOW"
            )
