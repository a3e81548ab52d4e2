"""What a voice host is told about a call before it answers or dials."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.actions.around import Ran, run_before
from trunkline.resources.actions.models import AgentAction
from trunkline.resources.actions.running import Place
from trunkline.resources.actions.work import Means
from trunkline.resources.agents import vocabulary
from trunkline.resources.agents.equipment import Equipment, equipment_of, with_servers
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.profile import profile_of
from trunkline.resources.agents.speech import speech_of, vendor_keys
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.record import Direction
from trunkline.resources.numbers.models import Number
from trunkline.resources.numbers.service import PASSWORD_FIELD
from trunkline.resources.numbers.trunk import trunk
from trunkline.voice.conversation.profile import Medium, Profile
from trunkline.voice.lines.line import Trunk
from trunkline.voice.speech.wanted import Keys, Wanted


class Secrets(Protocol):
    """What is needed of `platform.storage.secrets.SecretBox`."""

    def open(self, workspace_id: UUID, field: str, sealed: bytes) -> str:
        """The text that was sealed for this workspace and field."""
        ...


@dataclass(frozen=True)
class CallPlan:
    """One call as its host holds it."""

    call_id: UUID
    workspace_id: UUID
    agent_id: UUID
    direction: Direction
    profile: Profile
    record: bool
    keep_transcript: bool
    number_from: str
    number_to: str
    target: str | None
    """Whom to dial: a SIP URI, or a number for the trunk. None inbound."""
    trunk: Trunk | None
    headers: dict[str, str]
    """X- headers: of the INVITE that came, or for the one that goes out."""
    speech: Wanted = field(default_factory=Wanted)
    """Whose ears and voice the agent asks for."""
    ring_pause: float | None = None
    """Seconds that an incoming call rings before it is answered; None: as the host likes."""
    equipment: Equipment = field(default_factory=Equipment)
    """What the agent may use."""
    variables: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Those of the call and of the system."""
    timezone: str = vocabulary.DEFAULT_TIMEZONE
    """The agent's."""
    results: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What actions before the call gave."""
    retold: Callable[..., Profile] | None = field(default=None, repr=False)
    """The profile with other variables, and other `equipment`."""
    ran: tuple[Ran, ...] = ()
    """Actions that ran before the call."""
    ask_first: str = ""
    """The address that says, before the call is answered, whether and by whom; "" where nobody is asked."""
    way_out: Trunk | None = None
    """The trunk of our own number, whichever way the call went: transfers go out there."""

    @property
    def other_party(self) -> str:
        """The number or address that the agent talks with."""
        return self.number_from if self.direction is Direction.INBOUND else self.number_to

    @property
    def own_number(self) -> str:
        """Ours."""
        return self.number_to if self.direction is Direction.INBOUND else self.number_from


async def planned_call(
    session: AsyncSession,
    secrets: Secrets,
    call: Call,
    agent: Agent,
    trunk: Trunk | None = None,
    attached: Sequence[AgentAction] | None = None,
) -> CallPlan:
    """The plan of a call with all that its agent has; `attached` as for `equipment_of`. System's session."""
    if call.ended_at is None:  # what was kept of a call that is over was kept by the switch as it stood then
        call.redacts_pii = bool(agent.settings.get("redact_pii"))
    keys = await vendor_keys(session, secrets, call.workspace_id)
    equipment = await equipment_of(session, secrets, agent, call.other_party, attached)
    plan = plan_of(call, agent, trunk, keys, equipment)
    return replace(plan, way_out=trunk or await trunk_of_number(session, secrets, call, plan.own_number))


async def begun(plan: CallPlan, means: Means) -> CallPlan:
    """The plan after the actions that run before the call: the prompt may speak of what they gave."""
    place = Place(plan.workspace_id, plan.agent_id, str(plan.call_id), Medium.CALL, plan.timezone)
    before, equipment = await asyncio.gather(
        run_before(means, place, plan.variables, plan.equipment.actions),
        with_servers(plan.equipment, means),
    )
    if plan.retold is None or (before.variables is None and equipment is plan.equipment):
        return plan
    profile = plan.retold(before.variables or plan.variables, equipment=equipment)
    return replace(plan, profile=profile, equipment=equipment, results=before.results, ran=before.runs)


def plan_of(
    call: Call,
    agent: Agent,
    trunk: Trunk | None,
    keys: Keys | None = None,
    equipment: Equipment | None = None,
) -> CallPlan:
    """The plan of a call with this agent; system variables win over those of the call. `keys`: the workspace's own."""
    direction = Direction(call.direction)
    variables = {**call.variables, **_system_variables(call)}
    retold = partial(
        profile_of,
        agent,
        call.overrides,
        outbound=direction is Direction.OUTBOUND,
        now=datetime.now(UTC),
        equipment=equipment,
    )
    return CallPlan(
        call_id=call.id,
        workspace_id=call.workspace_id,
        agent_id=agent.id,
        direction=direction,
        profile=retold(variables),
        record=agent.is_recording,
        keep_transcript=not agent.settings.get("is_transcript_disabled", False),
        number_from=call.number_from,
        number_to=call.number_to,
        target=call.number_to if direction is Direction.OUTBOUND else None,
        trunk=trunk,
        headers={name: str(value) for name, value in (call.sip_headers or {}).items()},
        speech=speech_of(agent.settings, keys),
        ring_pause=agent.settings.get("ring_pause_seconds"),
        equipment=equipment or Equipment(),
        variables=variables,
        retold=retold,
        timezone=agent.settings.get("timezone") or vocabulary.DEFAULT_TIMEZONE,
    )


def _system_variables(call: Call) -> dict[str, str]:
    """Those that every call has (`holes.SYSTEM`)."""
    return {
        "call_id": str(call.id),
        "user_phone_number": call.other_party,
        "from_phone_number": call.number_from,
        "to_phone_number": call.number_to,
        "twilio_call_sid": _twilio_call_sid(call.sip_headers or {}),
    }


def _twilio_call_sid(headers: Mapping[str, Any]) -> str:
    """Twilio's name for the call, which it puts into its INVITEs; "" for a call that came another way."""
    return next((str(value) for name, value in headers.items() if name.lower() == "x-twilio-callsid"), "")


async def trunk_of_number(session: AsyncSession, secrets: Secrets, call: Call, number: str) -> Trunk | None:
    """Where calls from a number of the call's workspace go out; None when that is nowhere. System's session."""
    mine = Number.workspace_id == call.workspace_id, Number.number == number
    row = (await session.execute(select(Number).where(*mine))).scalar_one_or_none()
    return trunk_of(row, secrets) if row is not None else None


def is_sip_uri(target: str) -> bool:
    """Whether it says by itself where it is reached, without a trunk."""
    return target.lower().startswith(("sip:", "sips:"))


def trunk_of(number: Number, secrets: Secrets) -> Trunk | None:
    """Where calls from `number` go out: its outbound proxy, else its SIP domain; None when it has neither."""
    uri = number.sip_outbound_proxy or number.termination_uri
    if not uri:
        return None
    way_out = trunk(uri)
    sealed = number.trunk_password_encrypted
    return Trunk(
        host=way_out.host,
        transport=way_out.transport or number.sip_transport or "udp",
        username=number.extra.get("sip_auth_username") or number.trunk_username or "",
        password=secrets.open(number.workspace_id, PASSWORD_FIELD, sealed) if sealed else "",
        caller_id=number.number,
    )
