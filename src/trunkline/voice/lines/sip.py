"""The SIP engine: calls in and out over UDP, TCP and TLS, by the baresip stack.

Figures, loopback, 20 calls, two cores (milliseconds, p50 / p95). From the wire to `read()`: 11 / 12.3 with the
adaptive jitter buffer from 10 ms that is the default here, 21 / 22.3 from 20 ms, 1.4 / 2.3 with none. The buffer
grows by itself: with 30 ms of jitter put on the wire it lost nothing. From `write()` into an empty ring to the wire:
15.6 / 24.6, the mean wait for the sender's own 20 ms included; each queued millisecond adds one.

What the stack cannot do, and so this engine does not: refuse with another status than 486, send 18x with sound,
tell the address an INVITE came from (an open engine answers anyone: keep a firewall or Kamailio in front), session
timers (RFC 4028), forget a user agent (those of each trunk and caller id are kept for good), more than about 250
calls at once, or write a public address into SDP that no interface of the machine has. Decision 5 has the whole list.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from dataclasses import dataclass

import structlog
from baresip import BaresipError, Call, Event, Runtime

from trunkline.errors import BadInput, SetupError, Unavailable
from trunkline.voice.lines import sip_config, sip_keepalive, sip_uri
from trunkline.voice.lines.line import IncomingCall, IncomingHandler, Trunk
from trunkline.voice.lines.native_log import divert_stderr, quieten
from trunkline.voice.lines.registration import Heard, Registration
from trunkline.voice.lines.sip_agents import SipAgents
from trunkline.voice.lines.sip_config import Certificate, Listening
from trunkline.voice.lines.sip_dialling import SipDialling
from trunkline.voice.lines.sip_line import SipLine
from trunkline.voice.lines.sip_registration import SipRegistrations

log = structlog.get_logger(__name__)

_STOP_SECONDS = 3.0


class SipEngine:
    """One a process: the stack's state is the process's. Answers on `port` over UDP and TCP, on the next over TLS."""

    def __init__(
        self,
        bind: str = "127.0.0.1",
        port: int = 5060,
        rtp_ports: str = "20000-29999",
        public_ip: str | None = None,
        codecs: tuple[str, ...] = sip_config.CODECS,
        rtp_timeout: int = 30,
        jitter_ms: tuple[int, int] = (10, 160),
        headers: tuple[str, ...] = (),
        certificate: Certificate | None = None,
    ) -> None:
        """`rtp_timeout`: seconds without a packet after which a call is closed; 0 for never.

        `jitter_ms`: least and most delay of the adaptive jitter buffer; (0, 0) turns it off.
        `headers`: names of further INVITE headers to hand over with an incoming call.
        `certificate`: without one nobody can call us over TLS; we can call others.
        """
        self.port = port
        self._listening = Listening(
            bind=bind,
            port=port,
            rtp_ports=sip_config.checked_range(rtp_ports),
            public_ip=public_ip,
            rtp_timeout=rtp_timeout,
            jitter_ms=jitter_ms,
            headers=tuple(dict.fromkeys(sip_config.HEADERS + headers)),
        )
        self._codecs = codecs
        self._certificate = certificate
        self._stack: _Stack | None = None
        self._on_incoming: IncomingHandler | None = None
        self._lines: set[SipLine] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._registrations = SipRegistrations(
            lambda registration, account: self._running().agents.registered(registration, account), codecs
        )

    async def start(self, on_incoming: IncomingHandler) -> None:
        """Listen; raises PortTaken when another program holds the port, SetupError for what cannot work."""
        where = self._listening
        sip_config.require_free(where.bind, where.port)
        if self._certificate is not None:
            self._certificate.check()
            sip_config.require_tls_free(where.bind, where.tls_port)
        # Without a certificate TLS is for calling out, and worth doing without where another process has its port.
        tls = sip_config.tls_free(where.bind, where.tls_port)
        quieten()
        runtime = Runtime()
        with ExitStack() as stack:
            file = None if self._certificate is None else stack.enter_context(self._certificate.joined())
            try:
                await runtime.start(where.config(file, tls))
            except BaresipError as error:
                raise SetupError(
                    f"The SIP stack did not start ({error}). One engine a process is all it allows."
                ) from error
        agents = SipAgents(runtime, where.address, self._codecs, self._incoming)
        dialling = SipDialling(runtime, agents, self._line, self._later)
        self._stack = _Stack(runtime, agents, dialling, tls, divert_stderr())
        self._on_incoming = on_incoming
        for transport in sip_uri.TRANSPORTS if tls else ("udp", "tcp"):
            await agents.catch_all(transport)
        if sip_config.free(where.bind, where.port):
            await self.stop()
            raise SetupError(
                f"The SIP stack could not listen on {where.bind}:{where.port}; is {where.bind} ours?"
            )
        sip_keepalive.incoming(where.port, where.tls_port)
        log.info(
            "sip_listening",
            bind=where.bind,
            port=where.port,
            tls_port=where.tls_port if self._certificate else None,
            rtp_ports=where.rtp_ports,
        )

    async def stop(self) -> None:
        """Refuse what is new, hang up what is left, close. Safe to repeat."""
        self._stopping = True
        running, self._stack = self._stack, None
        if running is None:
            return
        await self._registrations.close()
        drained = asyncio.create_task(running.runtime.drain())
        for line in list(self._lines):
            await line.hang_up()
        try:
            await asyncio.wait_for(drained, _STOP_SECONDS)
        except (TimeoutError, BaresipError) as error:
            log.warning("sip_calls_left", reason=type(error).__name__)
        await running.runtime.close()
        running.undivert()

    async def dial(
        self, target: str, trunk: Trunk | None, headers: dict[str, str], ring_timeout: float
    ) -> SipLine:
        """See `LineEngine.dial`. BadInput for an address, number or header that cannot travel."""
        uri = sip_uri.outbound(target, trunk)
        running = self._running()
        if uri.transport == "tls" and not running.tls:
            raise BadInput(
                f"No call can go out over TLS: TCP port {self._listening.tls_port} is held by another program. "
                "Stop it, or set TRUNKLINE_SIP_PORT."
            )
        return await running.dialling.dial(uri, trunk, headers, ring_timeout)

    async def register(self, registration: Registration, heard: Heard) -> None:
        """See `Registers.register`; calls to the address come in like any other, with the number it is for."""
        await self._registrations.register(registration, heard)

    async def unregister(self, registration: Registration) -> None:
        """See `Registers.unregister`."""
        await self._registrations.unregister(registration)

    # ---- inbound ----

    def _incoming(self, call: Call, transport: str, registration: Registration | None = None) -> None:
        line = self._line(call)
        if self._stopping or self._on_incoming is None:
            self._later(line.hang_up())
            return
        caller = call.headers.get("P-Asserted-Identity") or call.headers.get("From") or call.peer or ""
        to = call.headers.get("To", "")
        dialled = sip_uri.user_of(to)
        number = self._registrations.number_of(dialled, sip_uri.host_of(to))
        if not number and registration is not None:
            number = self._registrations.number_of(registration.username, registration.host)
        self._later(
            self._handle(
                IncomingCall(
                    dialled=dialled,
                    registered=number,
                    caller=sip_uri.user_of(caller),
                    line=line,
                    call_id=line.call_id,
                    transport=transport,
                    headers={
                        name: value for name, value in call.headers.items() if name.lower().startswith("x-")
                    },
                ),
                line,
                self._on_incoming,
            )
        )

    async def _handle(self, incoming: IncomingCall, line: SipLine, handler: IncomingHandler) -> None:
        try:
            await handler(incoming)
        except Exception:
            # Whatever the handler failed on, its caller must not ring for ever.
            log.exception("incoming_call_failed", call_id=incoming.call_id)
            await line.hang_up()

    # ---- both ----

    def _line(self, call: Call) -> SipLine:
        line = SipLine(call)
        self._lines.add(line)
        call.on(lambda event: self._lines.discard(line) if event.event is Event.CALL_CLOSED else None)
        return line

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _running(self) -> "_Stack":
        if self._stack is None or self._stopping:
            raise Unavailable("The SIP engine is not running; start it first, or dial from another host.")
        return self._stack


@dataclass(frozen=True)
class _Stack:
    """baresip while it runs, and what of ours works with it."""

    runtime: Runtime
    agents: SipAgents
    dialling: SipDialling
    tls: bool
    """Can calls go out over TLS?"""
    undivert: Callable[[], None]
    """Gives C's stderr back."""
