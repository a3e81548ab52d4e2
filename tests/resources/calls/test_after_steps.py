"""The steps after a call: by which version of the agent they go, and what becomes of one that cannot be done."""

import json
from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update

from tests.resources.calls.conftest import stored
from tests.resources.calls.test_after import (
    Memory,
    act_after,
    equip,
    memory,  # noqa: F401 - a fixture
    model,  # noqa: F401
    steps,
    talked,
    told,
    woken,  # noqa: F401
    work,  # noqa: F401
)
from trunkline.platform.storage.database import Database
from trunkline.resources.actions.models import AgentAction
from trunkline.resources.actions.repository import ActionRepository
from trunkline.resources.agent_versions.repository import AgentVersionRepository
from trunkline.resources.agent_versions.writing import VersionWriter
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls import after, after_steps
from trunkline.resources.calls.after_tasks import AGAIN_AFTER, MOST_BEGINS, MOST_TRIES, AfterCalls
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.calls.models import AfterCallStep
from trunkline.voice.language.twins import Line, ScriptedLanguageModel

ADDRESS = "http://127.0.0.1:9/leads?mood={mood}"


class Broken(Exception):
    """Nobody foresaw it."""


async def breaks(*_: Any, **__: Any) -> None:
    raise Broken("+14155550134")


async def run(work: AfterCalls, call: UUID, agent: Agent) -> Counter[str]:  # noqa: F811 - the fixture's name
    """The job, as often as the engine runs it; what it raised."""
    raised: Counter[str] = Counter()
    for _ in range(len(AGAIN_AFTER) + 1):
        try:
            await work.after_call(str(call), str(agent.workspace_id))
        except Exception as error:  # noqa: BLE001 - as the engine does
            raised[type(error).__name__] += 1
        else:
            break
    return raised


async def errors(database: Database, call: UUID) -> dict[str, str | None]:
    async with database.system() as session:
        rows = await session.scalars(select(AfterCallStep).where(AfterCallStep.call_id == call))
        return {each.step: each.error for each in rows}


async def test_a_fault_that_nobody_foresaw_is_tried_as_often_as_any_and_its_name_is_kept(
    work: AfterCalls,  # noqa: F811
    database: Database,
    live: LiveCalls,
    agent: Agent,
) -> None:
    work._remember = breaks
    call = await talked(database, live, agent)
    assert await run(work, call, agent) == {"Broken": MOST_TRIES - 1}
    assert await steps(database, call) == {"judge": "done", "memory": "failed"}
    assert (await errors(database, call))["memory"] == "It failed (Broken); the worker's log says where."


async def test_an_action_that_is_given_up_is_on_the_record_and_in_the_webhook_with_its_error(
    work: AfterCalls,  # noqa: F811
    database: Database,
    live: LiveCalls,
    agent: Agent,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(after_steps, "run_after", breaks)
    await act_after(database, agent, ADDRESS)
    call = await talked(database, live, agent)
    assert await run(work, call, agent) == {"Broken": MOST_TRIES - 1}
    entry = (await stored(database, call)).executed_actions["Tell the CRM"]
    assert entry["error_message"] == "It failed (Broken); the worker's log says where."
    [delivery] = await told(database, call)
    assert json.loads(delivery.body)["executed_actions"] == {"Tell the CRM": entry}


async def test_the_jobs_tries_are_enough_for_extractors_and_then_actions_that_fail(
    work: AfterCalls,  # noqa: F811
    database: Database,
    live: LiveCalls,
    agent: Agent,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(after_steps, "extract_all", breaks)
    monkeypatch.setattr(after_steps, "run_after", breaks)
    await equip(database, agent)
    await act_after(database, agent, ADDRESS)
    call = await talked(database, live, agent)
    assert await run(work, call, agent) == {"Broken": 2 * (MOST_TRIES - 1)}
    ends = {step.partition(":")[0]: state for step, state in (await steps(database, call)).items()}
    assert ends == {
        "judge": "done",
        "memory": "done",
        "evaluation": "done",
        "extractors": "failed",
        "action": "failed",
    }


@pytest.mark.parametrize(
    ("deaths", "end"), [(MOST_BEGINS - 1, "done"), (MOST_BEGINS, "failed")], ids=["many", "too many"]
)
async def test_who_dies_over_a_step_leaves_it_to_others_a_few_times(
    work: AfterCalls,  # noqa: F811
    database: Database,
    live: LiveCalls,
    agent: Agent,
    deaths: int,
    end: str,
) -> None:
    call = await talked(database, live, agent)
    async with database.system() as session:
        held = await after.held(session, call)
        assert held is not None
        await after.plan(session, held, [after.JUDGE])
        for _ in range(deaths):
            assert await after.take(session, call, after.JUDGE) is not None
    assert await run(work, call, agent) == {}
    assert await steps(database, call) == {"judge": end}
    too_often = f"It was begun {MOST_BEGINS} times and never came to its end."
    assert (await errors(database, call))["judge"] == (None if end == "done" else too_often)


async def test_a_fault_that_passed_leaves_nothing_on_the_record(
    work: AfterCalls,  # noqa: F811
    database: Database,
    live: LiveCalls,
    agent: Agent,
    model: ScriptedLanguageModel,  # noqa: F811
) -> None:
    call = await talked(database, live, agent)
    work._model = ScriptedLanguageModel(Line(fail="The endpoint is away."))
    with pytest.raises(Exception, match="away"):
        await work.after_call(str(call), str(agent.workspace_id))
    assert await errors(database, call) == {"judge": "The endpoint is away.", "memory": None}
    work._model = model
    assert await run(work, call, agent) == {}
    assert await errors(database, call) == {"judge": None, "memory": None}


async def test_a_call_goes_by_the_version_of_its_agent_that_held_it(
    work: AfterCalls,  # noqa: F811
    database: Database,
    live: LiveCalls,
    agent: Agent,
    memory: Memory,  # noqa: F811
) -> None:
    await equip(database, agent)
    await write(database, agent)
    call = await talked(database, live, agent, agent_version="1")
    async with database.workspace(agent.workspace_id) as session:
        await session.execute(delete(AgentAction))
        await session.execute(update(Agent).values(settings={**agent.settings, "prompt": "You sell."}))
    await write(database, agent)
    later = await talked(database, live, agent, agent_version="2")
    for each in (call, later):
        await work.after_call(str(each), str(agent.workspace_id))
    assert [talk.prompt for talk in memory.talks] == ["You greet +15550199.", "You sell."]
    assert {"info_extractor_mood", "friendly"} <= (await stored(database, call)).executed_actions.keys()
    assert (await stored(database, later)).executed_actions == {}
    async with database.system() as session:
        today = await session.get_one(Agent, agent.id)
    assert today.settings["prompt"] == "You sell.", "nothing is put back"


async def write(database: Database, agent: Agent) -> None:
    """The next version of the agent, as it is."""
    owner = agent.workspace_id
    async with database.workspace(owner) as session:
        writer = VersionWriter(AgentVersionRepository(session, owner), ActionRepository(session, owner))
        await writer.write(await session.get_one(Agent, agent.id))
