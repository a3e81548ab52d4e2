"""What a host does with calls, on the real database."""

import asyncio
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from tests.resources.calls.conftest import NUMBER, AddHost, active, attempts, offer, outbound, ring, stored
from trunkline.errors import NoFreeSlot, NotFound
from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.models import Node
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.moves import move_attempt
from trunkline.resources.calls.record import Direction
from trunkline.resources.calls.status import AttemptState
from trunkline.resources.numbers.models import Number
from trunkline.voice.lines.line import Trunk

# ---- inbound -------------------------------------------------------------------------------------------


async def test_an_inbound_call_is_routed_written_down_and_planned(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    plan = await ring(live, host)
    assert (plan.agent_id, plan.workspace_id, plan.direction) == (
        agent.id,
        agent.workspace_id,
        Direction.INBOUND,
    )
    assert (plan.number_from, plan.number_to, plan.target, plan.trunk) == ("+15550199", NUMBER, None, None)
    assert (plan.record, plan.keep_transcript, plan.headers) == (True, True, {"X-Trace": "7"})
    assert plan.profile.prompt == "You greet +15550199."
    call = await stored(database, plan.call_id)
    assert (call.status, call.direction, call.other_party) == ("ringing", "inbound", "+15550199")
    assert (call.agent_number, call.deployment_type, call.timezone) == (NUMBER, "Telephony", "Europe/Vienna")
    assert (call.host_id, call.sip_call_id) == (str(host), "abc@peer")
    assert await live.answered(plan.call_id)
    assert (await stored(database, plan.call_id)).status == "in-progress"
    assert await active(database, host) == 1


@pytest.mark.parametrize("dialled", [NUMBER, NUMBER[1:]])
async def test_the_plus_of_the_dialled_number_may_be_missing(
    live: LiveCalls, agent: Agent, host: UUID, dialled: str
) -> None:
    assert (await ring(live, host, dialled)).number_to == NUMBER


async def test_an_identifier_is_found_as_it_is_stored(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    async with database.workspace(agent.workspace_id) as session:
        session.add(
            Number(workspace_id=agent.workspace_id, number="desk-7", slug="desk-7", inbound_agent_id=agent.id)
        )
    assert (await ring(live, host, "desk-7")).number_to == "desk-7"


async def test_nobody_answers_an_unknown_number_or_one_without_an_agent(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    with pytest.raises(NotFound, match="not known here"):
        await ring(live, host, "+15559999")
    async with database.workspace(agent.workspace_id) as session:
        await session.execute(update(Number).values(inbound_agent_id=None))
    with pytest.raises(NotFound, match="no inbound agent"):
        await ring(live, host)
    assert await active(database, host) == 0


async def test_a_host_that_drains_or_was_given_up_takes_no_call_and_writes_none_down(
    live: LiveCalls, database: Database, agent: Agent, add_host: AddHost
) -> None:
    draining, gone = await add_host(), await add_host()
    async with database.system() as session:
        await system.drain_node(session, str(draining))
        await system.remove_nodes(session, [str(gone)])
    for host in (draining, gone):
        with pytest.raises(NoFreeSlot):
            await ring(live, host)
    async with database.system() as session:
        assert (await session.scalars(select(Call))).all() == []


async def test_a_call_that_begins_or_ends_waits_for_nobody_who_has_its_hosts_row(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    async with database.system() as other, asyncio.timeout(20):
        await other.execute(select(Node).with_for_update())
        plan = await ring(live, host)
        await live.answered(plan.call_id)
        assert await live.finish(plan.call_id)


async def test_an_agent_may_keep_neither_recording_nor_transcript(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    async with database.workspace(agent.workspace_id) as session:
        await session.execute(
            update(Agent).values(is_recording=False, settings={"is_transcript_disabled": True})
        )
    plan = await ring(live, host)
    assert (plan.record, plan.keep_transcript) == (False, False)


# ---- the hand-over of outbound calls -------------------------------------------------------------------


async def test_a_claimed_call_carries_its_target_and_trunk(
    live: LiveCalls, database: Database, agent: Agent, host: UUID, box: SecretBox
) -> None:
    async with database.workspace(agent.workspace_id) as session:
        await session.execute(
            update(Number).values(
                termination_uri="sip.example.com:5070",
                sip_transport="tcp",
                trunk_username="alice",
                trunk_password_encrypted=box.seal(agent.workspace_id, "trunk_password", "secret"),
            )
        )
    call = await outbound(
        database, agent, "+15550123", overrides={"prompt": "Say {name}."}, variables={"name": "Bo"}
    )
    await offer(database, call, host)
    assert await live.pending_attempts(host) == [(call, 1)]
    plan = await live.claim(call, 1, host)
    assert plan is not None
    assert plan.target == "+15550123"
    assert plan.trunk == Trunk("sip.example.com:5070", "tcp", "alice", "secret", NUMBER)
    assert "secret" not in repr(plan)
    assert plan.profile.prompt == "Say Bo."
    assert await live.pending_attempts(host) == []
    assert await live.ringing(call)
    assert (await stored(database, call)).status == "ringing"
    assert await live.answered(call)
    assert (await stored(database, call)).status == "in-progress"
    assert await attempts(database, call) == [(1, "answered")]


async def test_of_two_that_claim_one_attempt_exactly_one_wins(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    for _ in range(5):
        call = await outbound(database, agent)
        await offer(database, call, host)
        plans = await asyncio.gather(*(live.claim(call, 1, host) for _ in range(4)))
        assert sum(plan is not None for plan in plans) == 1
        assert await attempts(database, call) == [(1, "dialling")]
        await live.dial_failed(call, 1, "busy", 486, "Busy Here")


async def test_another_host_cannot_claim(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    call = await outbound(database, agent)
    await offer(database, call, host)
    assert await live.pending_attempts(uuid4()) == []
    assert await live.claim(call, 1, uuid4()) is None
    assert await live.claim(call, 2, host) is None
    assert await attempts(database, call) == [(1, "pending")]


async def test_revocation_and_claim_never_both_win(
    live: LiveCalls, database: Database, agent: Agent, add_host: AddHost
) -> None:
    host = await add_host(capacity=40)

    async def revoke(call: UUID) -> bool:
        async with database.system() as session:
            return await move_attempt(session, call, 1, AttemptState.PENDING, AttemptState.REVOKED)

    won = set()
    for turn in range(20):
        call = await outbound(database, agent)
        await offer(database, call, host)
        racers = [live.claim(call, 1, host), revoke(call)]
        first, second = await asyncio.gather(*(racers if turn % 2 else reversed(racers)))
        assert bool(first) != bool(second)
        won.add((await attempts(database, call))[0][1])
    assert won <= {"dialling", "revoked"}


async def test_a_call_that_ended_meanwhile_is_not_dialled(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    call = await outbound(database, agent)
    await offer(database, call, host)
    async with database.system() as session:
        await session.execute(update(Call).values(status="canceled"))
    assert await live.claim(call, 1, host) is None
    assert await attempts(database, call) == [(1, "failed")]


async def test_a_number_that_no_line_carries_fails_with_the_remedy(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    call = await outbound(database, agent, "+15550123")
    await offer(database, call, host)
    assert await live.claim(call, 1, host) is None
    row = await stored(database, call)
    assert row.status == "failed"
    assert row.error_message is not None
    assert NUMBER in row.error_message
    assert "termination_uri" in row.error_message
    assert await active(database, host) == 0


@pytest.mark.parametrize(
    ("outcome", "code", "status", "message", "disconnect"),
    [
        ("busy", 486, "busy", None, "unknown"),
        ("no_answer", 408, "no-answer", None, "unknown"),
        ("refused", 400, "failed", "Telephony - 400 - Invalid phone number", "error"),
        ("refused", 403, "failed", "Telephony - 403 - Invalid phone number", "forbidden"),
        ("unreachable", None, "failed", "the trunk sip.example.com over UDP cannot be reached", "error"),
    ],
)
async def test_a_call_that_is_not_answered_says_why(
    live: LiveCalls,
    database: Database,
    agent: Agent,
    host: UUID,
    outcome: str,
    code: int | None,
    status: str,
    message: str | None,
    disconnect: str,
) -> None:
    async with database.workspace(agent.workspace_id) as session:
        await session.execute(update(Number).values(termination_uri="sip.example.com"))
    call = await outbound(database, agent, "+15550123")
    await offer(database, call, host)
    assert await live.claim(call, 1, host)
    for _ in range(2):  # saying it again changes nothing
        await live.dial_failed(call, 1, outcome, code, "Invalid phone number")
    row = await stored(database, call)
    assert (row.status, row.disconnect_reason) == (status, disconnect)
    assert (message or "") in (row.error_message or "")
    assert (row.error_message is None) == (message is None)
    assert row.ended_at is not None
    assert await attempts(database, call) == [(1, "failed")]
    assert await active(database, host) == 0
