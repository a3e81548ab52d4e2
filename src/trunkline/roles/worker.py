"""The role worker: durable jobs, what is done every so often in one place, and the reaper."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx2
import structlog

from trunkline.platform.http import idempotency
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage import system
from trunkline.platform.storage.blobs import open_blobs
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.platform.telemetry import logging
from trunkline.platform.work.jobs import DRAIN_S, Jobs, Queue
from trunkline.platform.work.reaper import Reaper
from trunkline.platform.work.schedules import Schedules
from trunkline.platform.work.wakeups import Wakeups
from trunkline.resources.actions.messages import REPLIES
from trunkline.resources.actions.work import Means
from trunkline.resources.batches.tasks import BatchTasks
from trunkline.resources.calls.after_tasks import AfterCalls
from trunkline.resources.calls.links import Links
from trunkline.resources.calls.tasks import CallTasks
from trunkline.resources.chats.answering import MessengerTasks
from trunkline.resources.chats.service import Chats
from trunkline.resources.chats.tasks import ChatTasks
from trunkline.resources.knowledge.tasks import KnowledgeTasks
from trunkline.resources.limits import repository as limits
from trunkline.resources.memory.remembering import remember
from trunkline.resources.messages.replies import RECEIVED
from trunkline.resources.retention.forgetting import Retention
from trunkline.resources.simulations.forgetting import Deletion
from trunkline.resources.simulations.line_calls import LineCalls
from trunkline.resources.simulations.tasks import SimulationTasks
from trunkline.resources.vendors import Vendors
from trunkline.resources.webhooks.delivering import AT_ONCE as DELIVERIES_AT_ONCE
from trunkline.resources.webhooks.delivering import Deliverer
from trunkline.roles import installation
from trunkline.roles.language import thinking
from trunkline.roles.simulation_children import Children
from trunkline.settings import Settings
from trunkline.voice.language.embeddings_minilm import MiniLM
from trunkline.voice.models.store import Store

Run = Coroutine[Any, Any, None]

log = structlog.get_logger(__name__)

NICENESS = 5
"""Live calls on the same machine come first."""
LONG_AT_ONCE = 8
"""They wait for models rather than for this process."""
AFTER_AT_ONCE = 16
"""So do these."""
SLOW_AT_ONCE = 4
"""Some fetch while one embeds."""
SIMULATIONS_AT_ONCE = len(os.sched_getaffinity(0))
"""Each holds a core."""
DELIVERER_CONNECTIONS = 3
"""One claims, one writes, one forgets."""
RECOVER_EVERY = 3.0
REAP_EVERY = 1.0
_ASKED_WITHIN = 5.0
"""Seconds that a silent host has to answer."""
RECOUNT_EVERY = 30.0
FORGET_EVERY = 3600.0


async def run(settings: Settings) -> int:
    """Work until SIGTERM or SIGINT, then end what was begun."""
    logging.configure("worker")
    os.nice(max(0, NICENESS - os.nice(0)))
    url = installation.database_url(settings)
    database = Database.connect(url)
    try:
        await database.check_login()
        secret_box = await installation.secret_box(settings, database)
        jobs, schedules = Jobs(url), Schedules(url)
        long_jobs = Jobs(url, Queue.LONG, concurrency=LONG_AT_ONCE)
        tasks = CallTasks(database, open_blobs(settings.blobs_folder))
        tasks.register(jobs, schedules)
        BatchTasks(database, tasks).register(schedules)
        Retention(database, open_blobs(settings.blobs_folder)).register(schedules)
        Deletion(open_blobs(settings.blobs_folder)).register(jobs)
        _register_upkeep(jobs, schedules, database, tasks)
        async with (
            thinking(settings) as language,
            _slow_jobs(url, database, settings) as slow_jobs,
            _simulation_jobs(url, database, secret_box, settings) as simulation_jobs,
            _deliverer(url, secret_box, settings) as deliverer,
            _means(database, secret_box, settings) as means,
        ):
            ChatTasks(database, language.think).register(long_jobs)
            vendors = Vendors(database, secret_box, means.outbound)
            MessengerTasks(vendors, lambda owner: Chats(means, language.think, owner)).register(long_jobs)
            after_jobs = Jobs(url, Queue.AFTER, concurrency=AFTER_AT_ONCE)
            links = Links(secret_box, settings.base_url)
            after_calls = AfterCalls(means, links, language.think, remember, deliverer.wake)
            after_calls.register(after_jobs, schedules)
            wakeups = Wakeups(url)
            wakeups.listen(RECEIVED, REPLIES.heard)
            deliverer.register(wakeups, schedules)
            queues = (jobs, long_jobs, slow_jobs, simulation_jobs, after_jobs, deliverer)
            await _until_stopped([each.run() for each in queues], (schedules.run(), wakeups.run()))
    finally:
        await database.close()
    return 0


@asynccontextmanager
async def _slow_jobs(url: str, database: Database, settings: Settings) -> AsyncIterator[Jobs]:
    """What reads documents and embeds them, one core for all of it."""
    jobs = Jobs(url, Queue.SLOW, concurrency=SLOW_AT_ONCE)
    outbound = Outbound(settings.outbound_allow)
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="embeddings") as pool:
            embeddings = MiniLM(Store(settings.models_folder), pool)
            KnowledgeTasks(database, outbound, embeddings).register(jobs)
            yield jobs
    finally:
        await outbound.close()


@asynccontextmanager
async def _simulation_jobs(
    url: str, database: Database, secret_box: SecretBox, settings: Settings
) -> AsyncIterator[Jobs]:
    """What watches over simulated calls, each played in a process of its own."""
    jobs = Jobs(url, Queue.SIMULATIONS, concurrency=SIMULATIONS_AT_ONCE)
    children = Children()
    async with (
        _means(database, secret_box, settings) as means,
        httpx2.AsyncClient(timeout=_ASKED_WITHIN, trust_env=False) as nodes,
    ):
        try:
            line_calls = LineCalls(database, secret_box, nodes)
            SimulationTasks(means, open_blobs(settings.blobs_folder), children, line_calls).register(jobs)
            yield jobs
        finally:
            await children.close()


@asynccontextmanager
async def _means(database: Database, secret_box: SecretBox, settings: Settings) -> AsyncIterator[Means]:
    """What actions work with: after calls, in chats that go on by message, and in simulations that really run them."""
    outbound = Outbound(settings.outbound_allow)
    try:
        yield Means(database, secret_box, outbound)
    finally:
        await outbound.close()


@asynccontextmanager
async def _deliverer(url: str, secret_box: SecretBox, settings: Settings) -> AsyncIterator[Deliverer]:
    """What sends webhooks, with connections of its own: nothing else waits behind its many rows."""
    database = Database.connect(url, pool_size=DELIVERER_CONNECTIONS)
    outbound = Outbound(settings.outbound_allow, connections=DELIVERIES_AT_ONCE)
    try:
        yield Deliverer(database, outbound, secret_box)
    finally:
        await outbound.close()
        await database.close()


def _register_upkeep(jobs: Jobs, schedules: Schedules, database: Database, tasks: CallTasks) -> None:
    """What keeps the installation itself in order."""

    async def recount() -> None:
        async with database.system() as session:
            if wrong := await limits.recount(session):
                log.warning("concurrent_calls_recounted", workspaces=len(wrong))

    async def forget_idempotency_keys() -> None:
        async with database.system() as session:
            await system.forget_idempotency_keys(session, idempotency.KEPT)

    reaper = Reaper(database, tasks.close_calls_of_dead_hosts, lives)
    schedules.every(REAP_EVERY, reaper.look)
    schedules.every(RECOVER_EVERY, jobs.recover)
    schedules.every(RECOUNT_EVERY, recount)
    schedules.every(FORGET_EVERY, jobs.forget_finished)
    schedules.every(FORGET_EVERY, forget_idempotency_keys)


async def lives(node_id: str, control_url: str) -> bool:
    """Whether a voice host answers at its control URL, and is still that one."""
    async with httpx2.AsyncClient(timeout=_ASKED_WITHIN, trust_env=False) as client:
        try:
            answer = await client.get(f"{control_url.rstrip('/')}/nodes/{node_id}")
        except (httpx2.HTTPError, httpx2.InvalidURL):
            return False
    return answer.is_success


async def _until_stopped(work: Sequence[Run], background: Sequence[Run]) -> None:
    """All until a signal; work that is on has its time to end. Raises what any of it died of."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    working = [asyncio.create_task(each, name="work") for each in work]
    beside = [asyncio.create_task(each, name="background") for each in background]
    stopping = asyncio.create_task(stop.wait(), name="signal")
    log.info("worker_ready")
    await asyncio.wait((*working, *beside, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    ending = (*(_end(each, DRAIN_S + 5.0) for each in working), *(_end(each, 1.0) for each in beside))
    await asyncio.gather(*ending)


async def _end(task: asyncio.Task[None], patience: float) -> None:
    """Cancel a task, again if it has not ended after `patience` seconds.

    A cancellation that arrives together with an answer of the database is lost (asyncio.wait_for before Python 3.12).
    """
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=patience)
    with suppress(asyncio.CancelledError):
        await task
