"""From the last verdict of a call to its webhook, on the real database."""

import asyncio
import json

from sqlalchemy import event, text

from tests.resources.calls.test_after import (
    begun,
    memory,  # noqa: F401 - a fixture
    model,  # noqa: F401
    planned,
    talked,
    told,
    woken,  # noqa: F401
    work,  # noqa: F401
)
from trunkline.platform.storage.database import Database
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls import after
from trunkline.resources.calls.after import JUDGE, Findings, StepState
from trunkline.resources.calls.after_tasks import AfterCalls
from trunkline.resources.calls.after_webhook import tell
from trunkline.resources.calls.live import LiveCalls


async def test_from_a_verdict_to_its_webhook_it_is_three_statements(
    work: AfterCalls,  # noqa: F811
    database: Database,
    live: LiveCalls,
    agent: Agent,
    woken: asyncio.Event,  # noqa: F811
) -> None:
    call = await talked(database, live, agent)
    await planned(database, call, JUDGE, after.MEMORY)
    taken = await begun(database, call, JUDGE)
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(database._engine.sync_engine, "before_cursor_execute", note)
    await work._end(taken, StepState.DONE, Findings(judged={"goal": "true"}))
    event.remove(database._engine.sync_engine, "before_cursor_execute", note)
    assert len(sent) == 1 + 3, sent  # the first takes the role
    assert woken.is_set()
    [delivery] = await told(database, call)
    assert json.loads(delivery.body)["analysis"] == {"goal": "true"}


async def test_of_two_steps_that_end_at_once_the_second_tells_of_both(
    work: AfterCalls,  # noqa: F811
    database: Database,
    live: LiveCalls,
    agent: Agent,
) -> None:
    call = await talked(database, live, agent)
    await planned(database, call, JUDGE, after.EXTRACTORS)
    judge, extractors = await begun(database, call, JUDGE), await begun(database, call, after.EXTRACTORS)
    async with database.system() as session:
        ending = after.ending(judge, StepState.DONE, Findings(judged={"goal": "true"}))
        assert await after.end(session, [ending]) == [call]
        found = Findings(
            entries={"mood": {"name": "mood"}}, collected={"agent": {"mood": {"collected": True}}}
        )
        second = asyncio.create_task(work._end(extractors, StepState.DONE, found))
        while not await session.scalar(_WAITING):  # noqa: ASYNC110 - another session waits, and tells nobody
            await asyncio.sleep(0.01)
        assert not await tell(session, [call], lambda _: None)
    await second
    [delivery] = await told(database, call)
    payload = json.loads(delivery.body)
    assert (payload["analysis"], payload["executed_actions"]["mood"]) == ({"goal": "true"}, {"name": "mood"})
    assert payload["collected_variables"] == {"mood": {"collected": True}}


_WAITING = text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
