"""A small SIP user-agent client (RFC 3261 over UDP, RFC 3264 offer with one G.711 mu-law stream), of our own.

It measures what the platform does, so it shares no code with it. It knows what a caller needs: INVITE, ACK,
CANCEL, BYE, retransmission, and answers to requests of the other side. It never blocks: `Dialog` turns what
arrives into what is to be sent.
"""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

T1 = 0.5
"""First retransmission interval in seconds (RFC 3261, 17.1.1.1)."""
GIVE_UP = 32.0
"""Seconds without any answer after which a transaction has failed (64 x T1)."""


class Phase(StrEnum):
    """Where a dialog is."""

    CALLING = "calling"
    RINGING = "ringing"
    UP = "up"
    ENDING = "ending"
    ENDED = "ended"


@dataclass(frozen=True)
class Message:
    """One SIP message, taken apart as far as a caller needs it."""

    method: str
    """Of a request; of a response, the method in its CSeq."""
    status: int
    """0 for a request."""
    headers: dict[str, list[str]]
    body: str

    @classmethod
    def parse(cls, datagram: bytes) -> "Message | None":
        """None for what is not SIP."""
        head, _, body = datagram.decode("utf-8", "replace").partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        headers: dict[str, list[str]] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if colon:
                headers.setdefault(_LONG.get(name.strip().lower(), name.strip().lower()), []).append(
                    value.strip()
                )
        if "call-id" not in headers or "cseq" not in headers:
            return None
        if first.startswith("SIP/2.0 "):
            return cls(headers["cseq"][0].split()[-1], int(first[8:11]), headers, body)
        return cls(first.split(" ", 1)[0], 0, headers, body)

    def one(self, name: str) -> str:
        """The first value of a header, "" when absent."""
        return self.headers.get(name, [""])[0]


_LONG = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
}


def media_address(sdp: str) -> tuple[str, int] | None:
    """Address and port of the audio stream of a session description."""
    host = re.search(r"^c=IN IP4 (\S+)", sdp, re.MULTILINE)
    port = re.search(r"^m=audio (\d+)", sdp, re.MULTILINE)
    return (host[1], int(port[1])) if host and port else None


@dataclass
class Dialog:
    """One call as its caller sees it. `now` is in seconds on any steady clock."""

    target: str
    """`sip:user@host:port`."""
    local: tuple[str, int]
    """Where our SIP socket is."""
    media_port: int
    caller: str = "caller"
    extra_headers: dict[str, str] = field(default_factory=dict)
    phase: Phase = Phase.CALLING
    status: int = 0
    """The final status of the INVITE."""
    media: tuple[str, int] | None = None
    ended_by_them: bool = False

    def __post_init__(self) -> None:
        self.call_id = f"{secrets.token_hex(8)}@{self.local[0]}"
        self._tag = secrets.token_hex(4)
        self._remote = f"<{self.target}>"
        self._contact = self.target
        self._routes: list[str] = []
        self._sequence = 1
        self._branch = ""
        self._pending: bytes | None = None
        self._again_at = 0.0
        self._interval = T1
        self._give_up_at = 0.0

    # ---- what the caller wants ----

    def invite(self, now: float) -> bytes:
        return self._transaction("INVITE", self._sdp(), now)

    def cancel(self) -> bytes:
        """Give up while it rings; the INVITE is then answered 487."""
        return self._request("CANCEL", "", self._branch)

    def bye(self, now: float) -> bytes:
        self._sequence += 1
        self.phase = Phase.ENDING
        return self._transaction("BYE", "", now)

    # ---- what happens ----

    def due(self, now: float) -> Iterator[bytes]:
        """What has to be sent again by now."""
        if self._pending is None or now < self._again_at:
            return
        if now >= self._give_up_at:
            self._pending, self.phase, self.status = None, Phase.ENDED, self.status or 408
            return
        self._interval *= 2
        self._again_at = now + self._interval
        yield self._pending

    def receive(self, message: Message) -> Iterator[bytes]:
        """What to send because of it."""
        if message.status:
            yield from self._response(message)
        elif message.method == "BYE":
            self.ended_by_them, self.phase, self._pending = True, Phase.ENDED, None
            yield self._answer(message, "")
        elif message.method == "INVITE":
            self.media = media_address(message.body) or self.media
            yield self._answer(message, self._sdp())
        elif message.method != "ACK":
            yield self._answer(message, "")

    def _response(self, message: Message) -> Iterator[bytes]:
        if message.method == "BYE" and message.status >= 200:
            self.phase, self._pending = Phase.ENDED, None
        if message.method != "INVITE":
            return
        if message.status < 200:
            self._pending = None
            if self.phase is Phase.CALLING and message.status > 100:
                self.phase = Phase.RINGING
            return
        self._remote = message.one("to")
        if message.status >= 300:
            self.phase, self.status, self._pending = Phase.ENDED, message.status, None
            yield self._request("ACK", "", self._branch)
            return
        if contact := re.search(r"<([^>]+)>", message.one("contact")):
            self._contact = contact[1]
        self._routes = list(reversed(message.headers.get("record-route", [])))
        if self.phase in (Phase.CALLING, Phase.RINGING):
            self.phase, self.status, self._pending = Phase.UP, message.status, None
            self.media = media_address(message.body)
        yield self._request("ACK", "", _branch())

    # ---- text ----

    def _transaction(self, method: str, body: str, now: float) -> bytes:
        self._branch = _branch()
        self._pending = self._request(method, body, self._branch)
        self._interval, self._again_at, self._give_up_at = T1, now + T1, now + GIVE_UP
        return self._pending

    def _request(self, method: str, body: str, branch: str) -> bytes:
        early = method in ("INVITE", "CANCEL") or self.status >= 300
        uri = self.target if early else self._contact
        remote = f"<{self.target}>" if method in ("INVITE", "CANCEL") else self._remote
        host, port = self.local
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{port};branch={branch};rport",
            *(f"Route: {route}" for route in self._routes),
            f"From: <sip:{self.caller}@{host}:{port}>;tag={self._tag}",
            f"To: {remote}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {1 if method in ('ACK', 'CANCEL') else self._sequence} {method}",
            f"Contact: <sip:{self.caller}@{host}:{port}>",
            "Max-Forwards: 70",
            *(f"{name}: {value}" for name, value in self.extra_headers.items() if method == "INVITE"),
        ]
        return _with_body(lines, body)

    def _answer(self, request: Message, body: str) -> bytes:
        to = request.one("to")
        lines = [
            "SIP/2.0 200 OK",
            *(f"Via: {via}" for via in request.headers.get("via", [])),
            f"From: {request.one('from')}",
            f"To: {to}" if "tag=" in to else f"To: {to};tag={self._tag}",
            f"Call-ID: {request.one('call-id')}",
            f"CSeq: {request.one('cseq')}",
            f"Contact: <sip:{self.caller}@{self.local[0]}:{self.local[1]}>",
        ]
        return _with_body(lines, body)

    def _sdp(self) -> str:
        host = self.local[0]
        return (
            f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
            f"m=audio {self.media_port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
            "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
        )


def _branch() -> str:
    return f"z9hG4bK{secrets.token_hex(8)}"


def _with_body(lines: list[str], body: str) -> bytes:
    if body:
        lines.append("Content-Type: application/sdp")
    lines.append(f"Content-Length: {len(body.encode())}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
