"""The role worker: durable jobs, what is done every so often in one place, and the reaper."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress

import structlog

from trunkline.platform.http import idempotency
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage import system
from trunkline.platform.storage.blobs import open_blobs
from trunkline.platform.storage.database import Database
from trunkline.platform.telemetry import logging
from trunkline.platform.work.jobs import DRAIN_S, Jobs, Queue
from trunkline.platform.work.reaper import Reaper
from trunkline.platform.work.schedules import Schedules
from trunkline.resources.batches.tasks import BatchTasks
from trunkline.resources.calls.tasks import CallTasks
from trunkline.resources.knowledge.tasks import KnowledgeTasks
from trunkline.resources.limits import repository as limits
from trunkline.resources.simulations.tasks import SimulationTasks
from trunkline.roles import installation
from trunkline.roles.language import thinking
from trunkline.settings import Settings
from trunkline.voice.language.embeddings_minilm import MiniLM
from trunkline.voice.models.store import Store

log = structlog.get_logger(__name__)

NICENESS = 5
"""Live calls on the same machine come first."""
LONG_AT_ONCE = 8
"""They wait for models rather than for this process."""
SLOW_AT_ONCE = 4
"""Some fetch while one embeds."""
RECOVER_EVERY = 3.0
REAP_EVERY = 1.0
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
        await installation.secret_box(settings, database)
        jobs, schedules = Jobs(url), Schedules(url)
        long_jobs = Jobs(url, Queue.LONG, concurrency=LONG_AT_ONCE)
        tasks = CallTasks(database, open_blobs(settings.blobs_folder))
        tasks.register(jobs, schedules)
        BatchTasks(database, tasks).register(schedules)
        _register_upkeep(jobs, schedules, database, tasks)
        async with thinking(settings) as language, _slow_jobs(url, database, settings) as slow_jobs:
            SimulationTasks(database, language.think).register(long_jobs)
            await _until_stopped((jobs, long_jobs, slow_jobs), schedules)
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


def _register_upkeep(jobs: Jobs, schedules: Schedules, database: Database, tasks: CallTasks) -> None:
    """What keeps the installation itself in order."""

    async def recount() -> None:
        async with database.system() as session:
            await system.recount_slots(session)
        async with database.system() as session:
            if wrong := await limits.recount(session):
                log.warning("concurrent_calls_recounted", workspaces=len(wrong))

    async def forget_idempotency_keys() -> None:
        async with database.system() as session:
            await system.forget_idempotency_keys(session, idempotency.KEPT)

    reaper = Reaper(database, tasks.close_calls_of_dead_hosts)
    schedules.every(REAP_EVERY, reaper.look)
    schedules.every(RECOVER_EVERY, jobs.recover)
    schedules.every(RECOUNT_EVERY, recount)
    schedules.every(FORGET_EVERY, jobs.forget_finished)
    schedules.every(FORGET_EVERY, forget_idempotency_keys)


async def _until_stopped(queues: Sequence[Jobs], schedules: Schedules) -> None:
    """All until a signal; a job that is on has its time to end. Raises what any of them died of."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    working = [asyncio.create_task(jobs.run(), name="jobs") for jobs in queues]
    scheduling = asyncio.create_task(schedules.run(), name="schedules")
    stopping = asyncio.create_task(stop.wait(), name="signal")
    log.info("worker_ready")
    await asyncio.wait((*working, scheduling, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await asyncio.gather(*(_end(each, DRAIN_S + 5.0) for each in working), _end(scheduling, 1.0))


async def _end(task: asyncio.Task[None], patience: float) -> None:
    """Cancel a task, again if it has not ended after `patience` seconds.

    A cancellation that arrives together with an answer of the database is lost (asyncio.wait_for before Python 3.12).
    """
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=patience)
    with suppress(asyncio.CancelledError):
        await task
