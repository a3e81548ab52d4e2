"""Stereo recording of live calls: the beat notes down, a writer elsewhere makes chunks of a second and stores them."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from trunkline.errors import Unavailable
from trunkline.host.tracks import Beat, Entry, Flushed, Flushing, Tracks
from trunkline.platform.storage.blobs import Blobs
from trunkline.resources.calls.recordings import chunk_key

log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 1.0
UNSTORED_SECONDS = 60
"""Sound of one call kept in memory while the store is away; the oldest second goes first."""
CLOSE_SECONDS = 30.0
"""How long the end of a recording waits for a store that is away."""
RETRY_SECONDS = 0.5


@dataclass
class Recorder:
    """One call's recording as the beat sees it: every method appends to a list and returns.

    In a beat: `flushed` for what the line reports, `flush` when it is told to drop what is queued, then `tick`.
    """

    workspace_id: UUID
    call_id: UUID
    rate: int
    entries: deque[Entry] = field(default_factory=deque)
    """What the writer has not taken yet."""
    tracks: Tracks = field(init=False)
    chunks: deque[tuple[int, bytes]] = field(default_factory=deque)
    """Numbered seconds that are not stored yet."""
    seconds: int = 0
    """Number of the next chunk."""
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever turns entries into chunks and stores them."""

    def __post_init__(self) -> None:
        self.tracks = Tracks(self.rate)

    # ---- beat ----

    def tick(self, frame: bytes | None, written: bytes) -> None:
        """One beat: the caller's frame (None: lost) and the sound handed to the line."""
        self.entries.append(Beat(frame, written))

    def flush(self) -> None:
        """The line was told to drop what is queued."""
        self.entries.append(Flushing())

    def flushed(self, samples: int) -> None:
        """The line dropped this many samples that it had been handed."""
        self.entries.append(Flushed(samples))

    # ---- writer ----

    def make_chunks(self, last: bool) -> None:
        """Turn what the beat noted into chunks; with `last` also the rest that is no whole second."""
        for pcm in self.tracks.take(self._taken()):
            self._add(pcm)
        if last and (rest := self.tracks.close()):
            self._add(rest)

    def _taken(self) -> Iterator[Entry]:
        with suppress(IndexError):
            while True:
                yield self.entries.popleft()

    def _add(self, pcm: bytes) -> None:
        self.chunks.append((self.seconds, pcm))
        self.seconds += 1
        if len(self.chunks) > UNSTORED_SECONDS:
            lost, _ = self.chunks.popleft()
            log.error("recording_lost_a_second", call_id=str(self.call_id), second=lost)


class RecordingWriter:
    """Stores the recordings of one voice process."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._recorders: dict[UUID, Recorder] = {}
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to store, once a second."""
        self._task = asyncio.create_task(self._run(), name="recording_writer")

    async def stop(self) -> None:
        """Store what there is of recordings that were not closed, and end."""
        assert self._task is not None
        self._stopping.set()
        await self._task
        for recorder in list(self._recorders.values()):
            with suppress(Unavailable):
                await self._write(recorder, last=True)

    def open(self, workspace_id: UUID, call_id: UUID, rate: int) -> Recorder:
        """A recorder for a call, to be ticked by the beat until it is closed."""
        recorder = Recorder(workspace_id, call_id, rate)
        self._recorders[call_id] = recorder
        return recorder

    async def close(self, recorder: Recorder) -> None:
        """Store the rest; afterwards `recordings.join` finds all of it. The beat ticks it no more.

        Raises Unavailable when the store stays away; what it did take is kept.
        """
        self._recorders.pop(recorder.call_id, None)
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                while True:
                    try:
                        return await self._write(recorder, last=True)
                    except Unavailable:
                        await asyncio.sleep(RETRY_SECONDS)
        except TimeoutError:
            raise Unavailable(
                f"The store for recordings stayed away; the last {len(recorder.chunks)} s of call {recorder.call_id} are "
                "lost. Check the disk and TRUNKLINE_BLOBS."
            ) from None

    async def _run(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL_SECONDS):
                    await self._stopping.wait()
            for recorder in list(self._recorders.values()):
                try:
                    await self._write(recorder, last=False)
                except Unavailable as error:
                    log.warning("recording_not_stored", waiting_s=len(recorder.chunks), reason=str(error))
                except Exception:
                    log.exception("recording_failed", call_id=str(recorder.call_id))

    async def _write(self, recorder: Recorder, last: bool) -> None:
        """Store what is whole, with `last` all there is."""
        async with recorder.writing:
            await asyncio.to_thread(recorder.make_chunks, last)
            while recorder.chunks:
                n, pcm = recorder.chunks[0]
                key = chunk_key(recorder.workspace_id, recorder.call_id, n, recorder.rate)
                await self._blobs.put(key, pcm)
                recorder.chunks.popleft()
