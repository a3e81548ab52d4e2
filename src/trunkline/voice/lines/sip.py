"""The SIP engine: calls in and out over UDP and TCP, by the baresip stack.

Figures, loopback, 20 calls, two cores (milliseconds, p50 / p95). From the wire to `read()`: 11 / 12.3 with the
adaptive jitter buffer from 10 ms that is the default here, 21 / 22.3 from 20 ms, 1.4 / 2.3 with none. The buffer
grows by itself: with 30 ms of jitter put on the wire it lost nothing. From `write()` into an empty ring to the wire:
15.6 / 24.6, the mean wait for the sender's own 20 ms included; each queued millisecond adds one.

What the stack cannot do, and so this engine does not: refuse with another status than 486, send 18x with sound,
tell the address an INVITE came from (an open engine answers anyone: keep a firewall or Kamailio in front), session
timers (RFC 4028), forget a user agent (one is kept for each trunk and caller id, for good), more than about 250
calls at once, or write a public address into SDP that no interface of the machine has.
"""

import asyncio
import socket
from collections.abc import Callable, Coroutine

import structlog
from baresip import (
    Account,
    BaresipError,
    Call,
    CallBusy,
    CallFailed,
    CallTimeout,
    Config,
    Event,
    NoLocalAddressError,
    Runtime,
    StackEvent,
    UserAgent,
)

from trunkline.errors import BadInput, DialFailed, PortTaken, SetupError, Unavailable
from trunkline.voice.lines import sip_uri
from trunkline.voice.lines.line import IncomingCall, IncomingHandler, Trunk
from trunkline.voice.lines.native_log import divert_stderr, quieten
from trunkline.voice.lines.registration import Heard, Registration
from trunkline.voice.lines.sip_line import SipLine
from trunkline.voice.lines.sip_registration import SipRegistrations

log = structlog.get_logger(__name__)

HEADERS = ("To", "From", "P-Asserted-Identity", "X-EI", "X-Agent-Id", "X-Campaign-Id", "X-Call-Id")
"""Headers of an INVITE that the stack hands over; at most 16."""
_STOP_SECONDS = 3.0
_ANY = "0.0.0.0"  # noqa: S104 - compared with, not bound to
_USER = "trunkline"
"""User part of our own address where no trunk gives another."""


