"""Keeps registered at their trunks the numbers that ask for it: each on one voice process, taken over when that dies."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

import structlog

from trunkline.errors import BadInput, Unavailable
from trunkline.resources.trunks.live import Claim, TrunkClaims
from trunkline.voice.lines.registration import Registers, Registration, RegistrationState, Standing

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0
_AGAIN_SECONDS = 30.0
"""A registration that failed is tried again after this; the stack's own pauses grow to half an hour."""


@dataclass
class _Kept:
    """One registration of this host."""

    registration: Registration | None
    standing: Standing | None = None
    told: bool = True
    """Whether the database knows the standing."""
    tried_at: float = 0.0

    def hear(self, standing: Standing) -> None:
        if standing != self.standing:
            self.standing, self.told = standing, False


class Registrar:
    """The registrations of one voice process. Belongs to the work loop."""

    def __init__(
        self, claims: TrunkClaims, lines: Registers, host: UUID, leaving: Callable[[], bool] = lambda: False
    ) -> None:
        """`leaving`: whether this process wants to keep no more, so that another takes over."""
        self._claims = claims
        self._lines = lines
        self._host = host
        self._leaving = leaving
        self._kept: dict[UUID, _Kept] = {}
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look for what is to be registered."""
        self._task = asyncio.create_task(self._run(), name="registrar")

    async def stop(self) -> None:
        """Take everything back."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        with suppress(Unavailable):
            await self._follow([])

    async def look(self) -> None:
        """Once: take what is free, follow the settings, tell what is new. Raises Unavailable."""
        await self._follow([] if self._leaving() else await self._claims.claim(self._host))
        await self._tell()

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Unavailable:
                pass  # what is registered stays so; the node tells of the database
            except Exception:  # a row that cannot be read must not end the keeping of all the others
                log.exception("registrar_failed")
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._news.wait()
            self._news.clear()

    async def _follow(self, claims: list[Claim]) -> None:
        """Register what is new or changed, take back what is no more wanted."""
        wanted = {claim.number_id: claim for claim in claims}
        for number_id, kept in list(self._kept.items()):
            claim = wanted.get(number_id)
            if claim is None or claim.registration != kept.registration:
                del self._kept[number_id]
                if kept.registration is not None:
                    await self._lines.unregister(kept.registration)
            if claim is None:
                await self._claims.release(self._host, number_id)
        for claim in claims:
            known = self._kept.get(claim.number_id)
            if known is None or _due(known):
                await self._register(claim, known or _Kept(claim.registration))

    async def _register(self, claim: Claim, kept: _Kept) -> None:
        self._kept[claim.number_id] = kept
        kept.tried_at = monotonic()
        if claim.registration is None:
            kept.hear(Standing(RegistrationState.FAILED, None, claim.problem))
            return

        def hear(standing: Standing) -> None:
            kept.hear(standing)
            self._news.set()

        try:
            await self._lines.register(claim.registration, hear)
        except BadInput as error:
            kept.hear(Standing(RegistrationState.FAILED, None, str(error)))

    async def _tell(self) -> None:
        for number_id, kept in list(self._kept.items()):
            standing = kept.standing
            if standing is None or kept.told:
                continue
            await self._claims.report(self._host, number_id, standing)
            kept.told = kept.standing == standing
            log.info(
                "trunk_registration",
                number_id=str(number_id),
                state=standing.state.value,
                code=standing.code,
                reason=standing.reason,
            )


def _due(kept: _Kept) -> bool:
    failed = kept.standing is not None and kept.standing.state is RegistrationState.FAILED
    return failed and monotonic() - kept.tried_at >= _AGAIN_SECONDS
