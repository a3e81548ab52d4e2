"""The measuring caller: many SIP calls with G.711 over RTP from plain sockets, paced by one thread, every packet
written down with its time.

Nothing of the platform and no SIP library is in it, so what it measures is what a caller would notice. Packets
leave on absolute deadlines; arrivals carry the kernel's own timestamps (SO_TIMESTAMPNS), so reading them late does
not make them late. Both are on the clock of `time.time_ns()`.

What a call says is a script of steps, each with a cue: at a time, some silence after the agent has spoken, or in
the middle of the agent's words. A step without sound hangs up.
"""

import heapq
import os
import random
import select
import socket
import struct
import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from benchmarks import mulaw
from benchmarks.uac import Dialog, Message, Phase

FRAME_NS = 20_000_000
GRID_NS = 2_000_000
"""Calls are spread over the 20 ms in steps of this; the thread wakes once a step."""
SO_TIMESTAMPNS = 35
_RTP = struct.Struct("!BBHII")
_TIMESPEC = struct.Struct("qq")


class CueKind(StrEnum):
    """What a step waits for."""

    AT = "at"
    """milliseconds after the call was answered"""
    AFTER = "after"
    """milliseconds of silence after the agent's last voiced packet, once it has spoken since our last step"""
    INTERRUPT = "interrupt"
    """milliseconds after the agent's first voiced packet since our last step"""


@dataclass(frozen=True)
class Step:
    """One thing the caller does: speak `sound` (mu-law at 8 kHz), or hang up when it is None."""

    cue: CueKind
    ms: int
    sound: bytes | None = None


class Packet(NamedTuple):
    """One RTP packet on the wire."""

    at_ns: int
    sent: bool
    """True: the caller's; False: the agent's."""
    voiced: bool
    payload: bytes


@dataclass
class Track:
    """The packets of one direction, as columns: minutes of a hundred calls fit into memory."""

    at_ns: "array[int]" = field(default_factory=lambda: array("q"))
    voiced: bytearray = field(default_factory=bytearray)
    sequence: "array[int]" = field(default_factory=lambda: array("H"))
    payloads: list[bytes] = field(default_factory=list)

    def add(self, at_ns: int, sequence: int, payload: bytes) -> bool:
        """Write a packet down; answers whether it is voiced."""
        loud = payload is not mulaw.SILENCE and mulaw.voiced(payload)
        self.at_ns.append(at_ns)
        self.voiced.append(loud)
        self.sequence.append(sequence & 0xFFFF)
        self.payloads.append(payload)
        return loud

    def __len__(self) -> int:
        return len(self.at_ns)


@dataclass
class WireLog:
    """All that one call sent and received."""

    sent: Track = field(default_factory=Track)
    heard: Track = field(default_factory=Track)
    answered_ns: int = 0
    ended_ns: int = 0
    status: int = 0
    """Final status of the INVITE."""
    ended_by_agent: bool = False
    steps: list[tuple[int, int]] = field(default_factory=list)
    """First and last packet of each step's sound, in ns."""

    def packets(self) -> Iterator[Packet]:
        """Both directions, by time."""
        mine = zip(self.sent.at_ns, self.sent.voiced, self.sent.payloads, strict=True)
        theirs = zip(self.heard.at_ns, self.heard.voiced, self.heard.payloads, strict=True)
        yield from heapq.merge(
            (Packet(at, True, bool(loud), payload) for at, loud, payload in mine),
            (Packet(at, False, bool(loud), payload) for at, loud, payload in theirs),
            key=lambda packet: packet.at_ns,
        )


