"""The rules of calls."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import BadInput, NoFreeSlot, NotFound
from trunkline.platform.http.landmarks import WORTH_IT, Landmarks
from trunkline.platform.http.totals import Totals
from trunkline.platform.storage import system
from trunkline.platform.work.jobs import defer
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.calls.filters import CallFilter
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.new import inbound_call, outbound_call
from trunkline.resources.calls.repository import CallRepository
from trunkline.resources.calls.schemas import CallCreate, InboundPrepare
from trunkline.resources.calls.status import CallStatus
from trunkline.resources.ids import as_uuid
from trunkline.resources.limits import service as limits
from trunkline.resources.numbers.repository import NumberRepository
from trunkline.resources.workspaces.limits import check_concurrency, check_dialling

SETTLED = timedelta(days=2)
"""So long after it was made, nothing of a call changes that a list asks for."""
PLACE_CALL = "place_call"
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
        self, wanted: CallFilter, limit: int, offset: int, totals: Totals, landmarks: Landmarks
    ) -> tuple[Sequence[Call], int]:
        """Calls of a kind, newest first, and how many there are.

        Raises:
            BadInput: the filter names an agent or a batch that never was.
        """
        if wanted.agent is not None and await self._agents.get(wanted.agent, deleted=True) is None:
            raise BadInput(f"model_id: there is no agent {wanted.agent}; leave it out for all calls.")
        if wanted.batch is not None and not await self._calls.has_batch(wanted.batch):
            raise BadInput(f"batch_call_id: there is no batch {wanted.batch}; leave it out for all calls.")
        total = await totals.get((self._workspace, wanted), lambda: self._calls.count(wanted))
        return await page_of(self._calls, (self._workspace, wanted), limit, offset, landmarks), total


async def page_of(
    calls: CallRepository, key: tuple[UUID, CallFilter], limit: int, offset: int, landmarks: Landmarks
) -> Sequence[Call]:
    """A page of one workspace's calls, by way of the landmarks where it lies far from the start."""
    _, wanted = key
    if offset < WORTH_IT:
        return await calls.page(wanted, limit, offset)
    way = await landmarks.get(key, lambda: calls.way(wanted, datetime.now(UTC) - SETTLED))
    newer = await calls.count(replace(wanted, after=way.settled))
    if offset < newer:
        return await calls.page(wanted, limit, offset)
    place, rest = way.before(offset - newer)
    if place is None:
        return await calls.page(wanted, limit, offset)
    return await calls.page(wanted, limit, rest, after=place)


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
    await limits.admit(session, workspace_id)  # last: it holds up the workspace's calls until the commit
    await check_concurrency(session, workspace_id)
    return call.id


async def prepare(session: AsyncSession, workspace_id: UUID, body: InboundPrepare) -> Call:
    """Announce a call that somebody's switch is about to send here under the id that it is given.

    Raises:
        BadInput: the agent is unknown, no number is named, or the workspace is another.
    """
    if body.workspace_id and as_uuid(body.workspace_id) != workspace_id:
        raise BadInput(
            "workspace_id: this is not the key's workspace; leave it out or use a key of that one."
        )
    if not body.from_number and not body.to_number:
        raise BadInput("from_number or to_number is required: who calls, or which number is called.")
    agent = await AgentRepository(session, workspace_id).get(body.model_id)
    if agent is None:
        raise BadInput(f"model_id: there is no agent {body.model_id}.")
    call = inbound_call(
        agent,
        CallStatus.REGISTERED,
        number_from=body.from_number,
        number_to=body.to_number,
        variables=body.custom_variables,
    )
    await CallRepository(session, workspace_id).add(call)
    return call


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
