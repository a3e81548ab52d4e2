"""How soon the agent has the caller back after a transfer that failed, on the wire.

Callers ask for a person; who is called in our place refuses, rings on, or picks up and leaves in the middle of the
message. From the last word of that (the 486 or BYE that was sent, the CANCEL that came) to the first voiced packet of
the agent at the caller, over the real platform. The scripted voice answers at once, so what is measured is ours.
"""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from enum import Enum

from benchmarks.figures import Figure, percentile
from benchmarks.stage import Result, Stage, script, stage
from benchmarks.uac import Message
from benchmarks.wire import CueKind, Step, WireLog
from trunkline.voice.scripted.script import Script

_CALLS = 20
"""For each way to fail."""
_HOLD_MS = 16_000
_SECONDS = 60.0
_SPREAD = 0.8
_RING_SECONDS = 5
"""The least that a transfer may be told to ring."""
_TALKS_SECONDS = 1.0
"""How long the person who leaves listens."""


class Manner(Enum):
    """How whoever is called fails to take the caller."""

    REFUSES = "refuses with 486"
    RINGS = "rings on until the time is over"
    LEAVES = "picks up and leaves during the message"


class Desk:
    """Everybody on one UDP port, in a thread of its own for as long as the block runs."""

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.02)
        self.port: int = self._socket.getsockname()[1]
        self.failed_ns: dict[str, int] = {}
        """When it came to nothing, by who was called."""
        self._ringing: dict[str, tuple[Message, tuple[str, int]]] = {}
        self._leaving: list[tuple[float, Message, tuple[str, int]]] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="desk")

    def __enter__(self) -> "Desk":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                datagram, sender = self._socket.recvfrom(65535)
                message = Message.parse(datagram)
                if message is not None and not message.status:
                    self._asked(message, sender)
            now = time.monotonic()
            for due in [each for each in self._leaving if each[0] <= now]:
                self._leaving.remove(due)
                self._leave(due[1], due[2])

    def _asked(self, request: Message, sender: tuple[str, int]) -> None:
        known = request.one("call-id") in self._ringing
        match request.method:
            case "INVITE" if not known:
                self._ringing[request.one("call-id")] = request, sender
                self._invited(request, sender)
            case "CANCEL":
                self.failed_ns.setdefault(_user(request), time.time_ns())
                self._answer(request, sender, "200 OK")
                if known:
                    self._answer(self._ringing[request.one("call-id")][0], sender, "487 Request Terminated")
            case "BYE":
                self._answer(request, sender, "200 OK")
            case _:
                pass

    def _invited(self, invite: Message, sender: tuple[str, int]) -> None:
        match self._manner:
            case Manner.REFUSES:
                self.failed_ns[_user(invite)] = time.time_ns()
                self._answer(invite, sender, "486 Busy Here")
            case Manner.RINGS:
                self._answer(invite, sender, "180 Ringing")
            case Manner.LEAVES:
                self._answer(invite, sender, "200 OK", self._sdp())
                self._leaving.append((time.monotonic() + _TALKS_SECONDS, invite, sender))

    def _leave(self, invite: Message, sender: tuple[str, int]) -> None:
        contact = invite.one("contact").partition("<")[2].partition(">")[0]
        call_id = invite.one("call-id")
        self.failed_ns[_user(invite)] = time.time_ns()
        self._send(
            sender,
            f"BYE {contact} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bKbye{call_id}",
            f"From: {invite.one('to')};tag=desk",
            f"To: {invite.one('from')}",
            f"Call-ID: {call_id}",
            "CSeq: 1 BYE",
            "Max-Forwards: 70",
        )

    def _answer(self, request: Message, sender: tuple[str, int], status: str, body: str = "") -> None:
        to = request.one("to")
        self._send(
            sender,
            f"SIP/2.0 {status}",
            *(f"Via: {via}" for via in request.headers["via"]),
            f"From: {request.one('from')}",
            f"To: {to}" if "tag=" in to else f"To: {to};tag=desk",
            f"Call-ID: {request.one('call-id')}",
            f"CSeq: {request.one('cseq')}",
            f"Contact: <sip:desk@127.0.0.1:{self.port}>",
            *(["Content-Type: application/sdp"] if body else []),
            body=body,
        )

    def _send(self, to: tuple[str, int], *lines: str, body: str = "") -> None:
        head = "\r\n".join((*lines, f"Content-Length: {len(body)}"))
        self._socket.sendto(f"{head}\r\n\r\n{body}".encode(), to)

    def _sdp(self) -> str:
        """Sound goes to the port of discard (RFC 863)."""
        return (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            "m=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
        )


