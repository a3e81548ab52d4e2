"""How long providers may take, and waiting no longer than that."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import TypeVar

from trunkline.errors import ProviderTimeout

T = TypeVar("T")


@dataclass(frozen=True)
class Budgets:
    """Seconds of real time after which a provider counts as failed. 0.1 s of patience too much is heard as silence,
    0.1 s too little as an apology; the session's own deadlines (`thinking_deadline`) are shorter and kinder."""

    words: float = 3.0
    """What was heard so far (AskWords)."""
    final_words: float = 6.0
    verdict: float = 1.0
    first_token: float = 15.0
    next_token: float = 5.0
    reply: float = 60.0
    """A whole reply."""
    first_sound: float = 5.0
    next_sound: float = 4.0
    sentence: float = 30.0
    """A whole sentence."""
    tool: float = 3600.0
    """The last resort: an action's own `failure_timeout` is watched by the session, and a transfer by itself."""
    close: float = 5.0
    """For what was cancelled to end, when a call is closed."""


async def within(seconds: float, answer: Awaitable[T]) -> T:
    """The answer; ProviderTimeout when it is too long in coming."""
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except TimeoutError:
        raise ProviderTimeout(f"no answer within {seconds:g} s") from None


async def paced(stream: AsyncIterator[T], first: float, gap: float, whole: float) -> AsyncGenerator[T, None]:
    """The stream's items; ProviderTimeout when one, or all of them, are too long in coming."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + whole
    budget = first
    try:
        while True:
            budget = min(budget, deadline - loop.time())
            try:
                async with asyncio.timeout(budget):
                    item = await anext(stream)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise ProviderTimeout(f"nothing more came for {budget:.3g} s") from None
            yield item
            budget = gap
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()
