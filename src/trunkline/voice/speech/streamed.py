"""A segment that goes to a recogniser while it is spoken, over a connection of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from trunkline.errors import ProviderError, ProviderTimeout


class Transcript:
    """What a recogniser has said of one segment: words that stand, and those that may still change."""

    def __init__(self, on_partial: Callable[[str], None] | None = None) -> None:
        self._settled: list[str] = []
        self._open = ""
        self._on_partial = on_partial

    @property
    def text(self) -> str:
        return " ".join(part for part in (*self._settled, self._open) if part)

    def partial(self, text: str) -> None:
        """Words that may still change, in place of the last such."""
        before, self._open = self.text, text.strip()
        if self._on_partial is not None and self.text != before:
            self._on_partial(self.text)

    def settled(self, text: str) -> None:
        """Words that stand; they take the place of those that might change."""
        self._open = ""
        self._settled.append(text.strip())


Exchange = Callable[[AsyncIterator[bytes], Transcript], Awaitable[None]]
"""Sends the sound until it ends and notes down what comes back; returns when no more will. Raises ProviderError."""


class StreamedHearing:
    """Fulfils Hearing. Sound that comes before the connection stands waits."""

    def __init__(self, exchange: Exchange, on_partial: Callable[[str], None] | None, timeout: float) -> None:
        """`timeout`: seconds from the end of the sound to the last word."""
        self._transcript = Transcript(on_partial)
        self._sound: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._timeout = timeout
        self._work = asyncio.create_task(self._exchange(exchange), name="hear")

    def push(self, pcm: bytes) -> None:
        """Raises ProviderError when the connection is gone already."""
        if self._work.done() and not self._work.cancelled() and (error := self._work.exception()) is not None:
            raise error
        self._sound.put_nowait(pcm)

    async def words(self) -> str:
        if self._work.done():
            await self._work
        return self._transcript.text

    async def finish(self) -> str:
        self._sound.put_nowait(None)
        try:
            async with asyncio.timeout(self._timeout):
                await asyncio.shield(self._work)
        except TimeoutError:
            raise ProviderTimeout("The speech-to-text did not finish in time") from None
        finally:
            self.close()
        return self._transcript.text

    def close(self) -> None:
        if not self._work.done():
            self._work.cancel()
        elif not self._work.cancelled():
            self._work.exception()  # seen; nobody waits for it any more

    async def _exchange(self, exchange: Exchange) -> None:
        await exchange(self._pieces(), self._transcript)

    async def _pieces(self) -> AsyncIterator[bytes]:
        """What has come in, as few pieces as there can be, until the end of the segment."""
        while (piece := await self._sound.get()) is not None:
            pieces = [piece]
            while not self._sound.empty():
                if (more := self._sound.get_nowait()) is None:
                    yield b"".join(pieces)
                    return
                pieces.append(more)
            yield b"".join(pieces)


def ended_early(what: str) -> ProviderError:
    """For a connection that closed before the last words."""
    return ProviderError(f"{what} closed the connection before the last words")
