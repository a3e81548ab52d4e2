"""Warm transfers with SIPp on both sides: every outcome there is, and sound on both sides after the bridge."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.host.transferring import attach
from tests.interop import sipp
from tests.interop.house import House, Parties
from tests.resources.calls.conftest import agent, box, live  # noqa: F401 - fixtures
from trunkline.platform.storage.database import Database
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.live import LiveCalls

pytestmark = pytest.mark.peer("sipp")


@pytest.fixture
async def house(database: Database, live: LiveCalls, tmp_path: Path) -> AsyncIterator[House]:  # noqa: F811
    made = House(database, live, tmp_path)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def parties(house: House, tmp_path: Path) -> AsyncIterator[Parties]:
    async with Parties(house, tmp_path) as both:
        yield both


async def test_a_person_is_briefed_and_joined(house: House, parties: Parties, agent: Agent) -> None:  # noqa: F811
    picks_up = sipp.called() + sipp.pick_up(body=sipp.sdp(port=parties.person.port))
    address = parties.listen(picks_up + sipp.hang_up_when_told())
    await attach(house, agent, phone=address, goodbye_msg="Goodbye.")
    await parties.call()
    await house.until(lambda: "Goodbye." in parties.caller.heard)
    assert parties.person.heard == "Anna has a question."
    assert "question" not in parties.caller.heard
    await asyncio.sleep(0.2)
    parties.caller.say("hello desk")
    parties.person.say("hello caller")
    await house.until(lambda: "hello desk" in parties.person.heard and "hello caller" in parties.caller.heard)
    parties.calling.tell()
    call, (value,) = await house.finished()
    assert (value["status"], value["failed_reason"]) == ("transfer-success", None)
    assert call.status == "completed"
    await parties.finish()
