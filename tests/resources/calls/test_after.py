"""What is done after a call, from its end to the webhook, on the real database."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from tests.platform.outbound.web import web
from tests.resources.calls.conftest import offer, outbound, stored
from tests.resources.calls.test_live_record import ENDED, SAID
from tests.resources.forms import filled
from trunkline.errors import ProviderError
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.actions.models import Action, AgentAction
from trunkline.resources.actions.work import Means
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls import after
from trunkline.resources.calls.after import JUDGE, Findings, StepState, Taken
from trunkline.resources.calls.after_tasks import MOST_TRIES, TRANSACTIONS_AT_ONCE, AfterCalls
from trunkline.resources.calls.closing import close_call
from trunkline.resources.calls.links import Links
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.calls.models import AfterCall, AfterCallStep
from trunkline.resources.calls.record import without_words
from trunkline.resources.talks import Talk
from trunkline.resources.webhooks.models import WebhookDelivery
from trunkline.voice.conversation.events import Kind, Note
from trunkline.voice.language.ports import LanguageModel
from trunkline.voice.language.twins import Line, ScriptedLanguageModel

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
def woken() -> asyncio.Event:
    """Set when the deliverer was woken."""
    return asyncio.Event()


@pytest.fixture
async def work(
    database: Database, box: SecretBox, model: ScriptedLanguageModel, memory: Memory, woken: asyncio.Event
) -> AsyncIterator[AfterCalls]:
    means = Means(database, box, Outbound("127.0.0.1"))
    yield AfterCalls(means, Links(box, "http://api.test"), model, memory.remember, woken.set)
    await means.outbound.close()


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


async def planned(database: Database, call: UUID, *steps: str) -> None:
    async with database.system() as session:
        held = await after.held(session, call)
        assert held is not None
        await after.plan(session, held, steps)


async def begun(database: Database, call: UUID, step: str) -> Taken:
    async with database.system() as session:
        taken = await after.take(session, call, step)
    assert taken is not None
    return taken


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


async def test_without_the_judge_the_webhook_goes_after_two_minutes_and_the_verdict_lands_later(
    work: AfterCalls, database: Database, live: LiveCalls, agent: Agent, model: ScriptedLanguageModel
) -> None:
    call = await talked(database, live, agent)
    away = ScriptedLanguageModel(Line(fail="The endpoint is away."))
    work._model = away
    with pytest.raises(ProviderError):
        await work.after_call(str(call), str(agent.workspace_id))
    await work.tell_overdue()
    assert await told(database, call) == []
    async with database.system() as session:
        waits = await session.scalar(text("SELECT tell_at - now() FROM after_calls"))
        assert timedelta(seconds=60) < waits <= timedelta(seconds=120)
        await session.execute(update(AfterCall).values(tell_at=func.now()))
    await work.tell_overdue()
    await work.tell_overdue()
    [delivery] = await told(database, call)
    assert json.loads(delivery.body)["analysis"] is None
    work._model = model
    await work.after_call(str(call), str(agent.workspace_id))
    assert (await stored(database, call)).judge_results is not None
    assert [each.id for each in await told(database, call)] == [delivery.id]


async def test_a_step_that_never_succeeds_is_given_up_and_the_webhook_goes_at_once(
    work: AfterCalls, database: Database, live: LiveCalls, agent: Agent
) -> None:
    call = await talked(database, live, agent)
    work._model = ScriptedLanguageModel(Line(fail="The endpoint is away."))
    for _ in range(MOST_TRIES - 1):
        with pytest.raises(ProviderError):
            await work.after_call(str(call), str(agent.workspace_id))
    await work.after_call(str(call), str(agent.workspace_id))
    assert await steps(database, call) == {"judge": "failed", "memory": "done"}
    assert len(await told(database, call)) == 1


async def test_who_was_taken_for_dead_writes_no_verdict(
    work: AfterCalls, database: Database, live: LiveCalls, agent: Agent
) -> None:
    call = await talked(database, live, agent)
    await planned(database, call, JUDGE)
    first, second = await begun(database, call, JUDGE), await begun(database, call, JUDGE)
    await work._end(first, StepState.DONE, Findings(judged={"goal": "late"}))
    assert (await stored(database, call)).judge_results is None
    await work._end(second, StepState.DONE, Findings(judged={"goal": "true"}))
    await work._end(second, StepState.DONE, Findings(judged={"goal": "again"}))
    assert (await stored(database, call)).judge_results == {"goal": "true"}


async def test_the_job_may_run_again_and_finds_nothing_to_do(
    work: AfterCalls, database: Database, live: LiveCalls, agent: Agent, memory: Memory
) -> None:
    call = await talked(database, live, agent)
    await work.after_call(str(call), str(agent.workspace_id))
    judged = (await stored(database, call)).judge_results
    await work.after_call(str(call), str(agent.workspace_id))
    assert (await stored(database, call)).judge_results == judged
    assert len(memory.talks) == len(await told(database, call)) == 1


@pytest.mark.parametrize(
    "notes",
    [(ENDED,), (without_words(SAID[1]), without_words(SAID[3]), ENDED)],
    ids=["nobody spoke", "no transcript is kept"],
)
async def test_without_words_nothing_is_judged_or_remembered_but_the_call_is_told(
    work: AfterCalls,
    database: Database,
    live: LiveCalls,
    agent: Agent,
    model: ScriptedLanguageModel,
    memory: Memory,
    notes: Sequence[Note],
) -> None:
    call = await talked(database, live, agent, notes)
    await work.after_call(str(call), str(agent.workspace_id))
    assert model.asked == [] and memory.talks == [] and await steps(database, call) == {}
    [delivery] = await told(database, call)
    told_ = json.loads(delivery.body)
    assert (told_["call"]["transcript"], told_["analysis"]) == ("", None)


async def test_a_call_that_nobody_answered_is_told_with_its_status(
    work: AfterCalls, database: Database, live: LiveCalls, agent: Agent, host: UUID
) -> None:
    call = await outbound(database, agent, overrides={"external_webhook_url": HOOK})
    await offer(database, call, host)
    assert await live.claim(call, 1, host) is not None
    await live.dial_failed(call, 1, "busy", 486, "Busy Here")
    await work.after_call(str(call), str(agent.workspace_id))
    [delivery] = await told(database, call)
    payload = json.loads(delivery.body)
    assert (payload["status"], payload["call"]["status"], payload["call"]["duration"]) == ("busy", "busy", 0)


async def test_the_agents_address_is_used_where_the_call_names_none_and_without_any_nothing_is_sent(
    work: AfterCalls, database: Database, live: LiveCalls, agent: Agent
) -> None:
    silent = await talked(database, live, agent, overrides={})
    await work.after_call(str(silent), str(agent.workspace_id))
    assert await told(database, silent) == []
    async with database.workspace(agent.workspace_id) as session:
        await session.execute(update(Agent).values(external_webhook_url="https://agent.example.com/hook"))
    call = await talked(database, live, agent, overrides={})
    await work.after_call(str(call), str(agent.workspace_id))
    assert [each.url for each in await told(database, call)] == ["https://agent.example.com/hook"]


async def test_extractors_and_evaluations_are_on_the_record_and_in_the_webhook(
    work: AfterCalls, database: Database, live: LiveCalls, agent: Agent
) -> None:
    await equip(database, agent)
    call = await talked(database, live, agent)
    await work.after_call(str(call), str(agent.workspace_id))
    row = await stored(database, call)
    assert {"info_extractor_mood", "friendly"} <= row.executed_actions.keys()
    assert row.collected_variables[str(agent.id)]["mood"]["collected"] is True
    [delivery] = await told(database, call)
    payload = json.loads(delivery.body)
    assert payload["executed_actions"] == row.executed_actions
    assert payload["collected_variables"] == row.collected_variables[str(agent.id)]
    late = Note(5000, Kind.MODEL, {"model": "late"})
    await live.append_late(agent.workspace_id, call, 9, [late])
    assert (await stored(database, call)).executed_actions == row.executed_actions


async def equip(database: Database, agent: Agent) -> None:
    """An extractor and an evaluation for the agent."""
    bodies = {
        "INFORMATION_EXTRACTOR": {
            "type": "OPEN_QUESTION",
            "identifier": "mood",
            "condition": "How was the caller?",
            "description": "How was the caller?",
            "choices": [],
            "examples": [],
        },
        "CUSTOM_EVAL": {
            "question": {
                "identifier": "friendly",
                "category": "descriptive",
                "text": "Was the agent friendly?",
            }
        },
    }
    async with database.workspace(agent.workspace_id) as session:
        for position, (type_, body) in enumerate(bodies.items()):
            action = Action(workspace_id=agent.workspace_id, type=type_, name=type_.lower(), settings=body)
            session.add(action)
            await session.flush()
            session.add(
                AgentAction(
                    workspace_id=agent.workspace_id, agent_id=agent.id, action_id=action.id, position=position
                )
            )


async def test_an_action_after_the_call_has_what_was_extracted_and_runs_once(
    work: AfterCalls, database: Database, live: LiveCalls, agent: Agent
) -> None:
    await equip(database, agent)
    async with web() as crm:
        await act_after(database, agent, crm.url("/leads?mood={mood}"))
        call = await talked(database, live, agent)
        await work.after_call(str(call), str(agent.workspace_id))
        await work.after_call(str(call), str(agent.workspace_id))
        assert [asked.target for asked in crm.asked] == ["/leads?mood=Said%20so."]
    entry = (await stored(database, call)).executed_actions["Tell the CRM"]
    assert entry["error_message"] == ""
    [delivery] = await told(database, call)
    assert json.loads(delivery.body)["executed_actions"]["Tell the CRM"] == entry


async def act_after(database: Database, agent: Agent, url: str) -> None:
    """A custom action of the agent's, after the call."""
    path, _, query = url.partition("?")
    name, _, value = query.partition("=")
    settings = {
        "http_mode": "GET",
        "url": path,
        "name": "Tell the CRM",
        "description": "Tells the CRM.",
        "query_parameters": [{"key": name, "value": value}],
        "failure_timeout": 30,
    }
    async with database.workspace(agent.workspace_id) as session:
        action = Action(
            workspace_id=agent.workspace_id, type="CUSTOM_ACTION", name="Tell the CRM", settings=settings
        )
        session.add(action)
        await session.flush()
        session.add(
            AgentAction(
                workspace_id=agent.workspace_id,
                agent_id=agent.id,
                action_id=action.id,
                position=9,
                attachment_type="after",
            )
        )


async def test_many_calls_that_end_at_once_leave_the_database_connections(
    work: AfterCalls, database: Database, live: LiveCalls, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [await talked(database, live, agent) for _ in range(12)]
    system, open_, most = database.system, 0, 0

    @asynccontextmanager
    async def counted() -> AsyncIterator[AsyncSession]:
        nonlocal open_, most
        async with system() as session:
            open_ += 1
            most = max(most, open_)
            yield session
            open_ -= 1

    monkeypatch.setattr(database, "system", counted)
    await asyncio.gather(*(work.after_call(str(call), str(agent.workspace_id)) for call in calls))
    assert 1 < most <= TRANSACTIONS_AT_ONCE
    monkeypatch.undo()
    for call in calls:
        assert (await stored(database, call)).judge_results is not None
        assert len(await told(database, call)) == 1
