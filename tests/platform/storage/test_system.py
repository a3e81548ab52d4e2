"""Queries across workspaces: keys, routes, and slots under many takers at once."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.models import Node
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.models import Call, CallAttempt
from trunkline.resources.numbers.models import Number
from trunkline.resources.workspaces.models import ApiKey, Workspace


async def _agent(database: Database, workspace: Workspace) -> Agent:
    agent = Agent(workspace_id=workspace.id, name="a", type="inbound")
    async with database.workspace(workspace.id) as session:
        session.add(agent)
    return agent


async def _node(database: Database, node_id: str, capacity: int = 2) -> None:
    async with database.system() as session:
        await system.register_node(
            session,
            node_id,
            role="voice",
            control_url="http://127.0.0.1:1",
            sip_address="127.0.0.1:2",
            capacity=capacity,
        )


async def _active(database: Database) -> dict[str, int]:
    async with database.system() as session:
        return {node.id: node.active for node in await system.nodes(session)}


def _call(workspace_id: UUID, agent: Agent, **values: object) -> Call:
    return Call(
        workspace_id=workspace_id, agent_id=agent.id, direction="outbound", status="pending", **values
    )


async def test_keys(database: Database, workspace: Workspace) -> None:
    async with database.workspace(workspace.id) as session:
        session.add(ApiKey(id="abcdefgh", workspace_id=workspace.id, hash=b"h", scopes=["calls"]))
    async with database.system() as session:
        assert await system.find_key(session, "nothing!") is None
        found = await system.find_key(session, "abcdefgh")
        assert found == system.Key("abcdefgh", workspace.id, b"h", ["calls"], None, None, None, [])
        await system.keys_used(session, ["abcdefgh"])
    async with database.workspace(workspace.id) as session:
        key = await session.get_one(ApiKey, "abcdefgh")
        assert key.last_used_at is not None


async def test_keys_know_their_workspace_until_it_is_deleted(
    database: Database, workspace: Workspace
) -> None:
    branch = Workspace(name="branch", parent_id=workspace.id, revoked_permissions=["chat", "logs"])
    async with database.system() as session:
        session.add(branch)
        await session.flush()
        session.add(ApiKey(id="abcdefgh", workspace_id=branch.id, hash=b"h"))
        await session.flush()
        found = await system.find_key(session, "abcdefgh")
        assert found is not None
        assert (found.parent_id, found.revoked_permissions) == (workspace.id, ["chat", "logs"])
        assert await system.has_subaccount(session, workspace.id, branch.id)
        assert not await system.has_subaccount(session, branch.id, workspace.id)
        assert not await system.has_subaccount(session, workspace.id, workspace.id)
        branch.deleted_at = datetime.now(UTC)
        await session.flush()
        assert await system.find_key(session, "abcdefgh") is None
        assert not await system.has_subaccount(session, workspace.id, branch.id)


async def test_the_first_workspace(database: Database) -> None:
    async with database.system() as session:
        assert await system.first_workspace(session) is None
        first = Workspace(name="1", created_at=datetime(2026, 1, 1, tzinfo=UTC))
        session.add_all([Workspace(name="2"), first])
        await session.flush()
        assert await system.first_workspace(session) == first.id


async def test_routes_by_the_dialled_number(database: Database, workspace: Workspace) -> None:
    agent = await _agent(database, workspace)
    async with database.workspace(workspace.id) as session:
        session.add_all(
            [
                Number(
                    workspace_id=workspace.id, number="+4930123", slug="4930123", inbound_agent_id=agent.id
                ),
                Number(workspace_id=workspace.id, number="reception", slug="reception"),
            ]
        )
    async with database.system() as session:
        for dialled in ("+4930123", "4930123"):
            found = await system.route(session, dialled)
            assert found is not None
            assert (found.workspace_id, found.agent_id, found.number) == (
                workspace.id,
                agent.id,
                "+4930123",
            )
        unbound = await system.route(session, "reception")
        assert unbound is not None
        assert unbound.agent_id is None
        assert await system.route(session, "+4930") is None
        assert await system.route(session, "") is None
        await session.execute(text("UPDATE agents SET deleted_at = now()"))
        deleted = await system.route(session, "+4930123")
        assert deleted is not None
        assert deleted.agent_id is None


async def test_many_takers_never_pass_capacity(database: Database) -> None:
    for name in ("a", "b", "c"):
        await _node(database, name, capacity=7)

    async def take() -> str | None:
        async with database.system() as session:
            node = await system.take_any_slot(session)
            return node.id if node else None

    taken = await asyncio.gather(*(take() for _ in range(30)))
    assert sum(1 for name in taken if name) == 21
    assert await _active(database) == {"a": 7, "b": 7, "c": 7}
    async with database.system() as session:
        assert not await system.has_free_slot(session)
        await system.release_slot(session, "b")
        assert await system.has_free_slot(session)
        node = await system.take_any_slot(session)
        assert node is not None
        assert node.id == "b"


async def test_the_emptiest_is_taken(database: Database) -> None:
    await _node(database, "small", capacity=2)
    await _node(database, "large", capacity=10)
    async with database.system() as session:
        assert await system.take_slot(session, "small")
        for _ in range(5):
            node = await system.take_any_slot(session)
            assert node is not None
            assert node.id == "large"


async def test_a_node_to_avoid_is_taken_last(database: Database) -> None:
    await _node(database, "silent", capacity=10)
    await _node(database, "other", capacity=1)
    async with database.system() as session:
        taken = [await system.take_any_slot(session, avoid="silent") for _ in range(2)]
    assert [node.id if node else None for node in taken] == ["other", "silent"]


async def test_a_workspace_may_ask_whether_there_is_a_free_slot(
    database: Database, workspace: Workspace
) -> None:
    async with database.workspace(workspace.id) as session:
        assert not await system.has_free_slot(session)
    await _node(database, "a")
    async with database.workspace(workspace.id) as session:
        assert await system.has_free_slot(session)
        with pytest.raises(DBAPIError, match="permission denied"):
            await session.execute(text("UPDATE nodes SET active = 0"))


async def test_draining_silent_and_other_nodes_are_not_taken(database: Database) -> None:
    await _node(database, "drained")
    await _node(database, "silent")
    async with database.system() as session:
        await system.drain_node(session, "drained")
        assert not await system.take_slot(session, "drained")
        await session.execute(text("UPDATE nodes SET seen_at = now() - interval '6 s' WHERE id = 'silent'"))
        assert await system.take_any_slot(session) is None
        assert await system.take_any_slot(session, "consult") is None
        assert await system.heartbeat(session, "silent")
        node = await system.take_any_slot(session)
        assert node is not None
        assert node.id == "silent"


async def test_a_node_given_up_learns_it(database: Database) -> None:
    await _node(database, "a")
    async with database.system() as session:
        await system.remove_nodes(session, ["a"])
        assert not await system.heartbeat(session, "a")
        assert not await system.take_slot(session, "a")


async def test_a_node_that_registers_again_is_empty(database: Database) -> None:
    await _node(database, "a")
    async with database.system() as session:
        await system.take_slot(session, "a")
        await system.drain_node(session, "a")
    await _node(database, "a", capacity=5)
    async with database.system() as session:
        (node,) = await system.nodes(session, "voice")
        assert (node.active, node.capacity, node.draining) == (0, 5, False)


async def test_a_heartbeat_tells_what_the_calls_say(database: Database, workspace: Workspace) -> None:
    agent = await _agent(database, workspace)
    for name in ("a", "b"):
        await _node(database, name, capacity=50)
    async with database.system() as session:
        session.add_all(_call(workspace.id, agent, host_id="a") for _ in range(20))
        for _ in range(3):
            assert await system.take_slot(session, "b"), "promised, and never taken up"
    for name in ("a", "b"):
        async with database.system() as session:
            assert await system.heartbeat(session, name)
    assert await _active(database) == {"a": 20, "b": 0}
    async with database.system() as session:
        await session.execute(
            text("UPDATE calls SET ended_at = now() WHERE id IN (SELECT id FROM calls LIMIT 5)")
        )
        assert await system.heartbeat(session, "a")
    assert await _active(database) == {"a": 15, "b": 0}


async def test_calls_and_attempts_of_hosts(database: Database, workspace: Workspace) -> None:
    agent = await _agent(database, workspace)
    held = _call(workspace.id, agent, host_id="a", id=uuid4())
    async with database.workspace(workspace.id) as session:
        session.add_all(
            [
                held,
                _call(workspace.id, agent, host_id="a", ended_at=datetime.now(UTC)),
                _call(workspace.id, agent, host_id="b"),
                _call(workspace.id, agent),
            ]
        )
        await session.flush()
        session.add(
            CallAttempt(call_id=held.id, n=1, workspace_id=workspace.id, host_id="a", state="pending")
        )
        session.add(
            CallAttempt(call_id=held.id, n=2, workspace_id=workspace.id, host_id="a", state="dialling")
        )
    async with database.system() as session:
        assert await system.calls_of(session, ["a", "x"]) == [
            system.HeldCall(held.id, workspace.id, "pending", "a")
        ]
        assert await system.unclaimed_attempts(session, 3) == []
        await session.execute(text("UPDATE call_attempts SET created_at = now() - interval '4 s'"))
        assert await system.unclaimed_attempts(session, 3) == [
            system.OpenAttempt(workspace.id, held.id, 1, "a")
        ]


async def test_nodes_are_rows(database: Database) -> None:
    await _node(database, "a")
    async with database.system() as session:
        node = await session.get_one(Node, "a")
        assert (node.control_url, node.sip_address) == ("http://127.0.0.1:1", "127.0.0.1:2")
