"""Ends of steps that are written together, on the real database."""

import asyncio
import json
from uuid import UUID

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from tests.resources.calls.conftest import stored
from tests.resources.calls.test_after import (
    begun,
    memory,  # noqa: F401 - a fixture
    model,  # noqa: F401
    planned,
    steps,
    talked,
    told,
    woken,  # noqa: F401
    work,  # noqa: F401
)
from trunkline.errors import Unavailable
from trunkline.platform.storage.database import Database
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls import after
from trunkline.resources.calls.after import EXTRACTORS, JUDGE, Findings, StepState, Taken
from trunkline.resources.calls.after_tasks import AfterCalls
from trunkline.resources.calls.live import LiveCalls

DONE = Findings(judged={"goal": "true"})


async def taken(database: Database, live: LiveCalls, agent: Agent, *names: str) -> list[Taken]:
    """Steps of a call that has ended, each begun."""
    call = await talked(database, live, agent)
    await planned(database, call, *names)
    return [await begun(database, call, name) for name in names]


async def test_steps_that_end_together_are_three_statements(
    work: AfterCalls,  # noqa: F811
    database: Database,
    live: LiveCalls,
    agent: Agent,
) -> None:
    ends = [(await taken(database, live, agent, JUDGE))[0] for _ in range(5)]
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(database._engine.sync_engine, "before_cursor_execute", note)
    await asyncio.gather(*(work._end(each, StepState.DONE, DONE) for each in ends))
    event.remove(database._engine.sync_engine, "before_cursor_execute", note)
    assert len(sent) == 1 + 3, sent  # the first takes the role
    for each in ends:
        [delivery] = await told(database, each.call_id)
        assert json.loads(delivery.body)["analysis"] == {"goal": "true"}


async def test_one_that_cannot_be_written_fails_alone(
    work: AfterCalls,  # noqa: F811
    database: Database,
    live: LiveCalls,
    agent: Agent,
) -> None:
    good, bad = [(await taken(database, live, agent, JUDGE))[0] for _ in range(2)]
    ended, failed = await asyncio.gather(
        work._end(good, StepState.DONE, DONE),
        work._end(bad, StepState.DONE, Findings(judged={"goal": "\x00"})),
        return_exceptions=True,
    )
    assert ended is None
    assert isinstance(failed, DBAPIError)
    assert (await _state(database, good.call_id), await _state(database, bad.call_id)) == ("done", "pending")
    assert len(await told(database, good.call_id)) == 1


async def test_two_steps_of_one_call_that_end_at_once_are_both_recorded_and_told(
    work: AfterCalls,  # noqa: F811
    database: Database,
    live: LiveCalls,
    agent: Agent,
) -> None:
    judge, extractors = await taken(database, live, agent, JUDGE, EXTRACTORS)
    found = Findings(entries={"mood": {"name": "mood"}})
    await asyncio.gather(work._end(judge, StepState.DONE, DONE), work._end(extractors, StepState.DONE, found))
    call = await stored(database, judge.call_id)
    assert (call.judge_results, call.executed_actions) == ({"goal": "true"}, {"mood": {"name": "mood"}})
    [delivery] = await told(database, judge.call_id)
    payload = json.loads(delivery.body)
    assert (payload["analysis"], payload["executed_actions"]["mood"]) == ({"goal": "true"}, {"name": "mood"})


async def test_who_was_taken_over_changes_nothing_beside_one_that_was_not(
    work: AfterCalls,  # noqa: F811
    database: Database,
    live: LiveCalls,
    agent: Agent,
) -> None:
    mine, late = [(await taken(database, live, agent, JUDGE))[0] for _ in range(2)]
    await begun(database, late.call_id, JUDGE)
    endings = [after.ending(each, StepState.DONE, DONE) for each in (mine, late)]
    ours = await asyncio.gather(*(work._ends.write(each) for each in endings))
    assert ours == [True, False]
    assert await _state(database, late.call_id) == "pending"


async def test_all_hear_of_a_database_that_is_away(
    work: AfterCalls,  # noqa: F811
    database: Database,
    live: LiveCalls,
    agent: Agent,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ends = [(await taken(database, live, agent, JUDGE))[0] for _ in range(2)]
    tried: list[int] = []

    async def end(session: object, endings: list[object]) -> list[UUID]:
        tried.append(len(endings))
        raise Unavailable("away")

    with monkeypatch.context() as away:
        away.setattr(after, "end", end)
        failed = await asyncio.gather(
            *(work._end(each, StepState.DONE, DONE) for each in ends), return_exceptions=True
        )
    assert [type(each) for each in failed] == [Unavailable, Unavailable]
    assert tried == [2]
    await asyncio.gather(*(work._end(each, StepState.DONE, DONE) for each in ends))
    assert await _state(database, ends[0].call_id) == "done"


async def _state(database: Database, call: UUID) -> str:
    return (await steps(database, call))[JUDGE]
