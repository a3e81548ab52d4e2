"""Ends of steps after calls, written many at once: all that came while those before them were being written.

Each call pays for round trips to the database only once for all that end with it. Nobody waits for others to come.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import TrunklineError
from trunkline.resources.calls import after
from trunkline.resources.calls.after import Ending
from trunkline.resources.calls.after_webhook import tell
from trunkline.resources.calls.wire import RecordingUrl

AT_ONCE = 64
"""A transaction holds so many calls' work at most."""

Transaction = Callable[[], AbstractAsyncContextManager[AsyncSession]]
_Waiting = tuple[Ending, "asyncio.Future[bool]"]


class Ends:
    """Belongs to the event loop it is used on."""

    def __init__(
        self, transaction: Transaction, recording_url: RecordingUrl, wake: Callable[[], None]
    ) -> None:
        """`wake` is called when a webhook has been made."""
        self._transaction = transaction
        self._recording_url = recording_url
        self._wake = wake
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, ending: Ending) -> bool:
        """Whether the step was still ours; then its end is written, and the call told of where it was the last.

        Raises what its own writing came to: another's that fails beside it changes nothing for it.
        """
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((ending, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all(), name="ends of steps written")
        return await written

    async def _write_all(self) -> None:
        while self._waiting:
            batch = self._taken()
            try:
                await self._settle(batch)
            except BaseException:
                for _, written in (*batch, *self._waiting):
                    written.cancel()
                raise

    def _taken(self) -> list[_Waiting]:
        """Those that have waited longest, one of each call: of two steps the second has to see the first."""
        batch: dict[UUID, _Waiting] = {}
        rest: list[_Waiting] = []
        for each in self._waiting:
            call_id = each[0].taken.call_id
            if call_id in batch or len(batch) == AT_ONCE:
                rest.append(each)
            else:
                batch[call_id] = each
        self._waiting = rest
        return list(batch.values())

    async def _settle(self, batch: Sequence[_Waiting]) -> None:
        try:
            ours = await self._write([ending for ending, _ in batch])
        except Exception as error:  # noqa: BLE001 - it is handed to those who wait
            if len(batch) > 1 and not isinstance(error, TrunklineError):  # one of them cannot be written
                for each in batch:
                    await self._settle([each])
                return
            for _, written in batch:
                if not written.done():
                    written.set_exception(error)
        else:
            for ending, written in batch:
                if not written.done():
                    written.set_result(ending.taken.call_id in ours)

    async def _write(self, endings: Sequence[Ending]) -> set[UUID]:
        async with self._transaction() as session:
            ours = await after.end(session, endings)
            made = await tell(session, ours, self._recording_url) if ours else 0
        if made:
            self._wake()
        return set(ours)
