"""From the beat's notes to a WAV in the store."""

import asyncio
import io
import threading
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from trunkline.errors import Unavailable
from trunkline.host import recorder as module
from trunkline.host.recorder import RecordingWriter
from trunkline.platform.storage.blobs import Blobs, memory_blobs
from trunkline.resources.calls.recordings import join

WORKSPACE = uuid4()
RATE = 8000
FRAME = 160


class Shaky:
    """A store whose door can be shut."""

    def __init__(self) -> None:
        self.inner = memory_blobs()
        self.shut = False
        self.asked = asyncio.Semaphore(0)

    async def put(self, key: str, data: bytes | Path) -> None:
        if not self.shut:
            await self.inner.put(key, data)
        self.asked.release()
        if self.shut:
            raise Unavailable("shut")

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


@pytest.fixture
def store() -> Shaky:
    return Shaky()


@pytest.fixture
async def writer(store: Shaky, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RecordingWriter]:
    monkeypatch.setattr(module, "INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    writer = RecordingWriter(store)  # type: ignore[arg-type]  # the rest of the port is the inner store's
    writer.start()
    yield writer
    await writer.stop()


def pcm(value: int, frames: int = 1) -> bytes:
    return np.full(frames * FRAME, value, "<i2").tobytes()


async def tracks(blobs: Blobs, key: str) -> tuple[list[int], list[int]]:
    """Left and right as one value a frame."""
    with wave.open(io.BytesIO(await blobs.get(key))) as file:
        stereo = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, FRAME, 2)
    assert (stereo == stereo[:, :1]).all()
    return stereo[:, 0, 0].tolist(), stereo[:, 0, 1].tolist()


async def test_a_call_of_seconds_loss_and_a_flush_is_one_aligned_recording(
    writer: RecordingWriter, store: Shaky
) -> None:
    recorder = writer.open(WORKSPACE, uuid4(), RATE)

    def beat() -> None:
        for at in range(130):
            if at == 102:
                recorder.flushed(2 * FRAME)
            if at == 101:
                recorder.flush()
            recorder.tick(None if at % 10 == 3 else pcm(at + 1), pcm(500, 4) if at == 99 else b"")

    thread = threading.Thread(target=beat)
    thread.start()
    await asyncio.to_thread(thread.join)
    await writer.close(recorder)
    recording = await join(store.inner, WORKSPACE, recorder.call_id)
    assert recording is not None
    assert recording.seconds == 130 * 0.02
    left, right = await tracks(store.inner, recording.key)
    assert left == [0 if at % 10 == 3 else at + 1 for at in range(130)]
    assert right == [500 if at in (99, 100) else 0 for at in range(130)]


async def test_whole_seconds_are_stored_while_the_call_runs(writer: RecordingWriter, store: Shaky) -> None:
    recorder = writer.open(WORKSPACE, uuid4(), RATE)
    for _ in range(120):
        recorder.tick(pcm(1), b"")
    async with asyncio.timeout(30):
        await store.asked.acquire()
        await store.asked.acquire()
    recording = await join(store.inner, WORKSPACE, recorder.call_id)
    assert recording is not None
    assert recording.seconds == 2, "what another process can save of a host that died now"


async def test_a_store_that_is_away_for_a_while_costs_nothing(writer: RecordingWriter, store: Shaky) -> None:
    store.shut = True
    recorder = writer.open(WORKSPACE, uuid4(), RATE)
    for _ in range(150):
        recorder.tick(pcm(1), b"")
    closing = asyncio.ensure_future(writer.close(recorder))
    async with asyncio.timeout(30):
        for _ in range(3):
            await store.asked.acquire()
    store.shut = False
    await closing
    recording = await join(store.inner, WORKSPACE, recorder.call_id)
    assert recording is not None
    assert recording.seconds == 3


async def test_a_store_that_stays_away_is_told(
    writer: RecordingWriter, store: Shaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.05)
    store.shut = True
    recorder = writer.open(WORKSPACE, uuid4(), RATE)
    recorder.tick(pcm(1), b"")
    with pytest.raises(Unavailable, match="last 1 s of call"):
        await writer.close(recorder)


async def test_memory_is_bounded_and_what_is_lost_is_silence_in_its_place(
    writer: RecordingWriter, store: Shaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNSTORED_SECONDS", 2)
    store.shut = True
    recorder = writer.open(WORKSPACE, uuid4(), RATE)
    for at in range(200):
        recorder.tick(pcm(at // 50 + 1), b"")
    closing = asyncio.ensure_future(writer.close(recorder))
    async with asyncio.timeout(30):
        await store.asked.acquire()
    store.shut = False
    await closing
    recording = await join(store.inner, WORKSPACE, recorder.call_id)
    assert recording is not None
    left, _ = await tracks(store.inner, recording.key)
    assert left == [0] * 100 + [3] * 50 + [4] * 50


async def test_stopping_stores_the_rest_of_open_recordings(store: Shaky) -> None:
    writer = RecordingWriter(store)  # type: ignore[arg-type]
    writer.start()
    recorder = writer.open(WORKSPACE, uuid4(), RATE)
    recorder.tick(pcm(1), b"")
    await writer.stop()
    assert len(await store.inner.list("recordings")) == 1
