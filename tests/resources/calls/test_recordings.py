"""Chunks become one WAV: to the bit, once, whoever asks."""

import io
import wave
from pathlib import Path
from uuid import uuid4

import pytest

from trunkline.errors import Unavailable
from trunkline.platform.storage.blobs import Blobs, memory_blobs, open_blobs
from trunkline.resources.calls.recordings import chunk_key, join, wav_key

WORKSPACE, CALL = uuid4(), uuid4()
RATE = 8000


@pytest.fixture(params=["folder", "memory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    return open_blobs(tmp_path / "blobs") if request.param == "folder" else memory_blobs()


def pcm(value: int, seconds: float = 1) -> bytes:
    return bytes([value, 0, value + 1, 0]) * int(seconds * RATE)


async def put(blobs: Blobs, n: int, data: bytes, rate: int = RATE) -> None:
    await blobs.put(chunk_key(WORKSPACE, CALL, n, rate), data)


async def sound(blobs: Blobs) -> bytes:
    with wave.open(io.BytesIO(await blobs.get(wav_key(WORKSPACE, CALL)))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, RATE)
        frames: bytes = file.readframes(file.getnframes())
    return frames


async def test_the_wav_holds_every_bit_of_the_chunks_and_they_are_gone(blobs: Blobs) -> None:
    for n in (1, 0, 2):
        await put(blobs, n, pcm(n + 1, 1 if n < 2 else 0.25))
    recording = await join(blobs, WORKSPACE, CALL)
    assert recording == (wav_key(WORKSPACE, CALL), 2.25)
    assert await sound(blobs) == pcm(1) + pcm(2) + pcm(3, 0.25)
    assert await blobs.list("recordings") == [wav_key(WORKSPACE, CALL)]


async def test_joining_again_changes_nothing(blobs: Blobs) -> None:
    await put(blobs, 0, pcm(1))
    first = await join(blobs, WORKSPACE, CALL)
    whole = await blobs.get(wav_key(WORKSPACE, CALL))
    assert await join(blobs, WORKSPACE, CALL) == first
    assert await blobs.get(wav_key(WORKSPACE, CALL)) == whole


async def test_a_join_that_died_while_it_removed_chunks_is_not_made_shorter(blobs: Blobs) -> None:
    for n in range(3):
        await put(blobs, n, pcm(n + 1))
    await join(blobs, WORKSPACE, CALL)
    await put(blobs, 2, pcm(3))  # as if it had not been removed yet
    recording = await join(blobs, WORKSPACE, CALL)
    assert recording is not None
    assert recording.seconds == 3
    assert await blobs.list("recordings") == [wav_key(WORKSPACE, CALL)]


async def test_a_second_that_was_never_stored_is_silence(blobs: Blobs) -> None:
    await put(blobs, 1, pcm(1))
    await put(blobs, 4, pcm(2))
    recording = await join(blobs, WORKSPACE, CALL)
    assert recording is not None
    assert recording.seconds == 5
    assert await sound(blobs) == bytes(RATE * 4) + pcm(1) + bytes(RATE * 8) + pcm(2)


async def test_nothing_recorded_is_no_recording(blobs: Blobs) -> None:
    assert await join(blobs, WORKSPACE, CALL) is None
    await blobs.put(chunk_key(WORKSPACE, uuid4(), 0, RATE), pcm(1))
    assert await join(blobs, WORKSPACE, CALL) is None, "another call's chunks"


async def test_a_store_that_fails_on_the_way_loses_no_chunk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = memory_blobs()
    for n in range(2):
        await put(blobs, n, pcm(n + 1))
    keep = blobs.put

    async def away(key: str, data: bytes | Path) -> None:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(blobs, "put", away)
    with pytest.raises(Unavailable):
        await join(blobs, WORKSPACE, CALL)
    monkeypatch.setattr(blobs, "put", keep)
    recording = await join(blobs, WORKSPACE, CALL)
    assert recording is not None
    assert recording.seconds == 2
