"""Calls that a host makes: claimed, dialled, answered, or given up."""

import asyncio

from tests.host.rig import Rig
from tests.resources.calls.conftest import active, attempts, offer, outbound, stored
from trunkline.resources.agents.models import Agent
from trunkline.voice.lines.loopback import LoopbackLine


async def test_a_waiting_call_is_claimed_dialled_and_held(rig: Rig, agent: Agent) -> None:
    phones: list[LoopbackLine] = []

    async def pick_up(line: LoopbackLine) -> None:
        phones.append(line)
        await line.answer()

    rig.engine.phones["sip:bob@127.0.0.1"] = pick_up
    call_id = await outbound(rig.database, agent)
    await offer(rig.database, call_id, rig.node.identity.id)
    rig.host.wake()
    await rig.until(lambda: bool(rig.host.live()))
    await phones[0].hang_up()
    await rig.until(lambda: not rig.host.live())
    call = await stored(rig.database, call_id)
    assert call.status == "completed"
    assert await attempts(rig.database, call_id) == [(1, "answered")]
    assert await active(rig.database, rig.node.identity.id) == 0


async def test_a_call_that_nobody_takes(rig: Rig, agent: Agent) -> None:
    refused = asyncio.Event()

    async def refuse(line: LoopbackLine) -> None:
        await line.hang_up()
        refused.set()

    rig.engine.phones["sip:bob@127.0.0.1"] = refuse
    call_id = await outbound(rig.database, agent)
    await offer(rig.database, call_id, rig.node.identity.id)
    rig.host.wake()
    await rig.until(refused.is_set)
    await rig.meanwhile(rig.host.drain())
    call = await stored(rig.database, call_id)
    assert call.status == "busy"
    assert await attempts(rig.database, call_id) == [(1, "failed")]
    assert await active(rig.database, rig.node.identity.id) == 0


async def test_a_call_that_rings_is_canceled(rig: Rig, agent: Agent) -> None:
    rings = asyncio.Event()
    phones: list[LoopbackLine] = []

    async def let_ring(line: LoopbackLine) -> None:
        phones.append(line)
        rings.set()

    rig.engine.phones["sip:bob@127.0.0.1"] = let_ring
    call_id = await outbound(rig.database, agent)
    assert not rig.host.cancel(call_id)
    await offer(rig.database, call_id, rig.node.identity.id)
    rig.host.wake()
    await rig.until(rings.is_set)
    assert rig.host.cancel(call_id)
    await rig.meanwhile(rig.host.drain())
    assert phones[0].closed is not None
    call = await stored(rig.database, call_id)
    assert (call.status, call.end_reason, call.error_message) == ("user-canceled", "user_canceled", None)
    assert await attempts(rig.database, call_id) == [(1, "failed")]
    assert await active(rig.database, rig.node.identity.id) == 0


async def test_a_call_that_is_answered_while_it_is_canceled_is_hung_up(rig: Rig, agent: Agent) -> None:
    phones: list[LoopbackLine] = []

    async def pick_up(line: LoopbackLine) -> None:
        phones.append(line)
        await line.answer()
        assert rig.host.cancel(call_id)

    rig.engine.phones["sip:bob@127.0.0.1"] = pick_up
    call_id = await outbound(rig.database, agent)
    await offer(rig.database, call_id, rig.node.identity.id)
    rig.host.wake()
    await rig.until(lambda: bool(phones) and phones[0].closed is not None)
    await rig.meanwhile(rig.host.drain())
    assert (await stored(rig.database, call_id)).status == "user-canceled"


async def test_a_host_that_stops_gives_up_dialling(rig: Rig, agent: Agent) -> None:
    rings = asyncio.Event()

    async def let_ring(line: LoopbackLine) -> None:
        rings.set()

    rig.engine.phones["sip:bob@127.0.0.1"] = let_ring
    call_id = await outbound(rig.database, agent)
    await offer(rig.database, call_id, rig.node.identity.id)
    rig.host.wake()
    await rig.until(rings.is_set)
    rig.host.hurry()
    await rig.meanwhile(rig.host.drain())
    call = await stored(rig.database, call_id)
    assert call.status == "failed"
    assert call.error_message is not None and "stopped while it dialled" in call.error_message
    assert await attempts(rig.database, call_id) == [(1, "failed")]
