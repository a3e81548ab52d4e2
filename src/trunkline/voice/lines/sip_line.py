"""One call of the SIP engine as a `Line`: its signalling as events, and its sound.

Three threads meet here. The beat thread reads, writes, flushes and asks for events; the work loop answers, hangs
up and delivers signalling; baresip's own threads hold the rings, which are safe to use from any thread. What
passes between the first two is a deque and flags that only ever turn one way.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
from baresip import BaresipError, Call, CallStats, Event, StackEvent, StaleHandleError, TransferFailed
from baresip.errors import split_status

from trunkline.errors import Unavailable
from trunkline.voice.conversation.events import ClosedBy, Digit, Held, LineClosed, LineEvent, Resumed
from trunkline.voice.lines.line import Line, LineStats, Referred
from trunkline.voice.lines.sip_sound import SipSound

log = structlog.get_logger(__name__)

_DELAY_MS = 37
"""Measured: 11 in the jitter buffer, 10 until the beat reads (half of 20), 16 until the sender's next 20 ms."""
_RTP_TIMEOUT = "rtp stream error"
"""baresip's own words for a stream on which nothing came for `rtp_timeout`."""
_TRANSFERRED = "Call transfered"
"""baresip's own words for a call that it closed because the other side told a good outcome."""
_SETUP_SECONDS = 5.0
_POLL_SECONDS = 0.002
_REINVITE_SECONDS = 3.0
"""Within these another re-INVITE that is under way is over."""
_REINVITE_PAUSE = 0.05
_AGREE_SECONDS = 1.0
"""A re-INVITE that is refused is not reported; one that is not answered by then is left to itself."""
_KEYS = frozenset("0123456789ABCD*#")


