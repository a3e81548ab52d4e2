"""Where recordings go: second by second while a call runs, joined at its end."""

import asyncio
from dataclasses import dataclass

from trunkline.errors import Unavailable
from trunkline.host.recorder import CLOSE_SECONDS, RETRY_SECONDS, Recorder, RecordingWriter
from trunkline.platform.storage.blobs import Blobs
from trunkline.resources.calls import recordings
from trunkline.resources.calls.closing import Recording


@dataclass(frozen=True)
class Archive:
    """The recordings of one voice process."""

    blobs: Blobs
    writer: RecordingWriter

    async def keep(self, recorder: Recorder) -> Recording | None:
        """Store the rest of a call's sound and join it; None when there is none.

        Raises Unavailable when the store stays away.
        """
        await self.writer.close(recorder)
        loop = asyncio.get_running_loop()
        until = loop.time() + CLOSE_SECONDS
        while True:
            try:
                return await recordings.join(self.blobs, recorder.workspace_id, recorder.call_id)
            except Unavailable:
                if loop.time() >= until:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
