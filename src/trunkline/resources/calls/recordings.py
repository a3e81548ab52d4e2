"""Recordings in the blob store: chunks of a second while the call runs, one stereo WAV afterwards.

recordings/<workspace>/<call>/<n:06d>-<rate>.pcm     interleaved s16le, left the caller
recordings/<workspace>/<call>.wav
"""

import re
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import UUID

import structlog

from trunkline.platform.storage.blobs import Blobs
from trunkline.resources.calls.closing import Recording

log = structlog.get_logger(__name__)

_FRAME_BYTES = 4
"""Two channels of 16 bits."""
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_CHUNK = re.compile(r"(?P<n>\d{6})-(?P<rate>\d+)\.pcm")
_MOST_BYTES = 0xFFFFFFFF - _HEADER.size
_PIECE = 1 << 20


@dataclass(frozen=True)
class Chunk:
    """One second of a call, or its last rest."""

    n: int
    rate: int
    key: str


def chunk_key(workspace_id: UUID, call_id: UUID, n: int, rate: int) -> str:
    """Where second `n` of a call lies."""
    return f"{folder(workspace_id, call_id)}/{n:06d}-{rate}.pcm"


def wav_key(workspace_id: UUID, call_id: UUID) -> str:
    """Where the whole recording lies."""
    return f"{folder(workspace_id, call_id)}.wav"


async def join(blobs: Blobs, workspace_id: UUID, call_id: UUID) -> Recording | None:
    """Make one WAV of the chunks and remove them; None when there is neither.

    May be repeated, by whomever: a WAV that is there is whole and stays. A chunk that is missing becomes silence.
    Raises Unavailable when the store cannot be reached; then nothing is lost.
    """
    key = wav_key(workspace_id, call_id)
    chunks = _chunks(await blobs.list(folder(workspace_id, call_id)))
    if not await blobs.exists(key):
        if not chunks:
            return None
        with tempfile.NamedTemporaryFile(prefix="trunkline-", suffix=".wav") as file:
            await _write(blobs, chunks, file)
            file.flush()
            await blobs.put(key, Path(file.name))
    for chunk in chunks:
        await blobs.delete(chunk.key)
    return await _described(blobs, key)


async def _write(blobs: Blobs, chunks: list[Chunk], file: IO[bytes]) -> None:
    """Header and sound, a chunk at a time."""
    rate = chunks[0].rate
    second = rate * _FRAME_BYTES
    file.write(bytes(_HEADER.size))
    size = 0
    for chunk, gap in _with_gaps(chunks):
        pcm = await blobs.get(chunk.key)
        if chunk.rate != rate or size + gap * second + len(pcm) > _MOST_BYTES:
            log.warning("chunk_left_out", key=chunk.key, rate=chunk.rate, expected_rate=rate)
            continue
        if gap:
            log.warning("recording_has_gap", key=chunk.key, seconds=gap)
            for _ in range(gap):
                file.write(bytes(second))
        file.write(pcm)
        size += gap * second + len(pcm)
    file.seek(0)
    file.write(header(rate, size))


def _with_gaps(chunks: list[Chunk]) -> Iterator[tuple[Chunk, int]]:
    """Each chunk with the seconds that are missing before it."""
    expected = 0
    for chunk in chunks:
        yield chunk, chunk.n - expected
        expected = chunk.n + 1


def header(rate: int, size: int) -> bytes:
    """The RIFF/WAVE header of `size` bytes of 16-bit stereo PCM."""
    return _HEADER.pack(
        b"RIFF",
        size + _HEADER.size - 8,
        b"WAVE",
        b"fmt ",
        16,
        1,  # PCM
        2,
        rate,
        rate * _FRAME_BYTES,
        _FRAME_BYTES,
        16,
        b"data",
        size,
    )


async def _described(blobs: Blobs, key: str) -> Recording:
    fields = _HEADER.unpack(await blobs.get(key, 0, _HEADER.size))
    rate, size = fields[7], fields[12]
    return Recording(key, size / _FRAME_BYTES / rate)


def _chunks(keys: list[str]) -> list[Chunk]:
    named = [(_CHUNK.fullmatch(key.rpartition("/")[2]), key) for key in keys]
    found = [Chunk(int(match["n"]), int(match["rate"]), key) for match, key in named if match]
    return sorted(found, key=lambda chunk: chunk.n)


def folder(workspace_id: UUID, call_id: UUID) -> str:
    """Where the pieces of a call's recording lie."""
    return f"recordings/{workspace_id}/{call_id}"
