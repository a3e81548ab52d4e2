"""Calls over WebSockets that were announced: each waits for its socket, and then is a call like any other."""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from trunkline.errors import NotFound, Unavailable
from trunkline.host.admission import Admission, Slot
from trunkline.host.holding import Holding, until_stored
from trunkline.platform.telemetry import metrics
from trunkline.resources.calls.plan import CallPlan
from trunkline.resources.media_calls.live import MediaClaims
from trunkline.voice.lines.codecs import Codec, CodecName, codec
from trunkline.voice.lines.framing import FramingName, KeyFraming, PayloadFraming, RtpFraming
from trunkline.voice.lines.websocket import Socket, WebSocketLine, WebSocketLines

log = structlog.get_logger(__name__)

JOIN_SECONDS = 60.0
"""How long a call waits for its socket."""


@dataclass(frozen=True)
class MediaOrder:
    """A call that is about to come over a WebSocket."""

    call_id: UUID
    sid: str
    """What whoever opens the socket has to know."""
    codec: CodecName
    framing: FramingName


@dataclass
class _Waiting:
    order: MediaOrder
    codec: Codec
    slot: Slot
    socket: asyncio.Future[Socket]
    over: asyncio.Event = field(default_factory=asyncio.Event)


class MediaCalls:
    """The announced calls of one voice process. Belongs to the work loop."""

    def __init__(
        self,
        holding: Holding,
        admission: Admission,
        claims: MediaClaims,
        lines: WebSocketLines,
        host: UUID,
        join_seconds: float = JOIN_SECONDS,
    ) -> None:
        self.host = host
        self._holding = holding
        self._admission = admission
        self._claims = claims
        self._lines = lines
        self._join_seconds = join_seconds
        self._waiting: dict[str, _Waiting] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def expect(self, order: MediaOrder) -> None:
        """Wait for the socket of a call that was promised to this host.

        Raises:
            NoFreeSlot: this process has no room after all.
            SetupError: the codec is not here.
        """
        chosen = codec(order.codec)
        slot = self._admission.take()
        waiting = _Waiting(order, chosen, slot, asyncio.get_running_loop().create_future())
        self._waiting[order.sid] = waiting
        task = asyncio.create_task(self._serve(waiting), name=f"media call {order.call_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def join(self, sid: str, socket: Socket) -> None:
        """The socket of a call is open; returns when the call is over. Raises NotFound: nobody waits for this sid."""
        waiting = self._waiting.pop(sid, None)
        if waiting is None or waiting.socket.done():
            raise NotFound("No call waits under this sid; it was opened already, or too late.")
        waiting.socket.set_result(socket)
        await waiting.over.wait()

    def knows(self, sid: str) -> bool:
        """Whether a call waits under this sid."""
        return sid in self._waiting

    def stop_waiting(self) -> None:
        """Give up the calls whose sockets are not open yet."""
        for waiting in self._waiting.values():
            waiting.socket.cancel()

    async def _serve(self, waiting: _Waiting) -> None:
        call_id = waiting.order.call_id
        try:
            with waiting.slot:
                plan = await until_stored(lambda: self._claims.open(call_id, self.host))
                if plan is not None:
                    async with self._holding.accounted(plan):
                        await self._talk(plan, waiting)
        finally:
            self._waiting.pop(waiting.order.sid, None)
            waiting.over.set()

    async def _talk(self, plan: CallPlan, waiting: _Waiting) -> None:
        plan = await self._holding.prepare(plan)
        warming = self._holding.warm(plan)
        try:
            socket = await self._joined(waiting)
            if socket is None:
                metrics.calls_ended.labels("outbound", "not_reached").inc()
                log.info("media_call_not_joined", call_id=str(plan.call_id))
                await until_stored(lambda: self._claims.not_joined(plan.call_id))
                return
            line = self._lines.carry(WebSocketLine(socket, waiting.codec, _framing(waiting)))
            try:
                await line.answer()
            except Unavailable:
                await until_stored(lambda: self._claims.not_joined(plan.call_id))
            else:
                await self._holding.hold(plan, line, waiting.slot)
        finally:
            warming.cancel()

    async def _joined(self, waiting: _Waiting) -> Socket | None:
        """The socket; None when nobody opened it in time, or we were stopped meanwhile."""
        await asyncio.wait({waiting.socket}, timeout=self._join_seconds)
        if waiting.socket.cancelled() or not waiting.socket.done():
            return None
        return waiting.socket.result()


def _framing(waiting: _Waiting) -> KeyFraming:
    if waiting.order.framing is FramingName.PAYLOAD:
        return PayloadFraming()
    return RtpFraming(waiting.codec.payload_type, waiting.codec.clock)
