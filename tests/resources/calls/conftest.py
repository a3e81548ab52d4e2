"""What the tests of live calls stand on: an agent with a number, hosts, calls in the states they begin with."""

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.models import Node
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.calls.models import Call, CallAttempt
from trunkline.resources.calls.plan import CallPlan
from trunkline.resources.numbers.models import Number
from trunkline.resources.workspaces.models import Workspace

NUMBER = "+15550100"
AddHost = Callable[..., Awaitable[UUID]]


@pytest.fixture
def box() -> SecretBox:
    return SecretBox("a key of sixteen or more")


@pytest.fixture
def live(database: Database, box: SecretBox) -> LiveCalls:
    return LiveCalls(database, box)


@pytest.fixture
async def agent(database: Database, workspace: Workspace) -> Agent:
    """An inbound agent that answers NUMBER."""
    agent = Agent(
        workspace_id=workspace.id,
        name="Reception",
        type="inbound",
        settings={"prompt": "You greet {user_phone_number}.", "timezone": "Europe/Vienna"},
        phone_number=NUMBER,
    )
    async with database.workspace(workspace.id) as session:
        session.add(agent)
        await session.flush()
        session.add(
            Number(
                workspace_id=workspace.id, number=NUMBER, slug=NUMBER[1:], inbound_agent_id=agent.id, extra={}
            )
        )
    return agent


@pytest.fixture
def add_host(database: Database) -> AddHost:
    async def add(capacity: int = 2) -> UUID:
        host = uuid4()
        async with database.system() as session:
            await system.register_node(
                session,
                str(host),
                role="voice",
                control_url="http://127.0.0.1:1",
                sip_address="127.0.0.1:1",
                capacity=capacity,
            )
        return host

    return add


@pytest.fixture
async def host(add_host: AddHost) -> UUID:
    return await add_host()


async def outbound(
    database: Database, agent: Agent, target: str = "sip:bob@127.0.0.1", **columns: object
) -> UUID:
    """An accepted call that nobody dials yet."""
    values = {
        "status": "pending",
        "number_from": NUMBER,
        "number_to": target,
        "other_party": target,
    } | columns
    call = Call(workspace_id=agent.workspace_id, agent_id=agent.id, direction="outbound", **values)
    async with database.workspace(agent.workspace_id) as session:
        session.add(call)
    return call.id


async def offer(database: Database, call_id: UUID, host: UUID, n: int = 1) -> None:
    """What placing does, but for the promise of a slot: the call's host and a pending attempt."""
    async with database.system() as session:
        call = (await session.execute(select(Call).where(Call.id == call_id))).scalar_one()
        call.host_id = str(host)
        session.add(
            CallAttempt(
                call_id=call_id, n=n, workspace_id=call.workspace_id, host_id=str(host), state="pending"
            )
        )


async def stored(database: Database, call_id: UUID) -> Call:
    async with database.system() as session:
        return (await session.execute(select(Call).where(Call.id == call_id))).scalar_one()


async def attempts(database: Database, call_id: UUID) -> list[tuple[int, str]]:
    """(n, state), in order."""
    query = select(CallAttempt).where(CallAttempt.call_id == call_id).order_by(CallAttempt.n)
    async with database.system() as session:
        return [(attempt.n, attempt.state) for attempt in (await session.execute(query)).scalars()]


async def active(database: Database, host: UUID) -> int:
    """Calls on a host, as it tells with its next heartbeat."""
    async with database.system() as session:
        await system.heartbeat(session, str(host))
        return (await session.execute(select(Node.active).where(Node.id == str(host)))).scalar_one()


async def ring(live: LiveCalls, host: UUID, dialled: str = NUMBER) -> CallPlan:
    """Somebody calls in."""
    return await live.open_inbound(
        dialled=dialled, caller="+15550199", host=host, sip_call_id="abc@peer", headers={"X-Trace": "7"}
    )
