"""Calls out by the SIP stack: an INVITE, what comes of it, and how it is taken back."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field

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

from trunkline.errors import BadInput, DialFailed, Unavailable
from trunkline.voice.lines import sip_keepalive
from trunkline.voice.lines.line import Trunk
from trunkline.voice.lines.sip_agents import SipAgents
from trunkline.voice.lines.sip_line import SipLine
from trunkline.voice.lines.sip_uri import SipUri

log = structlog.get_logger(__name__)

_NOT_ACCEPTABLE = 488
_PORTS = {"tcp": 5060, "tls": 5061}
"""Where an address names none."""
_CANCEL_WITHIN = 5.0
"""Seconds that taking a call back waits for the other side's first answer."""
_RINGS = frozenset({Event.CALL_RINGING, Event.CALL_PROGRESS})
_ANSWERS = _RINGS | {Event.CALL_ESTABLISHED, Event.CALL_CLOSED}


@dataclass
class _Placed:
    """A call whose INVITE went out."""

    call: Call
    line: SipLine
    rang: bool = False
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    """The other side has answered something."""

    def hear(self, event: StackEvent) -> None:
        self.rang = self.rang or event.event in _RINGS
        if event.event in _ANSWERS:
            self.heard.set()


class SipDialling:
    """Dials for a running stack."""

    def __init__(
        self,
        runtime: Runtime,
        agents: SipAgents,
        line_of: Callable[[Call], SipLine],
        later: Callable[[Coroutine[None, None, None]], None],
    ) -> None:
        """`line_of` makes the line of a call that was begun; `later` does what nobody waits for."""
        self._agents = agents
        self._line_of = line_of
        self._later = later
        self._placing = 0
        self._unclaimed: dict[int, list[StackEvent]] = {}
        runtime.subscribe(self._keep_unclaimed)

    async def dial(
        self, uri: SipUri, trunk: Trunk | None, headers: dict[str, str], ring_timeout: float
    ) -> SipLine:
        """Call an address until it answers; over TLS with SRTP, and with RTP where that is refused.

        Raises like `LineEngine.dial`; cancelling it takes the call back.
        """
        srtp = uri.transport == "tls"
        try:
            line = await self._dial(uri, trunk, headers, ring_timeout, srtp)
        except DialFailed as error:
            if not srtp or error.code != _NOT_ACCEPTABLE:
                raise
            log.warning(
                "srtp_refused", host=uri.host, remedy="let the trunk take SRTP; this call's sound is plain"
            )
            line = await self._dial(uri, trunk, headers, ring_timeout, srtp=False)
        if uri.transport != "udp":
            sip_keepalive.outgoing(uri.port or _PORTS[uri.transport])
        return line

    async def _dial(
        self,
        uri: SipUri,
        trunk: Trunk | None,
        headers: dict[str, str],
        ring_timeout: float,
        srtp: bool,
    ) -> SipLine:
        agent = await self._agents.mouth(trunk, uri.transport, srtp)
        placing = asyncio.create_task(self._place(agent, str(uri), headers))
        try:
            placed = await asyncio.shield(placing)
        except asyncio.CancelledError:
            self._later(self._abandon(placing))
            raise
        try:
            await self._answered(placed, ring_timeout)
            _be_cancelled()
        except asyncio.CancelledError:
            self._later(self._take_back(placed))
            raise
        return placed.line

    async def _place(self, agent: UserAgent, uri: str, headers: dict[str, str]) -> _Placed:
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
        placed = _Placed(call, self._line_of(call))
        call.on(placed.hear)
        # Fast answers may overtake the command's own completion on a busy loop; the call has not seen them.
        for event in self._unclaimed.pop(call.handle, []):
            call._on_stack_event(event)
        if not self._placing:
            self._unclaimed.clear()
        return placed

    async def _answered(self, placed: _Placed, ring_timeout: float) -> None:
        try:
            await placed.call.wait_established(ring_timeout)
            await placed.line.wait_until_up()
        except CallTimeout as error:
            if placed.rang:
                raise DialFailed(f"Nobody answered within {ring_timeout:g} s.", "no_answer") from error
            raise DialFailed(
                f"The other side did not ring within {ring_timeout:g} s; is the trunk's address right?",
                "unreachable",
            ) from error
        except CallFailed as error:
            raise _dial_failed(error) from error
        except Unavailable as error:
            raise DialFailed(str(error), "refused") from error

    async def _abandon(self, placing: asyncio.Task[_Placed]) -> None:
        """The dialler has gone while the INVITE was on its way."""
        with suppress(BadInput, DialFailed):
            await self._take_back(await placing)

    async def _take_back(self, placed: _Placed) -> None:
        """Hang up once the other side has answered something.

        Before that an INVITE cannot be cancelled (RFC 3261, section 9.1): the stack forgets it, and the phone rings on.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(_CANCEL_WITHIN):
                await placed.heard.wait()
        await placed.line.hang_up()

    def _keep_unclaimed(self, event: StackEvent) -> None:
        if self._placing and event.call:
            self._unclaimed.setdefault(event.call, []).append(event)


def _be_cancelled() -> None:
    """Raises CancelledError where this task was to be cancelled.

    The stack waits by `asyncio.wait_for`, which before Python 3.12 forgets a cancellation that comes together with the
    answer (python/cpython#86296): the call taken back would be held.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


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
