"""Ports for programs that a test or a bench starts: apart for each worker of pytest, and none given out twice in a row.

A port that was free a moment ago may be another's when it is bound at last. The kernel's own choice (port 0) is the
worst for that: the next connection of anybody may get it. So these lie outside the kernel's range.
"""

import os
import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack

_WORKERS = 8
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS


def free_port() -> int:
    """Free for UDP and TCP, and so is the next one, where SIP has its TLS."""
    kinds = (socket.SOCK_DGRAM, socket.SOCK_STREAM)
    return next(port for port in _PORTS if _free(port, 2, *kinds))


def free_media_port() -> int:
    """The first of four UDP ports that are free."""
    return next(port for port in _MEDIA_PORTS if _free(port, 4, socket.SOCK_DGRAM))


def some_rtp_ports(pairs: int = 200) -> str:
    """A range of RTP ports, even to odd; those in it that are taken are passed over by the stack."""
    first = random.randrange(20000, 60000, 2)
    return f"{first}-{first + 2 * pairs - 1}"


def _round(first: int, size: int, step: int) -> Iterator[int]:
    """The ports of this worker, of `size` each has, over and over from one of chance."""
    first += _WORKER * size
    at = random.randrange(0, size, step)
    while True:
        yield first + at
        at = (at + step) % size


_PORTS = _round(10_000, 1200, 2)
_MEDIA_PORTS = _round(61_000, 500, 4)


def _free(port: int, count: int, *kinds: socket.SocketKind) -> bool:
    with ExitStack() as held:
        try:
            for each in range(port, port + count):
                for kind in kinds:
                    held.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", each))
        except OSError:
            return False
    return True
