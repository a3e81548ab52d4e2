"""Sending what has to arrive: at least once, the same bytes under the same id each time.

A deliverer claims many rows at once and has each for the time of a lease; it sends them side by side over kept
connections and writes outcomes and logs in batches. When it dies, its leases run out and the rows are claimed again,
here or elsewhere. One receiver that is slow or dead takes up its own places only.
"""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from time import monotonic
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import OutboundFailed, OutboundRefused, Unavailable
from trunkline.platform.outbound.client import USER_AGENT, Outbound
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.platform.work.schedules import Schedules
from trunkline.platform.work.wakeups import Wakeups
from trunkline.resources.webhooks import deliveries
from trunkline.resources.webhooks.backoff import Attempt, DeliveryState, next_try
from trunkline.resources.webhooks.deliveries import DELIVERIES, Claimed, Result
from trunkline.resources.webhooks.record import Delivery, record_all
from trunkline.resources.webhooks.signing import Signing, signings_of

WITHIN_S = 15.0
"""What a receiver has for one attempt."""
LEASE_MARGIN_S = 10.0
"""Beyond that, for the outcome to be written."""
AT_ONCE = 256
PER_HOST = 64
PER_FAILING_HOST = 2
FAILING_AFTER = 5
"""Attempts in a row without an answer: from then on a host has few places, until it answers."""
KEPT = timedelta(days=30)
"""How long a delivery can be read and sent again after its end."""
FORGET_EVERY_S = 3600.0
LARGEST_ANSWER = 65_536
"""Bytes of an answer that are read; the rest is nobody's concern."""

