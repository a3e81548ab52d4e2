"""The rules of calls."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import BadInput, NoFreeSlot, NotFound
from trunkline.platform.http.totals import Totals
from trunkline.platform.storage import system
from trunkline.platform.work.jobs import defer
from trunkline.resources.agents import vocabulary
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.calls.filters import CallFilter
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.record import Direction
from trunkline.resources.calls.repository import CallRepository
from trunkline.resources.calls.schemas import CallCreate
from trunkline.resources.calls.status import CallStatus
from trunkline.resources.limits import service as limits
from trunkline.resources.numbers.repository import NumberRepository
from trunkline.resources.workspaces.limits import check_concurrency, check_dialling

PLACE_CALL = "place_call"
TELEPHONY = "Telephony"
LIVE = "live"
"""The only campaign type there is."""
_OVERRIDES = ("prompt", "greeting", "external_webhook_url", "lead_email", "lead_timezone")


class Calls:
    """The calls of one workspace, within one transaction."""

    def __init__(self, calls: CallRepository, agents: AgentRepository, workspace_id: UUID) -> None:
        self._calls = calls
        self._agents = agents
        self._workspace = workspace_id

    async def get(self, call_id: str) -> Call:
        """One call. Raises NotFound."""
        call = await self._calls.get(call_id)
        if call is None:
            raise NotFound(f"There is no call {call_id}.")
        return call

    async def page(
        self, wanted: CallFilter, limit: int, offset: int, totals: Totals
    ) -> tuple[Sequence[Call], int]:
        """Calls of a kind, newest first, and how many there are.

        Raises:
            BadInput: the filter names an agent that never was.
        """
        if wanted.agent is not None and await self._agents.get(wanted.agent, deleted=True) is None:
            raise BadInput(f"model_id: there is no agent {wanted.agent}; leave it out for all calls.")
        total = await totals.get((self._workspace, wanted), lambda: self._calls.count(wanted))
        return await self._calls.page(wanted, limit, offset), total


async def place(session: AsyncSession, workspace_id: UUID, body: CallCreate) -> UUID:
    """Accept a call and have it placed: the row, its job and its place among the workspace's calls, all or nothing.

    Raises:
        BadInput: the agent is unknown, or the number to call from is not the agent's.
        NoFreeSlot: no voice process could take it now.
        OverLimit: the workspace has too many calls, or placed too many in this second.
        Conflict: the workspace has used its minutes.
    """
    await check_dialling(session, workspace_id)
    agent = await AgentRepository(session, workspace_id).get(body.model_id)
    if agent is None:
        raise BadInput(f"model_id: there is no agent {body.model_id}.")
    number = await _from(NumberRepository(session, workspace_id), agent, body.from_phone_number)
    if not await system.has_free_slot(session):
        raise NoFreeSlot("No voice process has room for one more call; try again in a few seconds.")
    call = outbound_call(
        agent,
        CallStatus.PENDING,
        number_from=number,
        number_to=body.phone,
        name=body.name,
        variables=body.custom_variables or {},
        overrides=body.model_dump(include=set(_OVERRIDES), exclude_none=True),
    )
    await CallRepository(session, workspace_id).add(call)
    await defer(session, PLACE_CALL, {"call_id": str(call.id), "workspace_id": str(workspace_id)})
    await limits.admit(
        session, workspace_id
    )  # last: it holds up the workspace's other calls until the commit
    await check_concurrency(session, workspace_id)
    return call.id


def outbound_call(
    agent: Agent,
    status: CallStatus,
    *,
    number_from: str,
    number_to: str,
    name: str,
    variables: dict[str, Any],
    overrides: dict[str, Any],
) -> Call:
    """A call that counts among its workspace's concurrent ones; `limits.admit` must let it in."""
    timezone = agent.settings.get("timezone", vocabulary.DEFAULT_TIMEZONE)
    return Call(
        id=uuid4(),
        workspace_id=agent.workspace_id,
        agent_id=agent.id,
        direction=Direction.OUTBOUND,
        status=status,
        name=name,
        other_party=number_to,
        agent_number=number_from,
        number_from=number_from,
        number_to=number_to,
        deployment_type=TELEPHONY,
        campaign_type=LIVE,
        timezone=overrides.get("lead_timezone") or timezone,
        variables=variables,
        overrides=overrides,
        agents_used=[str(agent.id)],
        counted=True,
    )


async def _from(numbers: NumberRepository, agent: Agent, wanted: str | None) -> str:
    if not wanted:
        return agent.phone_number
    own = [number.number for number in await numbers.of_agent(agent.id)]
    if wanted not in own:
        held = ", ".join(own) or "none"
        raise BadInput(
            f"from_phone_number: {wanted} is not one of the agent's numbers ({held}); attach it to the agent first."
        )
    return wanted