class SipEngine:
    """One a process: the stack's state is the process's. Answers on `port`, UDP and TCP."""

    def __init__(
        self,
        bind: str = "127.0.0.1",
        port: int = 5060,
        rtp_ports: str = "20000-29999",
        public_ip: str | None = None,
        codecs: tuple[str, ...] = ("pcmu", "pcma"),
        rtp_timeout: int = 30,
        jitter_ms: tuple[int, int] = (10, 160),
        headers: tuple[str, ...] = (),
    ) -> None:
        """`rtp_timeout`: seconds without a packet after which a call is closed; 0 for never.

        `jitter_ms`: least and most delay of the adaptive jitter buffer; (0, 0) turns it off.
        `headers`: names of further INVITE headers to hand over with an incoming call.
        """
        self.bind = bind
        self.port = port
        self._rtp_ports = _checked_range(rtp_ports)
        self._public_ip = public_ip
        self._codecs = codecs
        self._rtp_timeout = rtp_timeout
        self._jitter_ms = jitter_ms
        self._headers = tuple(dict.fromkeys(HEADERS + headers))
        self._runtime: Runtime | None = None
        self._on_incoming: IncomingHandler | None = None
        self._agents: dict[tuple[Trunk | None, str], UserAgent] = {}
        self._lines: set[SipLine] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._undivert: Callable[[], None] = _nothing
        self._stopping = False
        self._placing = 0
        self._unclaimed: dict[int, list[StackEvent]] = {}
        self._registrations = SipRegistrations(self._registered_agent, codecs)

    async def start(self, on_incoming: IncomingHandler) -> None:
        """Listen; raises PortTaken when another program holds the port, SetupError for what cannot work."""
        require_free(self.bind, self.port)
        quieten()
        runtime, config = Runtime(), self._config()
        try:
            await runtime.start(config)
        except BaresipError as error:
            raise SetupError(
                f"The SIP stack did not start ({error}). One engine a process is all it allows."
            ) from error
        self._runtime, self._on_incoming = runtime, on_incoming
        self._undivert = divert_stderr()
        runtime.subscribe(self._keep_unclaimed)
        for transport in sip_uri.TRANSPORTS:
            # One for each: an INVITE over a transport that has no agent of its own is answered 404.
            await self._agent(None, transport)
        if not _held(self.bind, self.port):
            await self.stop()
            raise SetupError(
                f"The SIP stack could not listen on {self.bind}:{self.port}; is {self.bind} ours?"
            )
        log.info("sip_listening", bind=self.bind, port=self.port, rtp_ports=self._rtp_ports)

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
        agent = await self._agent(trunk, uri.transport)
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

    async def _agent(self, trunk: Trunk | None, transport: str) -> UserAgent:
        """The user agent that speaks for a trunk, made when first needed."""
        runtime = self._running()
        if (agent := self._agents.get((trunk, transport))) is not None:
            return agent
        try:
            agent = await UserAgent.create(runtime, self._account(trunk, transport))
        except ValueError as error:
            raise BadInput(f"The trunk cannot be used: {error}.") from error
        self._agents[(trunk, transport)] = agent
        # Trunk agents too: a call to the user part of their address is theirs before it is the catch-all's.
        agent.on_incoming(lambda call: self._incoming(call, transport))
        return agent

    async def _registered_agent(self, registration: Registration, account: Account) -> UserAgent:
        agent = await UserAgent.create(self._running(), account)
        agent.on_incoming(lambda call: self._incoming(call, registration.transport, registration))
        return agent

    def _running(self) -> Runtime:
        if self._runtime is None or self._stopping:
            raise Unavailable("The SIP engine is not running; start it first, or dial from another host.")
        return self._runtime

    def _account(self, trunk: Trunk | None, transport: str) -> Account:
        # video_codecs=none: otherwise the stack sends a re-INVITE for video after every answer.
        extra: tuple[str, ...] = ("video_codecs=none",)
        if trunk is None:
            return Account(
                _USER,
                self._address(),
                "",
                reg_interval=0,
                transport=transport,
                audio_codecs=self._codecs,
                extra_params=(*extra, "catchall=yes"),
            )
        return Account(
            trunk.caller_id or trunk.username or _USER,
            trunk.host,
            trunk.password,
            reg_interval=0,
            transport=transport,
            audio_codecs=self._codecs,
            auth_user=trunk.username or None,
            extra_params=extra,
        )

    def _address(self) -> str:
        """The address of ours that goes into From and SDP."""
        return self._public_ip or (self.bind if self.bind != _ANY else socket.gethostname())

    def _config(self) -> Config:
        interface = self._public_ip or (None if self.bind == _ANY else self.bind)
        if self._public_ip is not None and not _ours(self._public_ip):
            raise SetupError(
                f"No interface of this machine has the public address {self._public_ip}, and the SIP stack writes only "
                "such addresses into SDP: leave TRUNKLINE_PUBLIC_IP unset and put Kamailio with rtpengine in front."
            )
        least, most = self._jitter_ms
        jitter = f"audio_jitter_buffer_ms {least}-{most}\n" if most else ""
        return Config(
            net_interface=interface,
            max_concurrent_calls=None,
            rtp_timeout=self._rtp_timeout,
            expose_headers=self._headers,
            extra_config_text=(
                f"sip_listen {self.bind}:{self.port}\nrtp_ports {self._rtp_ports}\n"
                f"audio_jitter_buffer_type {'adaptive' if most else 'off'}\n{jitter}"
            ),
        )


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


def require_free(bind: str, port: int) -> None:
    """Raises PortTaken when UDP or TCP on the port is held; the stack itself would only say that it failed."""
    for kind, name in ((socket.SOCK_DGRAM, "UDP"), (socket.SOCK_STREAM, "TCP")):
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


def _held(bind: str, port: int) -> bool:
    try:
        require_free(bind, port)
    except PortTaken:
        return True
    return False


def _ours(address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _checked_range(ports: str) -> str:
    first, _, last = ports.partition("-")
    if not (first.isdigit() and last.isdigit() and 1024 <= int(first) < int(last) <= 65535):
        raise SetupError(f"RTP ports {ports!r} are not a range; set TRUNKLINE_RTP_PORTS like 20000-29999.")
    return ports
