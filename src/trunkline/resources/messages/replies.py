"""Waiting for somebody's answer: the row is the truth, a notification only says when to look."""

import asyncio
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from trunkline.platform.storage.database import Database
from trunkline.resources.messages.repository import MessageRepository
from trunkline.resources.messages.twilio import Outgoing

RECEIVED = "messages_received"
"""The channel of notifications; what they carry is the workspace's id."""
LOOK_AGAIN = 1.0
"""Seconds after which one looks without having been told: a notification may get lost."""


class Replies:
    """Those of this process who wait. `heard` is for `Wakeups.listen(RECEIVED, …)`."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def heard(self, _id: str | None) -> None:
        """Something came in, or may have."""
        for event in self._waiting:
            event.set()

    async def wait(
        self, database: Database, workspace_id: UUID, message: Outgoing, since: datetime, within: float
    ) -> str | None:
        """The first text from the recipient of `message` after `since`; None when `within` seconds brought none."""
        deadline = asyncio.get_running_loop().time() + within
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            while True:
                event.clear()
                async with database.workspace(workspace_id) as session:
                    found = await MessageRepository(session, workspace_id).reply(
                        message.channel, message.recipient, message.sender, since
                    )
                left = deadline - asyncio.get_running_loop().time()
                if found is not None or left <= 0:
                    return found
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(left, LOOK_AGAIN)):
                        await event.wait()
        finally:
            self._waiting.discard(event)
