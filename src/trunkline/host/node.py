"""This voice process among the others: registered, heard from every second, drained, removed."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from uuid import UUID

import structlog

from trunkline.errors import TrunklineError, Unavailable
from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 1.0
_PATIENCE_SECONDS = 3.0
"""A heartbeat that takes longer counts as the database being away …"""
_GIVE_UP_SECONDS = 9.0
"""… but only after this it is sent anew: the new connection which that takes would make a slow database slower."""


@dataclass(frozen=True)
class Identity:
    """What the others are told of this process. A new process is a new node."""

    id: UUID
    control_url: str
    sip_address: str
    capacity: int
    """Calls that it admits at once."""


class Node:
    """Keeps the row of this process. `held` names the calls it has; `on_closed` hears of those closed elsewhere."""

    def __init__(
        self,
        database: Database,
        identity: Identity,
        held: Callable[[], Collection[UUID]],
        on_closed: Callable[[UUID], None],
    ) -> None:
        self.identity = identity
        self.reachable = False
        """Whether the last heartbeat reached the database."""
        self._database = database
        self._held = held
        self._on_closed = on_closed
        self._draining = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Register, then be heard from. Raises Unavailable when the database is away."""
        await self._register()
        self.reachable = True
        self._task = asyncio.create_task(self._run(), name="heartbeat")

    async def drain(self) -> None:
        """Offer no more room. While the database is away this is made up for by a later heartbeat."""
        self._draining = True
        if self.reachable:
            await self._beat()

    async def stop(self) -> None:
        """Leave: the row is gone, unless the database is away; then the reaper removes it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), self._database.system() as session:
                await system.remove_nodes(session, [self._id])
        except (Unavailable, TimeoutError):
            log.warning("node_not_removed", node_id=self._id)

    @property
    def _id(self) -> str:
        return str(self.identity.id)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await self._beat()

    async def _register(self) -> None:
        async with self._database.system() as session:
            await system.register_node(
                session,
                self._id,
                role="voice",
                control_url=self.identity.control_url,
                sip_address=self.identity.sip_address,
                capacity=self.identity.capacity,
            )

    async def _beat(self) -> None:
        mine = set(self._held())
        late = asyncio.get_running_loop().call_later(_PATIENCE_SECONDS, self._lost, "no answer yet")
        try:
            async with asyncio.timeout(_GIVE_UP_SECONDS):
                open_here = await self._heard()
        except (TrunklineError, TimeoutError) as error:
            self._lost(str(error))
            return
        finally:
            late.cancel()
        if not self.reachable:
            log.info("database_reached_again")
        self.reachable = True
        for call_id in mine - open_here:
            self._on_closed(call_id)

    def _lost(self, error: str) -> None:
        if self.reachable:
            log.warning("database_not_reached", remedy="calls go on; no new ones are taken", error=error)
        self.reachable = False

    async def _heard(self) -> set[UUID]:
        """Say that we live; the calls that the database thinks are ours and open."""
        async with self._database.system() as session:
            known = await system.heartbeat(session, self._id)
            if known and self._draining:
                await system.drain_node(session, self._id)
            if known:
                return {call.id for call in await system.calls_of(session, [self._id])}
        # Given up by the reaper while we were away: our calls are closed, and we are a new node.
        log.warning("node_was_given_up", node_id=self._id)
        await self._register()
        return set()
