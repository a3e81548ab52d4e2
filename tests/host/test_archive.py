"""A recording is kept through a store that goes away for a moment."""

from uuid import uuid4

from tests.host.storm import Gate
from tests.host.storm_clock import run
from tests.host.storm_ledger import MemoryBlobs
from trunkline.host.archive import Archive
from trunkline.host.recorder import RecordingWriter


def test_a_store_that_is_away_when_a_call_ends_costs_no_recording() -> None:
    times = iter([False, True, True, True])  # the last second is taken, then it is away three times

    async def kept() -> float:
        blobs = Gate(MemoryBlobs(), lambda: next(times, False))
        writer = RecordingWriter(blobs)
        recorder = writer.open(uuid4(), uuid4(), 8000)
        for _ in range(10):
            recorder.tick(bytes(320), b"")
        recording = await Archive(blobs, writer).keep(recorder)
        assert recording is not None
        return recording.seconds

    assert run(kept()) == 0.2
