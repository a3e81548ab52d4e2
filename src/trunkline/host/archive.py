"""Where recordings go: second by second while a call runs, joined at its end."""

from dataclasses import dataclass

from trunkline.host.recorder import Recorder, RecordingWriter
from trunkline.platform.storage.blobs import Blobs
from trunkline.resources.calls import recordings
from trunkline.resources.calls.closing import Recording


@dataclass(frozen=True)
class Archive:
    """The recordings of one voice process."""

    blobs: Blobs
    writer: RecordingWriter

    async def keep(self, recorder: Recorder) -> Recording | None:
        """Store the rest of a call's sound and join it; None when there is none. Raises Unavailable."""
        await self.writer.close(recorder)
        return await recordings.join(self.blobs, recorder.workspace_id, recorder.call_id)
