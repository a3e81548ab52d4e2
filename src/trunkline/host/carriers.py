"""Calls that WebSocket carriers bring: let in, begun by the carrier's first words, then calls like any other."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from enum import Enum
from hmac import compare_digest
from uuid import UUID

import structlog

from trunkline.errors import NoFreeSlot, NotFound, Unavailable
from trunkline.host.admission import Admission, Slot
from trunkline.host.holding import Holding, until_stored
from trunkline.platform.storage.secrets import SecretBox
from trunkline.platform.telemetry import metrics
from trunkline.resources.calls.plan import CallPlan
from trunkline.resources.carriers import tokens
from trunkline.resources.carriers.live import Arrival, CarrierClaims, Wanted
from trunkline.voice.lines.carrier import Carrier, CarrierLine, Start
from trunkline.voice.lines.twilio import CALL_HEADER, Twilio, signature
from trunkline.voice.lines.websocket import Socket, SocketClosed, WebSocketLines

log = structlog.get_logger(__name__)

START_SECONDS = 10.0
"""How long a stream may take to say what call it is."""
UNREADABLE = 4400
FORBIDDEN = 4403
NOT_FOUND = 4404
FULL = 1013
"""Close codes of a stream that is not carried; the last is "try again later" (RFC 6455's registry)."""
_TOKEN = "token"  # noqa: S105 - the parameter's name
_OURS = (_TOKEN, "from", "to")
"""Parameters that are no variables of the conversation."""


class Proof(Enum):
    """What a handshake shows."""

    GOOD = "good"
    LATER = "later"
    """The token may come with the carrier's first words."""
    NONE = "none"
    WRONG = "wrong"


class CarrierCalls:
    """The carriers' calls of one voice process. Belongs to the work loop."""

    def __init__(
        self,
        holding: Holding,
        admission: Admission,
        claims: CarrierClaims,
        lines: WebSocketLines,
        secrets: SecretBox,
        host: UUID,
        not_ready: Callable[[], str | None],
        base: str | None = None,
    ) -> None:
        """`not_ready`: why no call can be taken now. `base`: the URL before our paths as the outside writes it."""
        self.base = base
        self._holding = holding
        self._admission = admission
        self._claims = claims
        self._lines = lines
        self._secrets = secrets
        self._host = host
        self._not_ready = not_ready

    def no_room(self) -> str | None:
        """Why a call cannot be taken now; None when it can."""
        return self._admission.no_room or self._not_ready()

    async def wanted(self, model_id: str) -> Wanted | None:
        """The agent of this id; None when there is none. Raises Unavailable."""
        return await self._claims.wanted(model_id)

    def proof(
        self, carrier: Carrier, wanted: Wanted, token: str, signed: str | None, urls: Sequence[str]
    ) -> Proof:
        """What a handshake shows: a token, or Twilio's signature for one of the URLs that it may have been sent to."""
        if token:
            return Proof.GOOD if self._knows(carrier, wanted, token) else Proof.WRONG
        if signed is None or not isinstance(carrier, Twilio):
            return Proof.NONE
        if not wanted.twilio_token:
            return Proof.LATER
        signatures = (signature(wanted.twilio_token, url).encode() for url in urls)
        return (
            Proof.GOOD if any(compare_digest(signed.encode(), each) for each in signatures) else Proof.WRONG
        )

    async def serve(self, carrier: Carrier, wanted: Wanted, proof: Proof, socket: Socket) -> None:
        """A stream was opened; returns when its call is over and the socket is closed."""
        code, reason = await self._serve(carrier, wanted, proof, socket)
        if reason:
            metrics.calls_ended.labels("inbound", "refused").inc()
            log.warning("stream_refused", carrier=carrier.name, reason=reason)
        await socket.close(code, reason)

    async def _serve(self, carrier: Carrier, wanted: Wanted, proof: Proof, socket: Socket) -> tuple[int, str]:
        """The code to close with, and why the stream was not carried; "" when it was."""
        with ExitStack() as room:
            slot: Slot | None = None
            if proof is Proof.GOOD:
                if (reason := self.no_room()) is not None:  # others may have come since the door was opened
                    return FULL, reason
                slot = room.enter_context(self._admission.take())
            try:
                async with asyncio.timeout(START_SECONDS):
                    start = await _begun(carrier, socket)
            except SocketClosed:
                return 1000, "the stream was closed before it began"
            except TimeoutError:
                return UNREADABLE, f"no start message within {START_SECONDS:g} s"
            except ValueError as error:
                return UNREADABLE, str(error)[:100]
            if slot is None:
                if not self._knows(carrier, wanted, start.parameters.get(_TOKEN, "")):
                    return FORBIDDEN, "neither a good token nor a signature"
                if (reason := self.no_room()) is not None:
                    return FULL, reason
                slot = room.enter_context(self._admission.take())
            return await self._begin(carrier, wanted, start, slot, socket)

    async def _begin(
        self, carrier: Carrier, wanted: Wanted, start: Start, slot: Slot, socket: Socket
    ) -> tuple[int, str]:
        try:
            async with self._holding.openings:
                plan = await self._claims.open(wanted.agent_id, self._host, _arrival(carrier, start))
        except NotFound as error:
            return NOT_FOUND, str(error)
        except (NoFreeSlot, Unavailable) as error:
            return FULL, str(error)
        async with self._holding.accounted(plan):
            await self._talk(plan, start, slot, socket)
        return 1000, ""

    async def _talk(self, plan: CallPlan, start: Start, slot: Slot, socket: Socket) -> None:
        asked = await self._holding.asked(plan)
        if asked is None:
            metrics.calls_ended.labels("inbound", "refused").inc()
            return
        plan = asked
        plan = await self._holding.prepare(plan)
        line = self._lines.carry(CarrierLine(socket, start.codec, start.framing))
        try:
            await line.answer()
        except Unavailable:
            metrics.calls_ended.labels("inbound", "gave_up").inc()
            await until_stored(lambda: self._holding.live.finish(plan.call_id))
        else:
            await self._holding.hold(plan, line, slot)

    def _knows(self, carrier: Carrier, wanted: Wanted, token: str) -> bool:
        return tokens.is_good(self._secrets, carrier.name, wanted.agent_id, token)


async def _begun(carrier: Carrier, socket: Socket) -> Start:
    while True:
        start = carrier.start(await socket.receive())
        if start is not None:
            return start


def _arrival(carrier: Carrier, start: Start) -> Arrival:
    """The numbers as the carrier tells them, else as its parameters `from` and `to` do; the others are variables."""
    named = {name.lower(): value for name, value in start.parameters.items()}
    variables = {name: value for name, value in start.parameters.items() if name.lower() not in _OURS}
    headers = {CALL_HEADER: start.call_id} if isinstance(carrier, Twilio) else {}
    return Arrival(
        start.call_id,
        start.caller or named.get("from", ""),
        start.dialled or named.get("to", ""),
        variables,
        headers,
    )
