"""What a voice host asks of the database about a carrier's call. Every method raises Unavailable while that is away."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import NoFreeSlot, NotFound
from trunkline.platform.http.scopes import Scope
from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.agents.hours import is_open
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.live import DRAINING
from trunkline.resources.calls.new import inbound_call
from trunkline.resources.calls.plan import CallPlan, planned_call
from trunkline.resources.calls.status import CallStatus
from trunkline.resources.ids import as_uuid
from trunkline.resources.workspaces.models import Workspace
from trunkline.resources.workspaces.secrets import secret


@dataclass(frozen=True)
class Wanted:
    """The agent that a stream is for."""

    agent_id: UUID
    workspace_id: UUID
    permitted: bool
    """The workspace may take calls."""
    twilio_token: str = field(default="", repr=False)
    """The workspace's auth token at Twilio; "" where it has stored none."""


@dataclass(frozen=True)
class Arrival:
    """What a carrier tells of a call."""

    carrier_call_id: str
    caller: str
    dialled: str
    variables: Mapping[str, str]
    headers: Mapping[str, str]
    """X- headers that the carrier's INVITE would have had."""


class CarrierClaims:
    """The carriers' calls of one voice process."""

    def __init__(self, database: Database, secrets: SecretBox) -> None:
        self._database = database
        self._secrets = secrets

    async def wanted(self, model_id: str) -> Wanted | None:
        """The agent of this id; None when there is none."""
        async with self._database.system() as session:
            agent = await _agent(session, model_id)
            if agent is None:
                return None
            workspace = await session.get_one(Workspace, agent.workspace_id)
            if workspace.deleted_at is not None:
                return None
            twilio = await secret(session, self._secrets, agent.workspace_id, "twilio")
            return Wanted(
                agent.id,
                agent.workspace_id,
                Scope.INBOUND not in workspace.revoked_permissions,
                (twilio or {}).get("auth_token", ""),
            )

    async def open(self, agent_id: UUID, host: UUID, arrival: Arrival) -> CallPlan:
        """Write the call down.

        Raises:
            NotFound: the agent was deleted meanwhile, or takes no calls at this hour.
            NoFreeSlot: the host is draining, or was given up.
        """
        async with self._database.system() as session:
            agent = await _agent(session, str(agent_id))
            if agent is None:
                raise NotFound("The agent was deleted.")
            now = (await session.execute(select(func.now()))).scalar_one()
            if not is_open(agent, now):
                raise NotFound("The agent takes no calls at this hour; its business_hours say when.")
            call = inbound_call(
                agent,
                CallStatus.RINGING,
                number_from=arrival.caller,
                number_to=arrival.dialled,
                variables=dict(arrival.variables),
            )
            call.deployment_type = None
            call.agent_version = str(agent.version)
            call.started_at = call.ringing_at = now
            call.sip_call_id = arrival.carrier_call_id
            call.sip_headers = dict(arrival.headers) or None
            call.host_id = str(host)
            session.add(call)
            await session.flush()
            plan = await planned_call(session, self._secrets, call, agent)
            if not await system.takes_calls(session, str(host)):
                raise NoFreeSlot(DRAINING)
            return replace(plan, ask_first=agent.inbound_call_webhook_url or "")


async def _agent(session: AsyncSession, model_id: str) -> Agent | None:
    id_ = as_uuid(model_id)
    if id_ is None:
        return None
    query = select(Agent).where(Agent.id == id_, Agent.deleted_at.is_(None))
    return (await session.execute(query)).scalar_one_or_none()
