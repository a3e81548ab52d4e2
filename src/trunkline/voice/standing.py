"""Whether a provider is asked first, or passed over for the next one until it is well again."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import count

import structlog

from trunkline.errors import ProviderError, ProviderRefused

log = structlog.get_logger(__name__)

WAITS = (2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds from a fault to the first probe, and from each probe to the next; the last from then on."""
_PROBE_SECONDS = 10.0


class Standing:
    """One provider's: it falls at a fault and rises when a probe in the background succeeds.

    Belongs to the loop it is used on.
    """

    def __init__(
        self, name: str, probe: Callable[[], Awaitable[None]], waits: Sequence[float] = WAITS
    ) -> None:
        """`probe` asks the provider for something small, and raises what goes wrong."""
        self.name = name
        self.up = True
        self._probe = probe
        self._waits = waits
        self._probing: asyncio.Task[None] | None = None

    def failed(self, error: Exception) -> None:
        """It did not do as asked. Where only the request was wrong it stands as before."""
        log.warning("provider_passed_over", provider=self.name, error=type(error).__name__, was_up=self.up)
        if self.up and not isinstance(error, ProviderRefused):
            self.up = False
            self._probing = asyncio.create_task(self._until_well(), name=f"probe {self.name}")

    async def close(self) -> None:
        """No more probes."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait({self._probing})

    async def _until_well(self) -> None:
        for n in count():
            await asyncio.sleep(self._waits[min(n, len(self._waits) - 1)])
            try:
                async with asyncio.timeout(_PROBE_SECONDS):
                    await self._probe()
            except ProviderRefused:
                break  # it answers, if only to say that it does not like the question
            except (ProviderError, TimeoutError) as error:
                log.info("provider_still_away", provider=self.name, error=type(error).__name__)
            else:
                break
        self.up = True
        log.info("provider_well_again", provider=self.name)
