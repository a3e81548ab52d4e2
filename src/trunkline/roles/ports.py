"""Are the ports free that the platform will listen on?"""

import errno
import socket
from dataclasses import dataclass
from typing import Literal

from trunkline.errors import PortTaken, SetupError
from trunkline.settings import Settings

_NOT_OURS = (errno.EADDRNOTAVAIL, -2, -5)  # the latter two: getaddrinfo knows no such name


@dataclass(frozen=True)
class Need:
    """A port that one of our processes will listen on."""

    port: int
    protocol: Literal["TCP", "UDP"]
    who: str
    setting: str
    """The environment variable that moves it."""


def needs(settings: Settings) -> list[Need]:
    """Every port of this installation, RTP apart (its range is used as calls come)."""
    wanted = [
        Need(settings.http_port, "TCP", "the API", "TRUNKLINE_HTTP_PORT"),
        Need(settings.voice_port, "TCP", "the voice process (control of calls)", "TRUNKLINE_VOICE_PORT"),
        Need(settings.sip_port, "UDP", "SIP", "TRUNKLINE_SIP_PORT"),
        Need(settings.sip_port, "TCP", "SIP", "TRUNKLINE_SIP_PORT"),
    ]
    if settings.sip_tls_cert is not None:
        wanted.append(Need(settings.sip_port + 1, "TCP", "SIP over TLS", "TRUNKLINE_SIP_PORT"))
    return wanted


def is_free(bind: str, need: Need) -> bool:
    """Whether we could listen there now; raises SetupError when `bind` is not an address of this machine."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    kind = socket.SOCK_STREAM if need.protocol == "TCP" else socket.SOCK_DGRAM
    with socket.socket(family, kind) as probe:
        if need.protocol == "TCP":  # a connection of an earlier run in TIME_WAIT does not count
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, need.port))
            if need.protocol == "TCP":
                probe.listen(1)
        except PermissionError as error:
            raise SetupError(
                f"port {need.port} ({need.protocol}) may not be opened by this user; "
                f"set {need.setting} to a port above 1023"
            ) from error
        except OverflowError as error:
            raise SetupError(f"{need.setting}={need.port} is no port; set it to 1 to 65535") from error
        except OSError as error:
            if error.errno in _NOT_OURS:
                raise SetupError(
                    f"TRUNKLINE_BIND={bind} is not an address of this machine; "
                    "set it to one that is, or to 0.0.0.0"
                ) from error
            return False
    return True


def check(settings: Settings) -> None:
    """Raise PortTaken for the first port that another program holds."""
    for need in needs(settings):
        if not is_free(settings.bind, need):
            raise taken(need)


def check_api(settings: Settings) -> None:
    """Raise PortTaken when another program holds the API's."""
    need = needs(settings)[0]
    if not is_free(settings.bind, need):
        raise taken(need)


def taken(need: Need) -> PortTaken:
    """What to tell the operator."""
    return PortTaken(
        f"port {need.port} ({need.protocol}) is taken by another program and {need.who} needs it; "
        f"stop that program or set {need.setting} to a free port"
    )


def free_tcp_port(bind: str = "127.0.0.1") -> int:
    """A port of this address that was free a moment ago."""
    with socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET) as probe:
        probe.bind((bind, 0))
        port: int = probe.getsockname()[1]
    return port


def free_sip_port(bind: str = "127.0.0.1") -> int:
    """A port of this address that was free for UDP and TCP, and the next one for TCP, a moment ago."""
    while True:
        port = free_tcp_port(bind)
        wanted = (Need(port, "UDP", "", ""), Need(port + 1, "TCP", "", ""))
        if port < 65535 and all(is_free(bind, need) for need in wanted):
            return port


def address_towards(host: str) -> str:
    """Our own address on the way to a host; raises SetupError where no way leads there."""
    try:
        family, kind, protocol, _, there = socket.getaddrinfo(host, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(there)  # sends nothing
            address: str = probe.getsockname()[0]
    except OSError as error:
        raise SetupError(f"no way leads from this machine to {host} ({error.strerror})") from error
    return address