def _user(request: Message) -> str:
    return request.one("to").partition("sip:")[2].partition("@")[0]


def measure() -> Iterator[Figure]:
    """The time over all ways to fail, and those to whom the agent never spoke again."""
    waits: dict[Manner, list[float]] = {}
    lost = 0
    load = ""
    with stage(capacity=2 * _CALLS, providers=_providers()) as it:
        for number, manner in enumerate(Manner):
            with Desk(manner) as desk:
                result = _asked(it, f"+1555040{number}", desk)
                waits[manner] = [*_waits(result.logs, desk)]
                lost += len(result.logs) - len(waits[manner])
                load = result.load
    together = [wait for each in waits.values() for wait in each]
    each = "; ".join(
        f"{manner.value}: p50 {percentile(found, 0.5):.0f}, p95 {percentile(found, 0.95):.0f}"
        for manner, found in waits.items()
    )
    how = f"last word of the failure to the agent's first voiced packet, {len(together)} transfers ({each}); {load}"
    for share in (0.5, 0.95):
        name = f"transfer_failed_agent_back_p{share * 100:.0f}"
        yield Figure(name, percentile(together, share), "ms", "<= 1000", how)
    yield Figure("transfer_failed_agent_never_back", lost, "calls", "<= 0", "callers who heard nothing more")


def _providers() -> Script:
    spoken = script(0, 0, heard=("A person please.",))
    rule = {"pattern": "person", "tools": [{"name": "live_transfer"}], "then": "Can I help you otherwise?"}
    return spoken.changed({"llm": {"rules": [rule]}})


def _asked(it: Stage, number: str, desk: Desk) -> Result:
    """Callers who ask for a person and listen."""
    agent = it.agent(number, recording=False)
    order = {
        "transfer_mode": "warm_transfer",
        "phone": f"sip:{{user_phone_number}}@127.0.0.1:{desk.port}",
        "instructions": "When the caller asks for a person.",
        "initiating_msg": "One moment.",
        "message_to_transfer_target": "A caller has a question about an order that came last week and is not complete.",
        "failed_msg": "Nobody is free just now.",
        "human_detection": False,
        "enable_background_music": False,
        "timeout": _RING_SECONDS,
    }
    api = it.up.api
    made = api.post("/v2/actions", json={"LIVE_TRANSFER": order}).raise_for_status().json()["response"]
    attached = {"model_id": agent, "actions": [made["action_id"]]}
    api.post("/v2/actions/attach", json=attached).raise_for_status()
    steps: Sequence[Step] = [Step(CueKind.AFTER, 300, it.sounds[0]), Step(CueKind.AT, _HOLD_MS)]
    return it.sip(number, [steps] * _CALLS, _SECONDS, _SPREAD)


def _waits(logs: Sequence[WireLog], desk: Desk) -> Iterator[float]:
    """In ms, of those who heard the agent again. The callers' names are by their place in the list."""
    for index, log in enumerate(logs):
        failed = desk.failed_ns.get(f"+1555{index:07d}")
        heard = zip(log.heard.at_ns, log.heard.voiced, strict=True)
        first = next((at for at, voiced in heard if voiced and failed is not None and at > failed), None)
        if failed is not None and first is not None:
            yield (first - failed) / 1e6
