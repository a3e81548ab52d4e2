"""Registrations of the SIP engine: a user agent of baresip's each, which refreshes by itself.

Agents cannot be deleted, so one stays for every set of settings that was ever registered here. A later one for the
same address may therefore not get its calls: who is meant is read off the address, not off the agent.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
from baresip import Account, BaresipError, Event, RegistrationError, StackEvent, UserAgent
from baresip.errors import split_status

from trunkline.errors import BadInput
from trunkline.voice.lines import sip_uri
from trunkline.voice.lines.registration import Heard, Registration, RegistrationState, Standing
from trunkline.voice.lines.sip_agents import NO_VIDEO, SRTP_OR_RTP

log = structlog.get_logger(__name__)

_ANSWER_SECONDS = 8.0
"""A registrar that takes longer counts as not there; the stack itself would give it 32."""
_LEAVE_SECONDS = 2.0

Create = Callable[[Registration, Account], Awaitable[UserAgent]]


class SipRegistrations:
    """What the engine keeps registered. `create` makes a user agent whose calls reach the engine."""

    def __init__(self, create: Create, codecs: tuple[str, ...]) -> None:
        self._create = create
        self._codecs = codecs
        self._agents: dict[Registration, UserAgent] = {}
        self._kept: dict[Registration, tuple[Callable[[StackEvent], None], asyncio.Task[None]]] = {}

    def number_of(self, user: str, host: str) -> str:
        """The number whose registration is for this address; "" when none is."""
        for registration in self._kept:
            if (registration.username, registration.host) == (user, host):
                return registration.number
        return ""

    async def register(self, registration: Registration, heard: Heard) -> None:
        """See `Registers.register`."""
        agent = await self._agent(registration)
        self._forget(registration, agent)

        def listen(event: StackEvent) -> None:
            if (standing := _standing(event)) is not None:
                heard(standing)

        agent.on(listen)
        trying = asyncio.create_task(_try(agent, heard), name=f"register {registration.number}")
        self._kept[registration] = listen, trying

    async def unregister(self, registration: Registration) -> None:
        """See `Registers.unregister`."""
        agent = self._agents.get(registration)
        if agent is None or registration not in self._kept:
            return
        self._forget(registration, agent)
        # The agent does nothing for an account that it thinks unregistered, and the stack would go on trying.
        agent._registered = True
        with suppress(RegistrationError, BaresipError):
            await agent.unregister(timeout=_LEAVE_SECONDS)

    async def close(self) -> None:
        """Unregister all."""
        await asyncio.gather(*(self.unregister(registration) for registration in list(self._kept)))

    def _forget(self, registration: Registration, agent: UserAgent) -> None:
        if (kept := self._kept.pop(registration, None)) is not None:
            listen, trying = kept
            agent.off(listen)
            trying.cancel()

    async def _agent(self, registration: Registration) -> UserAgent:
        if (agent := self._agents.get(registration)) is None:
            agent = await self._create(registration, self._account(registration))
            self._agents[registration] = agent
        return agent

    def _account(self, registration: Registration) -> Account:
        if registration.transport not in sip_uri.TRANSPORTS:
            raise BadInput(f"SIP transport {registration.transport!r} is not supported; use udp, tcp or tls.")
        try:
            return Account(
                registration.username,
                registration.domain,
                registration.password,
                registrar=registration.proxy or None,
                reg_interval=registration.expires,
                transport=registration.transport,
                audio_codecs=self._codecs,
                auth_user=registration.auth_username or registration.username,
                extra_params=(NO_VIDEO, SRTP_OR_RTP),
            )
        except ValueError as error:
            raise BadInput(f"The trunk cannot be registered with: {error}.") from error


async def _try(agent: UserAgent, heard: Heard) -> None:
    try:
        await agent.register(timeout=_ANSWER_SECONDS)
    except RegistrationError as error:
        if error.status is None:  # otherwise the event has told it
            reason = error.reason or f"The registrar did not answer within {_ANSWER_SECONDS:g} s."
            heard(Standing(RegistrationState.FAILED, None, reason))
    except BaresipError as error:
        log.warning("registration_not_sent", error=str(error))
        heard(Standing(RegistrationState.FAILED, None, str(error)))


def _standing(event: StackEvent) -> Standing | None:
    if event.event is Event.REGISTER_OK:
        return Standing(RegistrationState.REGISTERED)
    if event.event is Event.REGISTER_FAIL:
        code, words = split_status(event.text or "")
        return Standing(RegistrationState.FAILED, code, words or event.text or "no reason given")
    return None
