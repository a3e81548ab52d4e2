"""A call that rings while its agent's webhook is asked."""

import json
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import update

from tests.host.rig import Rig
from tests.host.test_host import _only_call
from tests.platform.outbound.web import Web, response, web
from tests.resources.calls.conftest import NUMBER
from trunkline.resources.agents.models import Agent


@pytest.fixture
async def receiver(rig: Rig, agent: Agent) -> AsyncIterator[Web]:
    async with web() as served:
        async with rig.database.workspace(agent.workspace_id) as session:
            settings = {"prompt": "", "greeting_message": "Good {part}."}
            await session.execute(
                update(Agent).values(inbound_call_webhook_url=served.url(), settings=settings)
            )
        yield served


async def test_the_answer_decides_what_the_caller_hears(rig: Rig, agent: Agent, receiver: Web) -> None:
    told = {"call_inbound": {"custom_variables": {"part": "evening"}}}
    receiver.answer = response(200, json.dumps(told).encode())
    caller = await rig.call(NUMBER)
    await rig.until(lambda: "good evening" in caller.heard.lower())
    await caller.line.hang_up()
    await rig.until(lambda: rig.host.admission.count == 0)
    assert len(receiver.asked) == 1


async def test_a_call_that_is_declined_is_never_answered(rig: Rig, agent: Agent, receiver: Web) -> None:
    receiver.answer = response(200, b'{"call_inbound": {}}')
    caller = await rig.call(NUMBER)
    await rig.until(lambda: bool(receiver.asked) and rig.host.admission.count == 0)
    call = await _only_call(rig)
    assert (call.status, call.answered_at) == ("canceled", None)
    assert caller.heard == ""
