"""The shared client of OpenAI-compatible endpoints."""

import asyncio

from trunkline.voice import endpoint


async def test_the_rehearsal_reaches_nobody_and_ends() -> None:
    async with asyncio.timeout(30):
        await endpoint.rehearse()
