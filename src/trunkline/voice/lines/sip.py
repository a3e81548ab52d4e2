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

import structlog
from baresip import (
    BaresipError,
    Call,
    CallBusy,
    CallFailed,
    CallTimeout,
    Event,
    NoLocalAddressError,
    Runtime,
    StackEvent,
    UserAgent,
)

from trunkline.errors import BadInput, DialFailed, SetupError, Unavailable
from trunkline.voice.lines import sip_config, sip_uri
from trunkline.voice.lines.line import IncomingCall, IncomingHandler, Trunk
from trunkline.voice.lines.native_log import divert_stderr, quieten
from trunkline.voice.lines.registration import Heard, Registration
from trunkline.voice.lines.sip_agents import SipAgents
from trunkline.voice.lines.sip_config import Certificate, Listening
from trunkline.voice.lines.sip_line import SipLine
from trunkline.voice.lines.sip_registration import SipRegistrations

log = structlog.get_logger(__name__)

_STOP_SECONDS = 3.0
_NOT_ACCEPTABLE = 488


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
        self._runtime: Runtime | None = None
        self._on_incoming: IncomingHandler | None = None
        self._agents: SipAgents | None = None
        self._tls = False
        self._lines: set[SipLine] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._undivert: Callable[[], None] = _nothing
        self._stopping = False
        self._placing = 0
        self._unclaimed: dict[int, list[StackEvent]] = {}
        self._registrations = SipRegistrations(
            lambda registration, account: self._running().registered(registration, account), codecs
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
        self._runtime, self._on_incoming = runtime, on_incoming
        self._undivert = divert_stderr()
        runtime.subscribe(self._keep_unclaimed)
        self._tls = tls
        self._agents = SipAgents(runtime, where.address, self._codecs, self._incoming)
        for transport in sip_uri.TRANSPORTS if tls else ("udp", "tcp"):
            await self._agents.catch_all(transport)
        if sip_config.free(where.bind, where.port):
            await self.stop()
            raise SetupError(
                f"The SIP stack could not listen on {where.bind}:{where.port}; is {where.bind} ours?"
            )
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
        runtime, self._runtime = self._runtime, None
        if runtime is None:
            return
        await self._registrations.close()
        drained = asyncio.create_task(runtime.drain())
        for line in list(self._lines):
            await line.hang_up()
        try:
            await asyncio.wait_for(drained, _STOP_SECONDS)
        except (TimeoutError, BaresipError) as error:
            log.warning("sip_calls_left", reason=type(error).__name__)
        await runtime.close()
        self._undivert()

    async def dial(
        self, target: str, trunk: Trunk | None, headers: dict[str, str], ring_timeout: float
    ) -> SipLine:
        """See `LineEngine.dial`. BadInput for an address, number or header that cannot travel."""
        uri = sip_uri.outbound(target, trunk)
        srtp = uri.transport == "tls"
        if srtp and not self._tls:
            raise BadInput(
                f"No call can go out over TLS: TCP port {self._listening.tls_port} is held by another program. "
                "Stop it, or set TRUNKLINE_SIP_PORT."
            )
        try:
            return await self._dial(uri, trunk, headers, ring_timeout, srtp)
        except DialFailed as error:
            if not srtp or error.code != _NOT_ACCEPTABLE:
                raise
            log.warning(
                "srtp_refused", host=uri.host, remedy="let the trunk take SRTP; this call's sound is plain"
            )
            return await self._dial(uri, trunk, headers, ring_timeout, srtp=False)

    async def _dial(
        self,
        uri: sip_uri.SipUri,
        trunk: Trunk | None,
        headers: dict[str, str],
        ring_timeout: float,
        srtp: bool,
    ) -> SipLine:
        agent = await self._running().mouth(trunk, uri.transport, srtp)
        placing = asyncio.create_task(self._place(agent, str(uri), headers))
        try:
            call, line = await asyncio.shield(placing)
        except asyncio.CancelledError:
            self._later(self._abandon(placing))
            raise
        try:
            await self._answered(call, line, ring_timeout)
        except asyncio.CancelledError:
            self._later(line.hang_up())
            raise
        return line

    async def register(self, registration: Registration, heard: Heard) -> None:
        """See `Registers.register`; calls to the address come in like any other, with the number it is for."""
        await self._registrations.register(registration, heard)

    async def unregister(self, registration: Registration) -> None:
        """See `Registers.unregister`."""
        await self._registrations.unregister(registration)

    # ---- outbound ----

    async def _place(self, agent: UserAgent, uri: str, headers: dict[str, str]) -> tuple[Call, SipLine]:
        self._placing += 1
        try:
            call = await agent.dial(uri, headers)
        except ValueError as error:
            raise BadInput(f"The call cannot be placed: {error}.") from error
        except NoLocalAddressError as error:
            raise DialFailed(f"No interface of this machine leads to {uri}.", "unreachable") from error
        except BaresipError as error:
            raise DialFailed(f"The SIP stack would not dial ({error}).", "unreachable") from error
        finally:
            self._placing -= 1
        line = self._line(call)
        # Fast answers may overtake the command's own completion on a busy loop; the call has not seen them.
        for event in self._unclaimed.pop(call.handle, []):
            call._on_stack_event(event)
        if not self._placing:
            self._unclaimed.clear()
        return call, line

    async def _answered(self, call: Call, line: SipLine, ring_timeout: float) -> None:
        rang = False

        def heard(event: StackEvent) -> None:
            nonlocal rang
            rang = rang or event.event in (Event.CALL_RINGING, Event.CALL_PROGRESS)

        call.on(heard)
        try:
            await call.wait_established(ring_timeout)
            await line.wait_until_up()
        except CallTimeout as error:
            if rang:
                raise DialFailed(f"Nobody answered within {ring_timeout:g} s.", "no_answer") from error
            raise DialFailed(
                f"The other side did not ring within {ring_timeout:g} s; is the trunk's address right?",
                "unreachable",
            ) from error
        except CallFailed as error:
            raise _dial_failed(error) from error
        except Unavailable as error:
            raise DialFailed(str(error), "refused") from error

    async def _abandon(self, placing: "asyncio.Task[tuple[Call, SipLine]]") -> None:
        """The dialler has gone while the INVITE was on its way: take it back."""
        try:
            _, line = await placing
        except (BadInput, DialFailed):
            return
        await line.hang_up()

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

    def _keep_unclaimed(self, event: StackEvent) -> None:
        if self._placing and event.call:
            self._unclaimed.setdefault(event.call, []).append(event)

    def _running(self) -> SipAgents:
        if self._agents is None or self._stopping:
            raise Unavailable("The SIP engine is not running; start it first, or dial from another host.")
        return self._agents


def _nothing() -> None: ...


def _dial_failed(error: CallFailed) -> DialFailed:
    status = error.status
    if isinstance(error, CallBusy) or status in (486, 600):
        return DialFailed("The other side is busy.", "busy", status)
    if status in (408, 480, 487):
        return DialFailed("Nobody answered.", "no_answer", status)
    if status is None or 500 <= status < 600:
        reason = error.reason or "no reason given"
        return DialFailed(
            f"The other side could not be reached ({status or ''} {reason}).", "unreachable", status
        )
    return DialFailed(f"The call was refused ({status} {error.reason}).", "refused", status)
