"""What the SIP stack is told before it starts: where it listens, what it shows over TLS, whom it believes."""

import os
import socket
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from baresip import Config

from trunkline.errors import PortTaken, SetupError

HEADERS = (
    "To",
    "From",
    "P-Asserted-Identity",
    "X-EI",
    "X-Agent-Id",
    "X-Campaign-Id",
    "X-Call-Id",
    "X-Twilio-CallSid",
)
"""Headers of an INVITE that the stack hands over; at most 16."""
CODECS = ("g722/16000/1", "pcmu", "pcma")
"""In the order of our offers. In an answer the offerer's order stands, which the stack cannot change."""
ANY = "0.0.0.0"  # noqa: S104 - compared with, not bound to


@dataclass(frozen=True)
class Certificate:
    """What our end shows over TLS: PEM files of the chain, ours first, and of its private key without a passphrase."""

    chain: Path
    key: Path

    def check(self) -> None:
        """Raises SetupError when the files are not there, or are not a pair."""
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.chain, self.key, password="")
        except OSError as error:  # ssl.SSLError is one
            raise SetupError(
                f"SIP over TLS cannot use {self.chain} with {self.key} ({error.strerror or error}): set "
                "TRUNKLINE_SIP_TLS_CERT and TRUNKLINE_SIP_TLS_KEY to PEM files of a chain and of its key."
            ) from error

    @contextmanager
    def joined(self) -> Iterator[Path]:
        """Both in one file that only we can read, as the stack wants them; gone when the block is left."""
        with tempfile.TemporaryDirectory(prefix="trunkline-") as folder:
            path = Path(folder) / "sip.pem"
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(self.chain.read_bytes() + b"\n" + self.key.read_bytes())
            yield path


@dataclass(frozen=True)
class Listening:
    """Where the stack listens and what it says of itself. `SipEngine` tells of the fields."""

    bind: str
    port: int
    rtp_ports: str
    public_ip: str | None
    rtp_timeout: int
    jitter_ms: tuple[int, int]
    headers: tuple[str, ...]

    @property
    def tls_port(self) -> int:
        """The stack's own rule."""
        return self.port + 1

    @property
    def address(self) -> str:
        """The address of ours that goes into From and SDP."""
        return self.public_ip or (self.bind if self.bind != ANY else socket.gethostname())

    def config(self, certificate: Path | None, tls: bool) -> Config:
        """For the stack. Raises SetupError for a public address that is not ours."""
        if self.public_ip is not None and not _ours(self.public_ip):
            raise SetupError(
                f"No interface of this machine has the public address {self.public_ip}, and the SIP stack writes only "
                "such addresses into SDP: leave TRUNKLINE_PUBLIC_IP unset and put Kamailio with rtpengine in front."
            )
        least, most = self.jitter_ms
        lines = [
            f"sip_listen {self.bind}:{self.port}",
            f"sip_transports udp,tcp{',tls' if tls else ''}",
            "sip_verify_server yes",
            "dns_getaddrinfo yes",  # names as everywhere on this machine: /etc/hosts, search domains
            f"rtp_ports {self.rtp_ports}",
            f"audio_jitter_buffer_type {'adaptive' if most else 'off'}",
        ]
        if most:
            lines.append(f"audio_jitter_buffer_ms {least}-{most}")
        if certificate is not None:
            lines.append(f"sip_certificate {certificate}")
        if (authorities := ssl.get_default_verify_paths().cafile) is not None:
            lines.append(f"sip_cafile {authorities}")
        return Config(
            net_interface=self.public_ip or (None if self.bind == ANY else self.bind),
            max_concurrent_calls=None,
            rtp_timeout=self.rtp_timeout,
            expose_headers=self.headers,
            extra_config_text="\n".join(lines) + "\n",
        )


def require_free(bind: str, port: int) -> None:
    """Raises PortTaken when UDP or TCP on the port is held; the stack itself would only say that it failed."""
    for kind, name in ((socket.SOCK_DGRAM, "UDP"), (socket.SOCK_STREAM, "TCP")):
        _require_free(bind, port, kind, name)


def require_tls_free(bind: str, port: int) -> None:
    """Raises PortTaken when TCP on the port is held."""
    _require_free(bind, port, socket.SOCK_STREAM, "TLS")


def _require_free(bind: str, port: int, kind: socket.SocketKind, name: str) -> None:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError as error:
            raise PortTaken(
                f"SIP cannot listen on {bind}:{port} ({name}: {error.strerror}). Stop what holds it, or set "
                "TRUNKLINE_SIP_PORT to a free port and TRUNKLINE_BIND to an address of this machine."
            ) from error


def free(bind: str, port: int) -> bool:
    """Whether nobody holds UDP or TCP on the port."""
    with suppress(PortTaken):
        require_free(bind, port)
        return True
    return False


def tls_free(bind: str, port: int) -> bool:
    """Whether nobody holds TCP on the port."""
    with suppress(PortTaken):
        require_tls_free(bind, port)
        return True
    return False


def _ours(address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def checked_range(ports: str) -> str:
    """The RTP ports, `first-last`. Raises SetupError."""
    first, _, last = ports.partition("-")
    if not (first.isdigit() and last.isdigit() and 1024 <= int(first) < int(last) <= 65535):
        raise SetupError(f"RTP ports {ports!r} are not a range; set TRUNKLINE_RTP_PORTS like 20000-29999.")
    return ports