class Speaker:
    """What one call says, by its script, and the log of both directions."""

    def __init__(self, script: Sequence[Step]) -> None:
        self.log = WireLog()
        self._script = list(script)
        self._speech: list[bytes] = []
        self._spoken = 0
        self._step_ns = 0
        self._agent_began_ns = 0
        self._agent_last_ns = 0

    def next_payload(self, now_ns: int) -> bytes | None:
        """What to send now; None: the script says hang up."""
        if self._spoken < len(self._speech):
            payload = self._speech[self._spoken]
            self._spoken += 1
            if self._spoken == len(self._speech):
                self.log.steps.append((self._step_ns, now_ns))
                self._agent_began_ns = self._agent_last_ns = 0
            return payload
        if not self._script or not self._cued(self._script[0], now_ns):
            return mulaw.SILENCE
        step = self._script.pop(0)
        if step.sound is None:
            return None
        self._speech, self._spoken, self._step_ns = mulaw.packets(step.sound), 0, now_ns
        return self.next_payload(now_ns)

    def _cued(self, step: Step, now_ns: int) -> bool:
        wait_ns = step.ms * 1_000_000
        match step.cue:
            case CueKind.AT:
                return now_ns - self.log.answered_ns >= wait_ns
            case CueKind.AFTER:
                return bool(self._agent_last_ns) and now_ns - self._agent_last_ns >= wait_ns
            case CueKind.INTERRUPT:
                return bool(self._agent_began_ns) and now_ns - self._agent_began_ns >= wait_ns

    def heard(self, at_ns: int) -> None:
        """The agent's voice came in at this time."""
        self._agent_began_ns = self._agent_began_ns or at_ns
        self._agent_last_ns = at_ns


class WireCall(Speaker):
    """One call: its dialog, its RTP socket, its script and its log."""

    def __init__(
        self, dialog: Dialog, rtp: socket.socket, script: Sequence[Step], start_ns: int, ssrc: int
    ) -> None:
        super().__init__(script)
        self.dialog = dialog
        self.rtp = rtp
        self.due_ns = start_ns
        """When the next packet goes out (before the answer: when the INVITE does)."""
        self._ssrc = ssrc
        self._sequence = ssrc & 0x7FFF
        self.invited = False

    @property
    def ended(self) -> bool:
        return self.dialog.phase is Phase.ENDED

    def send(self, now_ns: int, payload: bytes) -> None:
        """One RTP packet to where the agent listens."""
        if self.dialog.media is None:
            return
        self._sequence += 1
        header = _RTP.pack(0x80, 0, self._sequence & 0xFFFF, self._sequence * 160 & 0xFFFFFFFF, self._ssrc)
        self.rtp.sendto(header + payload, self.dialog.media)
        self.log.sent.add(now_ns, self._sequence, payload)

    def drain(self) -> None:
        """Take in what has arrived."""
        while True:
            try:
                data, ancillary, _, _ = self.rtp.recvmsg(2048, 64)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue
            if len(data) < 12 or data[1] & 0x7F:
                continue  # not PCMU: telephone events and the like
            at_ns = _arrival(ancillary) or time.time_ns()
            if self.log.heard.add(at_ns, data[2] << 8 | data[3], data[12:]):
                self.heard(at_ns)


def _arrival(ancillary: list[tuple[int, int, bytes]]) -> int:
    for level, kind, value in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(value)
            return int(seconds) * 1_000_000_000 + int(nanoseconds)
    return 0


