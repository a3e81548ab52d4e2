"""Keeps the SIP stack's TCP and TLS connections alive: the kernel probes them while nobody says anything.

The stack has no setting for it, but its sockets are this process's own. Probes hold open what firewalls and address
translators remember of a connection, and find a dead one before a request is lost on it: the stack then opens another
for the next request. A peer that closes what is idle by its own clock does so all the same, for probes are no
messages; that too the next request opens again.
"""

import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager

IDLE_SECONDS = 20
"""Of silence before the first probe: traps and time-outs are told of from 30 s on."""
_BETWEEN_SECONDS = 5
_PROBES = 3
"""Without an answer to these the connection is dead: 35 s after the last word."""
_IDLE = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", None)
"""By its names on Linux and macOS."""


def incoming(*ports: int) -> None:
    """From now on for every connection that comes in on these ports: they have it from the listening socket."""

    def listens(each: socket.socket) -> bool:
        listening = each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        return bool(listening) and each.getsockname()[1] in ports

    _keep_alive(listens)


def outgoing(port: int) -> None:
    """For the connections that are open to this port of anybody's."""

    def leads_there(each: socket.socket) -> bool:
        try:
            return bool(each.getpeername()[1] == port)
        except OSError:  # it leads nowhere
            return False

    _keep_alive(leads_there)


def _keep_alive(wanted: Callable[[socket.socket], bool]) -> None:
    for number in os.listdir("/dev/fd"):
        with _borrowed(int(number)) as each:
            if each is not None and wanted(each):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                if _IDLE is not None:
                    each.setsockopt(socket.IPPROTO_TCP, _IDLE, IDLE_SECONDS)
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _BETWEEN_SECONDS)
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)


@contextmanager
def _borrowed(number: int) -> Iterator[socket.socket | None]:
    """A TCP socket of this process for the length of the block; None: it is something else, or was closed meanwhile."""
    try:
        copy = os.dup(number)
    except OSError:
        yield None
        return
    if not stat.S_ISSOCK(os.fstat(copy).st_mode):
        os.close(copy)
        yield None
        return
    with socket.socket(fileno=copy) as each:
        tcp = each.family in (socket.AF_INET, socket.AF_INET6) and each.type == socket.SOCK_STREAM
        yield each if tcp else None
