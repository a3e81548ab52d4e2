"""The in-tree twin of the SIP engine: calls come and go over loopback lines, moved by whoever keeps the clock."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

from trunkline.errors import BadInput, DialFailed, Unavailable
from trunkline.voice.lines.line import IncomingCall, IncomingHandler, Trunk
from trunkline.voice.lines.loopback import Impairments, Loopback, LoopbackLine
from trunkline.voice.lines.registration import Heard, Registration, RegistrationState, Standing

Phone = Callable[[LoopbackLine], Awaitable[None]]
"""Someone who can be dialled: given the line that rings, answers it, hangs it up or lets it ring."""


class LoopbackEngine:
    """The twin of the SIP engine: calls come by `call()`, and `dial()` rings who is listed in `phones`."""

    def __init__(self, rate: int = 8000) -> None:
        self.rate = rate
        self.phones: dict[str, Phone] = {}
        """By number or `sip:` address; who is not here cannot be reached."""
        self.registrar: dict[tuple[str, str], str] = {}
        """Passwords of who may register, by domain and username."""
        self.registered: dict[Registration, Heard] = {}
        """What is kept registered."""
        self.calls: list[Loopback] = []
        """Calls that are up or ring, for whoever keeps the clock."""
        self._on_incoming: IncomingHandler | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._ids = count(1)

    async def start(self, on_incoming: IncomingHandler) -> None:
        self._on_incoming = on_incoming

    async def stop(self) -> None:
        self._on_incoming = None
        for joined in self.calls:
            await joined.near.hang_up()
        self.calls.clear()

    def advance(self) -> None:
        """One tick on every call."""
        self.calls = [joined for joined in self.calls if joined.near.closed is None]
        for joined in self.calls:
            joined.advance()

    async def call(
        self,
        dialled: str,
        caller: str = "",
        headers: dict[str, str] | None = None,
        to_near: Impairments | None = None,
        to_far: Impairments | None = None,
        registered: str = "",
    ) -> LoopbackLine:
        """Ring here as `caller`; answers the caller's end, on which `settled` tells that it was answered or refused."""
        if self._on_incoming is None:
            raise Unavailable("The engine is not started.")
        joined = Loopback(self.rate, to_near, to_far)
        self.calls.append(joined)
        call_id = f"loopback-{next(self._ids)}"
        self._later(
            self._on_incoming(
                IncomingCall(dialled, caller, joined.near, call_id, "loopback", headers or {}, registered)
            )
        )
        return joined.far

    async def dial(
        self, target: str, trunk: Trunk | None, headers: dict[str, str], ring_timeout: float
    ) -> LoopbackLine:
        """See `LineEngine.dial`."""
        if self._on_incoming is None:
            raise Unavailable("The engine is not started.")
        if trunk is None and not target.startswith("sip:"):
            raise BadInput(
                "A number can be dialled only through a trunk; bind one to it, or dial a sip: address."
            )
        phone = self.phones.get(target)
        if phone is None:
            raise DialFailed("Nobody is at this address.", "unreachable")
        joined = Loopback(self.rate, inbound=False)
        self.calls.append(joined)
        self._later(phone(joined.far))
        try:
            async with asyncio.timeout(ring_timeout):
                await joined.near.settled.wait()
        except BaseException as error:
            await joined.near.hang_up()
            if isinstance(error, TimeoutError):
                raise DialFailed(f"Nobody answered within {ring_timeout:g} s.", "no_answer") from error
            raise
        if joined.near.closed is not None:
            raise DialFailed("The other side is busy.", "busy", 486)
        return joined.near

    async def register(self, registration: Registration, heard: Heard) -> None:
        """See `Registers.register`."""
        self.registered[registration] = heard
        if self.registrar.get((registration.domain, registration.username)) == registration.password:
            heard(Standing(RegistrationState.REGISTERED))
        else:
            heard(Standing(RegistrationState.FAILED, 403, "Forbidden"))

    async def unregister(self, registration: Registration) -> None:
        """See `Registers.unregister`."""
        self.registered.pop(registration, None)

    def _later(self, work: Awaitable[None]) -> None:
        task = asyncio.create_task(_done(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _done(work: Awaitable[None]) -> None:
    await work