class WireCaller:
    """Makes calls, all in the thread that runs `run`. Measured: 120 calls cost well under 70 % of a core."""

    def __init__(self, bind: str = "127.0.0.1", seed: int = 0, core: int | None = None) -> None:
        """`core`: the processor to stay on, so that the platform under measure has the others."""
        if core is not None:
            os.sched_setaffinity(0, {core})
        self._random = random.Random(seed)
        self._bind = bind
        self._sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sip.bind((bind, 0))
        self._sip.setblocking(False)
        self._epoll = select.epoll()
        self._epoll.register(self._sip.fileno(), select.EPOLLIN)
        self._calls: dict[str, WireCall] = {}
        self._by_socket: dict[int, WireCall] = {}
        self.late_ns: array[int] = array("q")
        """How late each packet left, against its deadline."""

    def call(
        self,
        target: str,
        script: Sequence[Step],
        after_s: float = 0.0,
        caller: str = "caller",
        headers: dict[str, str] | None = None,
    ) -> WireCall:
        """Plan a call to `sip:user@host:port`, `after_s` seconds from now."""
        rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        rtp.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        rtp.bind((self._bind, 0))
        rtp.setblocking(False)
        dialog = Dialog(target, self._sip.getsockname(), rtp.getsockname()[1], caller, headers or {})
        start = time.time_ns() + int(after_s * 1e9)
        start += self._random.randrange(FRAME_NS // GRID_NS) * GRID_NS
        call = WireCall(dialog, rtp, script, start // GRID_NS * GRID_NS, self._random.getrandbits(32))
        self._calls[dialog.call_id] = call
        self._by_socket[rtp.fileno()] = call
        self._epoll.register(rtp.fileno(), select.EPOLLIN)
        return call

    def run(self, seconds: float) -> None:
        """Work until every call has ended, or this long; calls that are still up then are hung up."""
        until = time.time_ns() + int(seconds * 1e9)
        self._work(until)
        now = time.time_ns()
        for call in self._open():
            self._end(call, now)
        self._work(now + 2_000_000_000)

    def close(self) -> None:
        """Give the sockets back; safe to repeat."""
        self._epoll.close()
        self._sip.close()
        for call in self._calls.values():
            call.rtp.close()

    def _open(self) -> list[WireCall]:
        return [call for call in self._calls.values() if not call.ended]

    def _work(self, until_ns: int) -> None:
        grid = time.time_ns() // GRID_NS * GRID_NS
        while (now := time.time_ns()) < until_ns and (calls := self._open()):
            for call in calls:
                if call.due_ns <= now:
                    self._advance(call, now)
            self._receive()
            grid = max(grid + GRID_NS, now // GRID_NS * GRID_NS)
            time.sleep(max(0.0, (grid - time.time_ns()) / 1e9))

    def _advance(self, call: WireCall, now_ns: int) -> None:
        """The call's 20 ms have come round."""
        dialog, now = call.dialog, now_ns / 1e9
        if not call.invited:
            call.invited = True
            self._transmit(call, dialog.invite(now))
        for datagram in dialog.due(now):
            self._transmit(call, datagram)
        if dialog.phase is Phase.UP:
            payload = call.next_payload(now_ns)
            if payload is None:
                self._end(call, now_ns)
            else:
                sent_ns = time.time_ns()
                call.send(sent_ns, payload)
                self.late_ns.append(sent_ns - call.due_ns)
        call.due_ns += FRAME_NS
        if call.due_ns < now_ns:
            call.due_ns += (now_ns - call.due_ns) // FRAME_NS * FRAME_NS

    def _end(self, call: WireCall, now_ns: int) -> None:
        match call.dialog.phase:
            case Phase.UP:
                call.log.ended_ns = now_ns
                self._transmit(call, call.dialog.bye(now_ns / 1e9))
            case Phase.RINGING | Phase.CALLING if call.invited:
                self._transmit(call, call.dialog.cancel())
            case Phase.CALLING:
                call.dialog.phase = Phase.ENDED
            case _:
                pass

    def _receive(self) -> None:
        for number, _ in self._epoll.poll(0):
            if number == self._sip.fileno():
                self._signalling()
            else:
                self._by_socket[number].drain()

    def _signalling(self) -> None:
        while True:
            try:
                datagram = self._sip.recv(65535)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue
            message = Message.parse(datagram)
            call = self._calls.get(message.one("call-id")) if message else None
            if message is None or call is None:
                continue
            before, now = call.dialog.phase, time.time_ns()
            for answer in call.dialog.receive(message):
                self._transmit(call, answer)
            self._note(call, before, now)

    def _note(self, call: WireCall, before: Phase, now_ns: int) -> None:
        log, phase = call.log, call.dialog.phase
        if phase is Phase.UP and before is not Phase.UP:
            log.answered_ns, log.status = now_ns, call.dialog.status
            call.due_ns = now_ns // GRID_NS * GRID_NS + call.due_ns % FRAME_NS // GRID_NS * GRID_NS
        if phase is Phase.ENDED and before is not Phase.ENDED:
            log.ended_ns = log.ended_ns or now_ns
            log.status = call.dialog.status
            log.ended_by_agent = call.dialog.ended_by_them

    def _transmit(self, call: WireCall, datagram: bytes) -> None:
        host, _, port = call.dialog.target.partition("@")[2].partition(";")[0].partition(":")
        self._sip.sendto(datagram, (host, int(port or 5060)))