class SipLine:
    """One party on a SIP call."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._events: deque[LineEvent] = deque()
        self._sound = SipSound(call, self._events)
        self._established = asyncio.Event()
        self._agreed = asyncio.Event()
        self._closed: LineClosed | None = None
        self._hanging_up = False
        self._report: CallStats | None = None
        call.on(self._on_stack_event)
        call.on_rtcp(self._on_report)

    @property
    def rate(self) -> int:
        return self._sound.rate

    @property
    def delay_ms(self) -> int:
        return _DELAY_MS

    @property
    def call_id(self) -> str:
        """The SIP Call-ID."""
        return self._call.call_id or ""

    @property
    def closed(self) -> LineClosed | None:
        """How the line ended, once it has."""
        return self._closed

    # ---- beat ----

    def read(self) -> bytes:
        return self._sound.read()

    def write(self, pcm: bytes) -> int:
        return self._sound.write(pcm)

    def queued(self) -> int:
        return self._sound.queued()

    def flush(self) -> None:
        self._sound.flush()

    def events(self) -> list[LineEvent]:
        self._sound.settle()
        happened = []
        while self._events:
            happened.append(self._events.popleft())
        return happened

    # ---- work loop ----

    async def answer(self) -> None:
        """Take the call; raises Unavailable when the caller has gone meanwhile."""
        try:
            await self._call.answer()
        except StaleHandleError:
            raise Unavailable("The caller hung up before the call was answered.") from None
        except BaresipError as error:
            raise Unavailable(f"The SIP stack could not answer the call ({error}).") from error
        await self.wait_until_up()

    async def wait_until_up(self) -> None:
        """Return when sound can flow both ways; raises Unavailable when the line closes instead."""
        try:
            async with asyncio.timeout(_SETUP_SECONDS):
                await self._established.wait()
                while self._closed is None and not self._sound.ready:  # noqa: ASYNC110 - there is no event for it
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            await self.hang_up()
            raise Unavailable(
                f"No audio could be set up within {_SETUP_SECONDS:g} s; does the other side speak G722, PCMU or PCMA?"
            ) from None
        if self._closed is not None:
            raise Unavailable("The other side hung up before sound could flow.")
        self._sound.begin()

    async def hang_up(self) -> None:
        if self._closed is not None:
            return
        self._hanging_up = True
        try:
            await self._call.hangup()
        except BaresipError as error:
            # Gone already, or the stack is going down: LineClosed has come or will never.
            log.debug("hang_up_unneeded", reason=type(error).__name__)

    async def send_digits(self, digits: str) -> None:
        try:
            await self._call.send_dtmf(digits)
        except BaresipError as error:
            raise Unavailable(f"The keys could not be sent ({error}).") from error

    async def hold(self) -> None:
        if not self._call.is_on_hold:
            await self._reinvite(self._call.hold)

    async def resume(self) -> None:
        if self._call.is_on_hold:
            await self._reinvite(self._call.resume)

    async def _reinvite(self, ask: Callable[[], Awaitable[None]]) -> None:
        """Do it as soon as no other re-INVITE is under way; returns when it was answered.

        What is sent before the answer reaches many peers out of order: a REFER would be refused or passed over.
        """
        deadline = asyncio.get_running_loop().time() + _REINVITE_SECONDS
        self._agreed.clear()
        while True:
            try:
                await ask()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_AGREE_SECONDS):
                        await self._agreed.wait()
                return
            except StaleHandleError:
                raise Unavailable("The other side has hung up.") from None
            except BaresipError as error:
                if self._closed is not None or asyncio.get_running_loop().time() > deadline:
                    raise Unavailable(f"The other side could not be put on or off hold ({error}).") from error
            await asyncio.sleep(_REINVITE_PAUSE)

    async def refer(self, target: str, seconds: float) -> Referred:
        try:
            await self._call.transfer(target, timeout=seconds)
        except TransferFailed as failed:
            return Referred(False, failed.reason or str(failed), failed.status)
        except (BaresipError, ValueError) as error:
            return Referred(False, str(error))
        return Referred(True)

    async def replace(self, other: Line, seconds: float) -> Referred:
        if not isinstance(other, SipLine):
            return Referred(False, "Only two SIP calls can be joined by the other sides.")
        try:
            await self.hold()
            await other.hold()
            await self._call.attended_transfer(other._call, timeout=seconds)
        except TransferFailed as failed:
            return Referred(False, failed.reason or str(failed), failed.status)
        except (BaresipError, Unavailable) as error:
            return Referred(False, str(error))
        return Referred(True)

    def stats(self) -> LineStats:
        report = self._call.final_stats or self._report
        if report is None:
            return LineStats()
        return LineStats(
            packets_received=report.rx_packets,
            packets_sent=report.tx_packets,
            # RTCP's own counts stay zero where the other side sends no reports; the jitter buffer sees the gaps.
            packets_lost=max(report.rx_lost, report.jbuf_lost or 0),
            jitter_ms=report.rx_jitter_ms or report.jbuf_jitter_ms,
            round_trip_ms=report.rtt_ms,
        )

    # ---- signalling ----

    def _on_report(self, report: CallStats) -> None:
        self._report = report

    def _on_stack_event(self, event: StackEvent) -> None:
        match event.event:
            case Event.CALL_ESTABLISHED:
                self._established.set()
            case Event.CALL_REMOTE_SDP if event.text == "answer":
                self._agreed.set()
            case Event.CALL_DTMF_START if event.text in _KEYS:
                # The pair START and END would be the whole key, but quick SIP INFO digits come without END.
                self._events.append(Digit(event.text))
            case Event.CALL_HOLD:
                self._events.append(Held())
            case Event.CALL_RESUME:
                self._events.append(Resumed())
            case Event.CALL_CLOSED:
                self._close(event.text or "")
            case _:
                pass

    def _close(self, text: str) -> None:
        code, words = split_status(text)
        if text == _RTP_TIMEOUT:
            closed = LineClosed(ClosedBy.FAULT, "rtp_timeout")
        elif text == _TRANSFERRED:
            closed = LineClosed(ClosedBy.TRANSFER, "transferred")
        elif self._hanging_up:
            closed = LineClosed(ClosedBy.LOCAL, "hung_up", code)
        elif not self._established.is_set():
            closed = LineClosed(ClosedBy.REMOTE, "cancelled" if code is None else words, code)
        else:
            closed = LineClosed(ClosedBy.REMOTE, "hung_up", code)
        self._closed = closed
        self._sound.end()
        self._established.set()
        self._agreed.set()
        self._events.append(closed)
