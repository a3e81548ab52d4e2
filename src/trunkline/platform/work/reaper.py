"""Finds hosts that have fallen silent, and has their calls closed.

A host beats by writing the database's time into its row. Silence counts only over time in which the reaper
reached the database itself: when the database was away for all, nobody is dead for that. And a host that is silent is
asked before it is buried: a database that stands still for writers, or a host that has more to do than it can, would
else end calls in which people are talking.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database

SILENT_S = 10.0
"""Longer than a host needs to notice that its beats fail, and to try again."""
LONGEST_LOOK_S = 3.0
"""Between two looks further apart than this, the reaper was away, asleep or cut off: that time counts for nothing."""

Lives = Callable[[str, str], Awaitable[bool]]
"""Asks a node of this id, at its control URL, whether it lives; raises nothing."""

_log = structlog.get_logger(__name__)


class Reaper:
    """To be looked through every second, in one place (`schedules.py`)."""

    def __init__(
        self,
        database: Database,
        bury: Callable[[list[str]], Awaitable[None]],
        lives: Lives,
        *,
        silent_s: float = SILENT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`bury(ids)` closes what these hosts held. When it raises it is called again at the next look."""
        self._database = database
        self._bury = bury
        self._lives = lives
        self._silent_s = silent_s
        self._clock = clock
        self._last_look = float("-inf")
        self._silence: dict[
            str, tuple[datetime, float]
        ] = {}  # node → its last beat, seconds of silence since
        self._spared: set[str] = set()

    async def look(self) -> None:
        """Raises Unavailable when the database is away."""
        async with self._database.system() as session:
            nodes = {node.id: node for node in await system.nodes(session)}
        now = self._clock()
        passed = now - self._last_look
        self._last_look = now
        self._count(
            {node.id: node.seen_at for node in nodes.values()}, passed if passed <= LONGEST_LOOK_S else 0.0
        )
        silent = sorted(node for node, (_, seconds) in self._silence.items() if seconds >= self._silent_s)
        spared = {node for node in silent if await self._lives(node, nodes[node].control_url)}
        if new := spared - self._spared:
            _log.warning("hosts_silent_but_alive", hosts=sorted(new))
        self._spared = spared
        dead = [node for node in silent if node not in spared]
        if not dead:
            return
        _log.warning("hosts_silent", hosts=dead)
        await self._bury(dead)
        async with self._database.system() as session:
            await system.remove_nodes(session, dead)

    def _count(self, beats: dict[str, datetime], passed: float) -> None:
        counted = {}
        for node, beat in beats.items():
            last, silent = self._silence.get(node, (beat, 0.0))
            counted[node] = (beat, silent + passed if beat == last else 0.0)
        self._silence = counted