_GATHER_S = 0.02
"""Between two claims, and between two writes: many rows in one transaction, for a few milliseconds of each."""
_POLL_S = 0.5
_AGAIN_S = 1.0
_SIGNINGS_KEPT_S = 5.0
"""A rotated secret is in use everywhere after so long."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Sent:
    """An attempt that ended, to be written down."""

    claimed: Claimed
    log: Delivery
    result: Result


class Deliverer:
    """Sends what is due in the whole installation. There may be several; each takes other rows."""

    def __init__(
        self,
        database: Database,
        outbound: Outbound,
        secret_box: SecretBox,
        *,
        within_s: float = WITHIN_S,
        lease_s: float = WITHIN_S + LEASE_MARGIN_S,
        dice: Random | None = None,
    ) -> None:
        self._database = database
        self._outbound = outbound
        self._secrets = secret_box
        self._within_s = within_s
        self._lease = timedelta(seconds=lease_s)
        self._dice = dice or Random()  # noqa: S311 - jitter, no secret
        self._due = asyncio.Event()
        self._ended = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._busy: Counter[str] = Counter()
        self._silent: Counter[str] = Counter()  # host → attempts in a row without an answer
        self._sent: list[_Sent] = []
        self._signings: dict[UUID, tuple[float, Signing]] = {}

    def register(self, wakeups: Wakeups, schedules: Schedules) -> None:
        """Be woken when something is due."""
        wakeups.listen(DELIVERIES, self.wake)
        schedules.every(FORGET_EVERY_S, self.forget_ended)

    def wake(self, _: str | None = None) -> None:
        """Something may be due."""
        self._due.set()

    async def run(self) -> None:
        """Deliver until cancelled; then what is on its way ends, and its outcome is written."""
        writing = asyncio.create_task(self._write_forever(), name="deliveries written")
        try:
            while not writing.done():
                self._due.clear()
                try:
                    await self._send_due()
                except Unavailable as error:
                    _log.warning("deliveries_wait", reason=str(error))
                    await asyncio.sleep(_AGAIN_S)
                except Exception:  # noqa: BLE001 - one workspace's row must not stop everybody's (a secret that does not open)
                    _log.exception("deliveries_fault")
                    await asyncio.sleep(_AGAIN_S)
                await asyncio.sleep(_GATHER_S)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_POLL_S):  # wait_for may swallow a cancellation (Python 3.11)
                        await self._due.wait()
            writing.result()
        finally:
            if self._sending:
                await asyncio.wait(self._sending, timeout=self._within_s)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            with suppress(Unavailable):
                await self._write()

    async def forget_ended(self) -> None:
        """Delete what ended long ago."""
        async with self._database.system() as session:
            await deliveries.forget_ended(session, KEPT)

    async def _send_due(self) -> None:
        room = AT_ONCE - len(self._sending)
        if room <= 0:
            return
        async with self._database.system() as session:
            claimed = await deliveries.claim(session, room, PER_HOST, self._places_taken(), self._lease)
            signings = await self._signings_of({each.workspace_id for each in claimed}, session)
        for each in claimed:
            self._busy[each.host] += 1
            task = asyncio.create_task(self._send(each, signings[each.workspace_id]), name=str(each.id))
            self._sending.add(task)
            task.add_done_callback(self._sent_or_failed)

    def _places_taken(self) -> dict[str, int]:
        """Of each host; one that does not answer has all but a few of its places taken."""
        kept_back = PER_HOST - PER_FAILING_HOST
        failing = {host: kept_back for host, silent in self._silent.items() if silent >= FAILING_AFTER}
        return {host: self._busy[host] + failing.get(host, 0) for host in self._busy.keys() | failing}

    async def _signings_of(self, workspaces: set[UUID], session: AsyncSession) -> dict[UUID, Signing]:
        now = monotonic()
        self._signings = {
            each: (read_at, signing)
            for each, (read_at, signing) in self._signings.items()
            if now - read_at < _SIGNINGS_KEPT_S
        }
        if unknown := workspaces - self._signings.keys():
            found = await signings_of(session, self._secrets, unknown)
            self._signings |= {each: (now, signing) for each, signing in found.items()}
        return {each: self._signings[each][1] for each in workspaces}

    async def _send(self, claimed: Claimed, signing: Signing) -> None:
        at = datetime.now(UTC)
        call_id = str(claimed.call_id) if claimed.call_id else ""
        headers = {
            "Content-Type": "application/json",
            **signing.headers(str(claimed.id), at, claimed.body, call_id),
        }
        try:
            attempt = await self._attempt(claimed, headers)
        finally:
            self._left(claimed.host)
        if attempt.answer is None:
            self._silent[claimed.host] += 1
        else:
            self._silent.pop(claimed.host, None)
        self._sent.append(
            _Sent(claimed, _log_of(claimed, headers, at, attempt), self._result(claimed, at, attempt))
        )
        self._ended.set()

    def _sent_or_failed(self, task: asyncio.Task[None]) -> None:
        """What nobody foresaw costs its own delivery a lease, and no other anything."""
        self._sending.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("delivery_attempt_failed", delivery=task.get_name(), exc_info=error)

    def _left(self, host: str) -> None:
        self._busy[host] -= 1
        if not self._busy[host]:
            del self._busy[host]

    async def _attempt(self, claimed: Claimed, headers: dict[str, str]) -> Attempt:
        try:
            return Attempt(
                await self._outbound.send(
                    "POST",
                    claimed.url,
                    headers=headers,
                    content=claimed.body,
                    within=self._within_s,
                    largest=LARGEST_ANSWER,
                    whole=False,
                )
            )
        except (OutboundFailed, OutboundRefused) as error:
            return Attempt(None, error)

    def _result(self, claimed: Claimed, at: datetime, attempt: Attempt) -> Result:
        now = datetime.now(UTC)
        again = None
        if not attempt.delivered:
            number = claimed.attempts - claimed.attempts_before
            again = next_try(attempt, number, now, claimed.give_up_at, self._dice)
        failed = DeliveryState.DEAD if again is None else DeliveryState.PENDING
        return Result(
            id=claimed.id,
            attempts=claimed.attempts,
            state=DeliveryState.DELIVERED if attempt.delivered else failed,
            attempted_at=at,
            due_at=again or now,
            answer_status=attempt.answer.status if attempt.answer else None,
            error=None if attempt.delivered else attempt.told,
        )

    async def _write_forever(self) -> None:
        """Outcomes as they come, many at once: while some are written, the next gather."""
        while True:
            await self._ended.wait()
            self._ended.clear()
            try:
                await self._write()
            except Unavailable as error:
                _log.warning("deliveries_unwritten", count=len(self._sent), reason=str(error))
                await asyncio.sleep(_AGAIN_S)
                self._ended.set()
            self._due.set()
            await asyncio.sleep(_GATHER_S)

    async def _write(self) -> None:
        batch = list(self._sent)
        if not batch:
            return
        async with self._database.system() as session:
            await deliveries.settle(session, [each.result for each in batch])
            await record_all(session, [(each.claimed.workspace_id, each.log) for each in batch])
        del self._sent[: len(batch)]
        for each in batch:
            if each.result.state is DeliveryState.DEAD:
                _log.warning("delivery_dead", delivery=str(each.claimed.id), attempts=each.claimed.attempts)


def _log_of(claimed: Claimed, headers: dict[str, str], at: datetime, attempt: Attempt) -> Delivery:
    return Delivery(
        kind="external_webhook",
        method="post",
        url=claimed.url,
        headers={"User-Agent": USER_AGENT, **headers},
        body=claimed.body,
        sent_at=at,
        answer=attempt.answer,
        error=attempt.told if attempt.answer is None else "",
        timed_out=isinstance(attempt.fault, OutboundFailed) and attempt.fault.timed_out,
        attempt=claimed.attempts,
        call_id=claimed.call_id,
        agent_id=claimed.agent_id,
    )
