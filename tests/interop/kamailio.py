"""Kamailio as somebody's SIP trunk: a registrar that asks for a password, and passes calls on to who registered."""

import hashlib
import re
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.ports import free_port

PASSWORD = "s3cret"
_CONFIG = """#!KAMAILIO
debug=1
log_stderror=yes
children=1
tcp_children=1
auto_aliases=no
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "xlog.so"
modparam("registrar", "min_expires", 1)
request_route {{
  if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
  if (has_totag()) {{ t_relay(); exit; }}
  if (is_method("REGISTER")) {{
    if (!pv_www_authenticate("127.0.0.1", "{password}", "0")) {{
      if (is_present_hf("Authorization")) {{ sl_send_reply("403", "Forbidden"); exit; }}
      www_challenge("127.0.0.1", "1"); exit;
    }}
    xlog("L_ERR", "seen: $tU $expires(max)\\n");
    if (!save("location")) sl_reply_error();
    exit;
  }}
  if (is_method("INVITE") && {challenges} && !pv_proxy_authenticate("127.0.0.1", "{password}", "0")) {{
    proxy_challenge("127.0.0.1", "1"); exit;
  }}
  if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
  t_relay();
}}
"""


class Kamailio:
    """Runs for as long as the block does, at `127.0.0.1:port`."""

    def __init__(self, folder: Path, challenges: bool = False) -> None:
        """`challenges`: who calls is asked for a password as well."""
        self.port = free_port()
        self._config = folder / "kamailio.cfg"
        self._log = folder / "kamailio.log"
        self._config.write_text(_CONFIG.format(port=self.port, password=PASSWORD, challenges=int(challenges)))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def register(self, user: str, port: int) -> None:
        """Calls to the user go to this port of this machine from now on."""
        head = (
            f"REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{{0}};rport;branch=z9hG4bK{{1}}\r\n"
            f"From: <sip:{user}@127.0.0.1>;tag=1\r\nTo: <sip:{user}@127.0.0.1>\r\nCall-ID: {user}-{port}\r\n"
            f"CSeq: {{1}} REGISTER\r\nContact: <sip:{user}@127.0.0.1:{port}>\r\nExpires: 600\r\n"
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(30)
            udp.connect(("127.0.0.1", self.port))
            ours, answer = udp.getsockname()[1], ""
            for number in (1, 2):
                login = _login(user, answer) if answer else ""
                udp.send(f"{head.format(ours, number)}{login}Content-Length: 0\r\n\r\n".encode())
                answer = udp.recv(4096).decode()
        assert answer.startswith("SIP/2.0 200"), answer

    def registers(self) -> list[tuple[str, int]]:
        """The REGISTERs that were taken: who, and for how many seconds; 0 is the leave."""
        seen = [line.rpartition("seen: ")[2].split() for line in self._log.read_text().splitlines()]
        return [(words[0], int(words[1])) for words in seen if len(words) == 2 and words[1].isdigit()]

    def __enter__(self) -> "Kamailio":
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["kamailio", "-f", str(self._config), "-DD", "-E", "-m", "32", "-M", "4"],
                stdout=log,
                stderr=log,
            )
        for _ in range(600):
            with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            time.sleep(0.05)
        raise AssertionError(self._log.read_text())

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(10)


def _login(user: str, challenge: str) -> str:
    """The answer to a digest challenge (RFC 2617) as a header."""
    nonce, realm = (_quoted(name, challenge) for name in ("nonce", "realm"))
    mine = _md5(f"{user}:{realm}:{PASSWORD}")
    response = _md5(f"{mine}:{nonce}:{_md5('REGISTER:sip:127.0.0.1')}")
    return (
        f'Authorization: Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="sip:127.0.0.1", '
        f'response="{response}"\r\n'
    )


def _quoted(name: str, text: str) -> str:
    found = re.search(rf'{name}="([^"]*)"', text)
    assert found is not None, text
    return found[1]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
