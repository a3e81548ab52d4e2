"""What others are told once a transaction has committed: NOTIFY in a transaction of its own, many at once.

PostgreSQL takes one lock for all transactions that notify, from before their commit is written to the disk until
after. Where a disk takes 50 ms for that, everybody who notifies within his own transaction waits for everybody else:
measured, 12 calls a second took all ten connections of a voice host for five seconds, and calls were refused. So they
are told afterwards, by a transaction that waits for no disk. What a crash in between loses is found by looking, as
everything that a notification tells of.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import asyncpg
import structlog
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.types import Text

from trunkline.errors import Unavailable

_KEY = "announcements"
_TELL = text(
    "SELECT pg_notify(channel, payload) FROM unnest(:channels, :payloads) AS told(channel, payload)"
).bindparams(bindparam("channels", type_=ARRAY(Text)), bindparam("payloads", type_=ARRAY(Text)))

_log = structlog.get_logger(__name__)


class Announcement(NamedTuple):
    """One NOTIFY."""

    channel: str
    payload: str


def announce(session: AsyncSession, channel: str, payload: str) -> None:
    """Tell whoever listens to `channel`, once the session's transaction has committed."""
    session.info.setdefault(_KEY, []).append(Announcement(channel, payload))


def announced(session: AsyncSession) -> Sequence[Announcement]:
    """What is to be told of this session's transaction."""
    told: list[Announcement] = session.info.get(_KEY, [])
    return told


class Announcer:
    """Tells, in the event loop that it is used in; what comes while it does so goes together in the next round."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._waiting: dict[Announcement, None] = {}
        self._task: asyncio.Task[None] | None = None

    def tell(self, announcements: Sequence[Announcement]) -> None:
        """Returns at once; the same is told once a round."""
        self._waiting.update(dict.fromkeys(announcements))
        if self._waiting and self._task is None:
            self._task = asyncio.create_task(self._run(), name="announcements")

    async def close(self) -> None:
        """Returns when all is told."""
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        try:
            while self._waiting:
                round_, self._waiting = list(self._waiting), {}
                await self._send(round_)
        finally:
            self._task = None

    async def _send(self, announcements: Sequence[Announcement]) -> None:
        channels, payloads = zip(*announcements, strict=True)
        try:
            async with self._engine.begin() as connection:
                await connection.execute(text("SET LOCAL synchronous_commit TO off"))
                await connection.execute(_TELL, {"channels": list(channels), "payloads": list(payloads)})
        except (Unavailable, SQLAlchemyError, asyncpg.PostgresError, OSError, TimeoutError) as error:
            _log.warning("nobody_was_told", announcements=len(announcements), error=type(error).__name__)
