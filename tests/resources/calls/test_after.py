"""What is done after a call, from its end to the webhook, on the real database."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from tests.resources.calls.conftest import outbound, stored
from tests.resources.calls.test_live import ENDED, SAID
from tests.resources.forms import filled
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls import after
from trunkline.resources.calls.after_tasks import AfterCalls
from trunkline.resources.calls.closing import close_call
from trunkline.resources.calls.links import Links
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.calls.models import AfterCallStep
from trunkline.resources.talks import Talk
from trunkline.resources.webhooks.models import WebhookDelivery
from trunkline.voice.conversation.events import Note
from trunkline.voice.language.ports import LanguageModel
from trunkline.voice.language.twins import ScriptedLanguageModel

HOOK = "https://hooks.example.com/calls"


class Memory:
    """Stands for the memory: keeps the talks that it is given, or fails."""

    def __init__(self) -> None:
        self.talks: list[Talk] = []

    async def remember(self, database: Database, model: LanguageModel, talk: Talk) -> None:
        self.talks.append(talk)


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def model() -> ScriptedLanguageModel:
    return ScriptedLanguageModel(rule=filled)


@pytest.fixture
def work(database: Database, box: SecretBox, model: ScriptedLanguageModel, memory: Memory) -> AfterCalls:
    return AfterCalls(database, box, Links(box, "http://api.test"), model, memory.remember)


async def talked(
    database: Database, live: LiveCalls, agent: Agent, notes: Sequence[Note] = (*SAID, ENDED), **columns: Any
) -> UUID:
    """A call that was held and has ended."""
    overrides = {"overrides": {"external_webhook_url": HOOK}}
    call = await outbound(database, agent, "+15550199", **(overrides | columns))
    assert await live.answered(call)
    assert await live.append(agent.workspace_id, call, 0, notes)
    assert await live.finish(call)
    return call


async def told(database: Database, call: UUID) -> list[WebhookDelivery]:
    async with database.system() as session:
        query = select(WebhookDelivery).where(WebhookDelivery.call_id == call)
        return list((await session.scalars(query)).all())


async def steps(database: Database, call: UUID) -> dict[str, str]:
    async with database.system() as session:
        rows = await session.scalars(select(AfterCallStep).where(AfterCallStep.call_id == call))
        return {row.step: row.state for row in rows}


async def test_the_end_of_a_call_defers_what_comes_after_it_in_the_same_transaction(
    database: Database, live: LiveCalls, agent: Agent
) -> None:
    call = await outbound(database, agent)
    assert await live.answered(call)
    with pytest.raises(ZeroDivisionError):
        async with database.system() as session:
            assert await close_call(session, call)
            raise ZeroDivisionError
    assert await _jobs(database) == []
    assert await live.finish(call)
    assert not await live.finish(call)
    assert await _jobs(database) == [{"call_id": str(call), "workspace_id": str(agent.workspace_id)}]


async def test_an_answered_call_is_judged_remembered_and_told(
    work: AfterCalls, database: Database, live: LiveCalls, agent: Agent, memory: Memory
) -> None:
    call = await talked(database, live, agent)
    await work.after_call(str(call), str(agent.workspace_id))
    judged = (await stored(database, call)).judge_results
    assert judged is not None and len(judged) == 35
    assert [talk.transcript for talk in memory.talks] == ["bot: Good morning.\nhuman: Hello."]
    assert memory.talks[0].prompt == "You greet +15550199."
    [delivery] = await told(database, call)
    assert (delivery.url, delivery.host, delivery.state) == (HOOK, "hooks.example.com", "pending")
    assert json.loads(delivery.body)["analysis"] == judged


async def _jobs(database: Database) -> list[dict[str, Any]]:
    query = text("SELECT args FROM procrastinate_jobs WHERE task_name = :task")
    async with database.system() as session:
        return list((await session.scalars(query, {"task": after.AFTER_CALL})).all())
