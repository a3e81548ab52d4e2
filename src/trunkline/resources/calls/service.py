"""The rules of calls."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from trunkline.errors import BadInput, NoFreeSlot, NotFound
from trunkline.platform.http.totals import Totals
from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database
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
from trunkline.resources.numbers.repository import NumberRepository

PLACE_CALL = "place_call"
TELEPHONY = "Telephony"
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


async def place(database: Database, workspace_id: UUID, body: CallCreate) -> UUID:
    """Accept a call and have it placed: the row and its job are stored together or not at all.

    Raises:
        BadInput: the agent is unknown, or the number to call from is not the agent's.
        NoFreeSlot: no voice process could take it now.
    """
    async with database.workspace(workspace_id) as session:
        agents = AgentRepository(session, workspace_id)
        call = await _order(agents, NumberRepository(session, workspace_id), body)
    # The two transactions are apart, so that no request holds one connection while it waits for another.
    async with database.system() as session:
        if not await system.has_free_slot(session):
            raise NoFreeSlot("No voice process has room for one more call; try again in a few seconds.")
    async with database.workspace(workspace_id) as session:
        await CallRepository(session, workspace_id).add(call)
        await defer(session, PLACE_CALL, {"call_id": str(call.id), "workspace_id": str(workspace_id)})
    return call.id


async def _order(agents: AgentRepository, numbers: NumberRepository, body: CallCreate) -> Call:
    agent = await agents.get(body.model_id)
    if agent is None:
        raise BadInput(f"model_id: there is no agent {body.model_id}.")
    from_number = await _from(numbers, agent, body.from_phone_number)
    sent = body.model_dump(include=set(_OVERRIDES), exclude_none=True)
    timezone = agent.settings.get("timezone", vocabulary.DEFAULT_TIMEZONE)
    return Call(
        id=uuid4(),
        agent_id=agent.id,
        direction=Direction.OUTBOUND,
        status=CallStatus.PENDING,
        name=body.name,
        other_party=body.phone,
        agent_number=from_number,
        number_from=from_number,
        number_to=body.phone,
        deployment_type=TELEPHONY,
        timezone=body.lead_timezone or timezone,
        variables=body.custom_variables or {},
        overrides=sent,
        agents_used=[str(agent.id)],
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
