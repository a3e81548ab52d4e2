"""Streams of sound on their way from a voice to a line."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import numpy as np

from trunkline.voice.speech.resample import Resampler

_INLINE_SECONDS = 0.25
"""Sound up to this long is resampled on the loop; more goes to a thread."""


async def resampled(
    pieces: AsyncGenerator[bytes, None], source: int, target: int
) -> AsyncGenerator[bytes, None]:
    """The same sound at another rate, pieces as they come."""
    resampler = Resampler(source, target)
    async with aclosing(pieces):
        async for piece in pieces:
            if len(piece) > source * 2 * _INLINE_SECONDS:
                sound = await asyncio.to_thread(resampler.push, piece)
            else:
                sound = resampler.push(piece)
            if sound:
                yield sound
    if tail := resampler.finish():
        yield tail


async def louder(pieces: AsyncGenerator[bytes, None], factor: float) -> AsyncGenerator[bytes, None]:
    """The same sound with its amplitude changed; what would be too loud is clipped. Pieces hold whole samples."""
    async with aclosing(pieces):
        async for piece in pieces:
            scaled = np.frombuffer(piece, "<i2").astype(np.float32) * factor
            yield np.clip(scaled, -32768, 32767).astype("<i2").tobytes()


async def even(pieces: AsyncGenerator[bytes, None], size: int) -> AsyncGenerator[bytes, None]:
    """The same sound in pieces of `size` bytes, the last as long as is left."""
    waiting = bytearray()
    async with aclosing(pieces):
        async for piece in pieces:
            waiting += piece
            while len(waiting) >= size:
                yield bytes(waiting[:size])
                del waiting[:size]
    if waiting:
        yield bytes(waiting)
