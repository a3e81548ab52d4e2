"""LISTEN/NOTIFY as a tap on the shoulder: "look at this id". Never the truth, never content.

A notification is sent when its transaction has committed (`storage.announcements`), and lost when nobody listens at that
moment. So after every connection the callback is told None: something may have been missed, look yourself.
"""

import asyncio
from collections.abc import Callable

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.platform.storage.announcements import announce
from trunkline.platform.storage.url import conninfo

AGAIN_S = 0.5
_CONNECT_S = 5.0
_PING_S = 5.0

Callback = Callable[[str | None], object]

_log = structlog.get_logger(__name__)


def notify(session: AsyncSession, channel: str, id: str) -> None:
    """Wakes whoever listens to `channel`, when the session's transaction has committed."""
    announce(session, channel, id)


class Wakeups:
    """One connection that listens for this process."""

    def __init__(self, url: str) -> None:
        self._dsn = conninfo(url)
        self._callbacks: dict[str, list[Callback]] = {}

    def listen(self, channel: str, callback: Callback) -> None:
        """`callback(id)` is called in the event loop for every wake-up, `callback(None)` after every connection.

        It must not block. To be called before `run`.
        """
        self._callbacks.setdefault(channel, []).append(callback)

    async def run(self) -> None:
        """Listens until cancelled; connects again whenever the connection is lost."""
        while True:
            try:
                await self._listen()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.warning("wakeups_lost_database", error=type(error).__name__)
                await asyncio.sleep(AGAIN_S)

    async def _listen(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=_CONNECT_S, command_timeout=_CONNECT_S)
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            for channel in self._callbacks:
                await connection.add_listener(channel, self._heard)
            for callbacks in self._callbacks.values():
                _tell(callbacks, None)
            while not lost.is_set():
                try:
                    async with asyncio.timeout(_PING_S):  # wait_for may swallow a cancellation (Python 3.11)
                        await lost.wait()
                except TimeoutError:
                    await connection.execute("SELECT 1")
            raise ConnectionResetError
        finally:
            connection.terminate()

    def _heard(self, _connection: object, _pid: int, channel: str, id: object) -> None:
        _tell(self._callbacks[channel], str(id))


def _tell(callbacks: list[Callback], id: str | None) -> None:
    for callback in callbacks:
        try:
            callback(id)
        except Exception:  # noqa: BLE001 - one bad callback must not deafen the others
            _log.exception("wakeup_callback_failed")
