"""Who is let in: the host's own count decides, and a slot is free when its line is closed."""

import asyncio
from typing import Any

import pytest

from tests.host.rig import Rig
from tests.resources.calls.conftest import NUMBER, active, attempts, offer, outbound, stored
from trunkline.errors import NoFreeSlot
from trunkline.host.admission import Admission
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.closing import Recording
from trunkline.resources.calls.plan import CallPlan
from trunkline.voice.lines.loopback import LoopbackLine


async def test_a_slot_is_one_calls_until_its_line_is_closed() -> None:
    admission = Admission(1)
    with admission.take() as slot:
        with pytest.raises(NoFreeSlot, match="all 1 slots"):
            admission.take()
        slot.free()
        slot.free()
        with admission.take():
            assert admission.no_room is not None
            assert admission.count == 2, "a call counts until it is finished"
        assert not admission.idle.is_set()
    assert admission.idle.is_set()
    with admission.take():
        assert admission.count == 1


async def test_a_caller_gets_in_while_calls_before_are_still_written_down(
    rig: Rig, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_finish = asyncio.Event()
    finish = rig.live.finish

    async def slow(call_id: object, *, recording: Recording | None = None, fault: str | None = None) -> bool:
        await may_finish.wait()
        return await finish(call_id, recording=recording, fault=fault)  # type: ignore[arg-type]

    monkeypatch.setattr(rig.live, "finish", slow)
    first = [await rig.call(NUMBER) for _ in range(2)]
    await rig.until(lambda: all(caller.line.up for caller in first))
    for caller in first:
        await caller.line.hang_up()
    await rig.until(lambda: rig.host.admission.no_room is None)
    second = [await rig.call(NUMBER) for _ in range(2)]
    await rig.until(lambda: all(caller.line.up for caller in second))
    late = await rig.call(NUMBER)
    await rig.until(lambda: late.line.closed is not None)
    assert rig.host.admission.count == 4, "those that are written down are waited for when the host drains"
    assert all(caller.line.up for caller in second)
    may_finish.set()
    for caller in second:
        await caller.line.hang_up()
    await rig.until(lambda: rig.host.admission.count == 0)
    assert await active(rig.database, rig.node.identity.id) == 0


async def test_callers_ring_while_others_are_looked_up(
    rig: Rig, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rig.holding, "openings", asyncio.Semaphore(1))
    may_go = asyncio.Event()
    looked_up: list[str] = []
    open_inbound = rig.live.open_inbound

    async def slow(**about: Any) -> CallPlan:
        looked_up.append(about["sip_call_id"])
        await may_go.wait()
        return await open_inbound(**about)

    monkeypatch.setattr(rig.live, "open_inbound", slow)
    callers = [await rig.call(NUMBER) for _ in range(2)]
    await rig.until(lambda: rig.host.admission.count == 2)
    assert len(looked_up) == 1
    may_go.set()
    await rig.until(lambda: all(caller.line.up for caller in callers))
    for caller in callers:
        await caller.line.hang_up()
    await rig.until(lambda: rig.host.admission.count == 0)


async def test_a_call_that_was_promised_a_slot_waits_for_one(rig: Rig, agent: Agent) -> None:
    phones: list[LoopbackLine] = []

    async def pick_up(line: LoopbackLine) -> None:
        phones.append(line)
        await line.answer()

    rig.engine.phones["sip:bob@127.0.0.1"] = pick_up
    callers = [await rig.call(NUMBER) for _ in range(2)]
    await rig.until(lambda: all(caller.line.up for caller in callers))
    call_id = await outbound(rig.database, agent)
    await offer(rig.database, call_id, rig.node.identity.id)
    assert rig.host._engine is not None
    await rig.host._outbound.claim_waiting(rig.node.identity.id, rig.host._engine)
    assert await attempts(rig.database, call_id) == [(1, "pending")], "it may be offered to another host"
    assert (rig.host.admission.count, phones) == (2, [])
    await callers[0].line.hang_up()
    await rig.until(lambda: bool(phones))
    await phones[0].hang_up()
    await callers[1].line.hang_up()
    await rig.until(lambda: rig.host.admission.count == 0)
    assert (await stored(rig.database, call_id)).status == "completed"
