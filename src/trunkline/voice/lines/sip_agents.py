"""User agents of the SIP stack: who is called at our end (ears), and who calls from it (mouths).

An agent has one notion of SDP for both: one that accepts SRTP would also put keys into its plain offers, and one that
offers nothing but SRTP refuses callers without. So each user has an ear before it gets a mouth; the stack gives an
incoming call to the eldest agent of that user and transport, and to the catch-all when there is none. Agents cannot
be deleted: what was made stays.
"""

from collections.abc import Callable

from baresip import Account, Call, Runtime, UserAgent

from trunkline.errors import BadInput
from trunkline.voice.lines.line import Trunk
from trunkline.voice.lines.registration import Registration

Rings = Callable[[Call, str, Registration | None], None]
"""Told of a call, its transport, and the registration that brought it."""

SRTP_OR_RTP = "mediaenc=srtp"
"""SRTP (SDES) with those who offer it, RTP with the others."""
_SRTP_ONLY = "mediaenc=srtp-mand"
NO_VIDEO = "video_codecs=none"
"""Otherwise the stack sends a re-INVITE for video after every answer."""
_USER = "trunkline"
"""User part of our own address where no trunk gives another."""


class SipAgents:
    """The agents of a running stack."""

    def __init__(self, runtime: Runtime, address: str, codecs: tuple[str, ...], rings: Rings) -> None:
        """`address`: ours, as others are to write it."""
        self._runtime = runtime
        self._address = address
        self._codecs = codecs
        self._rings = rings
        self._ears: set[tuple[str, str]] = set()
        self._mouths: dict[tuple[Trunk | None, str, bool], UserAgent] = {}

    async def catch_all(self, transport: str) -> None:
        """Let every call over a transport ring; without it they are answered 404."""
        await self._ear(_USER, transport, "catchall=yes")

    async def mouth(self, trunk: Trunk | None, transport: str, srtp: bool) -> UserAgent:
        """The agent that calls out through a trunk, made when first needed; with SRTP it offers nothing else.

        Raises BadInput for a trunk whose settings cannot travel.
        """
        if (known := self._mouths.get((trunk, transport, srtp))) is not None:
            return known
        user = _USER if trunk is None else trunk.caller_id or trunk.username or _USER
        try:
            await self._ear(user, transport)
            account = Account(
                user,
                trunk.host if trunk else self._address,
                trunk.password if trunk else "",
                reg_interval=0,
                transport=transport,
                audio_codecs=self._codecs,
                auth_user=trunk.username or None if trunk else None,
                extra_params=(NO_VIDEO, _SRTP_ONLY) if srtp else (NO_VIDEO,),
            )
            agent = await UserAgent.create(self._runtime, account)
        except ValueError as error:
            raise BadInput(f"The trunk cannot be used: {error}.") from error
        self._mouths[(trunk, transport, srtp)] = agent
        return agent

    async def registered(self, registration: Registration, account: Account) -> UserAgent:
        """An agent that registers; calls to it ring with the registration."""
        agent = await UserAgent.create(self._runtime, account)
        agent.on_incoming(lambda call: self._rings(call, registration.transport, registration))
        return agent

    async def _ear(self, user: str, transport: str, *further: str) -> None:
        if (user, transport) in self._ears:
            return
        self._ears.add((user, transport))
        account = Account(
            user,
            self._address,
            "",
            reg_interval=0,
            transport=transport,
            audio_codecs=self._codecs,
            extra_params=(NO_VIDEO, SRTP_OR_RTP, *further),
        )
        agent = await UserAgent.create(self._runtime, account)
        agent.on_incoming(lambda call: self._rings(call, transport, None))
