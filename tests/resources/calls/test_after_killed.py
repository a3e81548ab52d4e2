"""kill -9 of the worker, again and again, while it does what comes after calls."""

import asyncio
import json
import multiprocessing
import os
import random
import sys

from sqlalchemy import select

from tests.platform.outbound.web import Asked, response, web
from tests.resources.calls import killed
from tests.resources.calls.conftest import stored
from tests.resources.calls.test_after import talked, told
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.webhooks.models import WebhookDelivery

CALLS = 20
KILLS = 10
FAILING = 0.3
"""Share of attempts that the receiver does not take."""


async def test_nothing_is_lost_and_nothing_comes_twice_unseen(
    database: Database, postgres: EmbeddedPostgres, live: LiveCalls, agent: Agent
) -> None:
    seed = int(os.environ.get("TRUNKLINE_SEED", random.randrange(2**32)))
    sys.stdout.write(f"TRUNKLINE_SEED={seed}\n")
    dice = random.Random(seed)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([killed.__name__])
    taken: dict[str, list[Asked]] = {}

    def answer(asked: Asked) -> bytes:
        if dice.random() < FAILING:
            return response(dice.choice([500, 503, 429, 408]))
        taken.setdefault(json.loads(asked.body)["call"]["call_id"], []).append(asked)
        return response()

    async with web() as receiver:
        receiver.answer = answer
        hook = {"external_webhook_url": receiver.url()}
        calls = [await talked(database, live, agent, overrides=hook) for _ in range(CALLS // 2)]
        for round_ in range(KILLS):
            worker = processes.Process(target=killed.work, args=(postgres.app_url,))
            worker.start()
            await asyncio.sleep(dice.uniform(0.05, 0.7))
            worker.kill()
            await asyncio.to_thread(worker.join)
            if round_ % 2:
                calls += [await talked(database, live, agent, overrides=hook) for _ in range(CALLS // KILLS)]
        worker = processes.Process(target=killed.work, args=(postgres.app_url,))
        worker.start()
        try:
            await _settled(database, len(calls))
        finally:
            worker.kill()
            await asyncio.to_thread(worker.join)
        assert taken.keys() == {str(call) for call in calls}
        for call in calls:
            [delivery] = await told(database, call)
            sent = [
                asked for asked in receiver.asked if json.loads(asked.body)["call"]["call_id"] == str(call)
            ]
            assert {asked.headers["webhook-id"] for asked in sent} == {str(delivery.id)}
            assert {asked.body for asked in sent} == {delivery.body}
            judged = (await stored(database, call)).judge_results
            assert judged is not None and judged == json.loads(delivery.body)["analysis"]
            assert "Said" in judged["all_feedback"]


async def _settled(database: Database, calls: int) -> None:
    """Every call has its delivery, and every delivery has arrived; the test's own time limit ends the wait."""
    while True:
        async with database.system() as session:
            states = (await session.scalars(select(WebhookDelivery.state))).all()
        if states.count("delivered") == calls:
            return
        await asyncio.sleep(0.1)
