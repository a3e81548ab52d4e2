"""Durable jobs: rows in the database, written together with what they follow from, run by workers at least once.

    await defer(session, "place_call", {"call_id": …})      # in any transaction; rolled back with it

    jobs = Jobs(url)
    @jobs.task("place_call")
    async def place_call(call_id: str) -> None: ...
    await jobs.run()                                        # in the worker

The engine is procrastinate. A worker that dies leaves its jobs to others within seconds, so a job may run twice:
whatever reaches outside needs an idempotency key or a guard row. Jobs that wait (retries, schedules) are rows with
a time, never sleeping workers. Arguments are ids, not contents: the engine's log shows them.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

import procrastinate
import procrastinate.exceptions
import psycopg
import psycopg_pool
import structlog
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import Unavailable
from trunkline.platform.storage.announcements import announce
from trunkline.platform.storage.database import SYSTEM_ROLE
from trunkline.platform.storage.url import conninfo
from trunkline.platform.telemetry import metrics

RETRY_AFTER = (1.0, 5.0, 30.0, 300.0, 1800.0)
"""Seconds before each further try of a job that raised."""
STALLED_TRIES = 10
"""A job whose worker died this often is given up: it may be what kills them."""
KEPT_HOURS = 24
FAILED_KEPT_HOURS = 30 * 24
DRAIN_S = 30.0

_CONNECT_S = 5.0
_AGAIN_S = 1.0
_UPKEEP_S = 10.0
_POLL_S = 0.5
"""New jobs are announced; those whose time has come or whose lock was freed are found by looking."""
_AWAY = (
    procrastinate.exceptions.ConnectorException,
    psycopg.OperationalError,
    psycopg_pool.PoolTimeout,
    OSError,
)


class Queue(StrEnum):
    """A worker takes the jobs of one queue; what is in another never waits for it."""

    WORK = "work"
    SLOW = "slow"
    """Jobs that hold a core for seconds."""
    LONG = "long"
    """Jobs that wait for language models, minute after minute."""
    SIMULATIONS = "simulations"
    """Jobs that each watch over a process of their own."""
    AFTER = "after"
    """What is done after a call: a webhook waits for it."""


Run = TypeVar("Run", bound=Callable[..., Awaitable[None]])

_log = structlog.get_logger(__name__)

# Order of the fields: procrastinate_job_to_defer_v1 in procrastinate's schema.sql.
_DEFER = text(
    "SELECT unnest(procrastinate_defer_jobs_v1(ARRAY[ROW("
    "CAST(:queue AS varchar), CAST(:task AS varchar), 0, CAST(:lock AS text), CAST(:queueing_lock AS text), "
    "CAST(:args AS jsonb), CAST(:at AS timestamptz))]::procrastinate_job_to_defer_v1[]))"
)


# What workers listen for (procrastinate's manager.py). Its trigger, which said so within the transaction, is taken away
# (`migrate.py`); of the job's id no use is made.
_INSERTED = {
    queue: (f"procrastinate_queue_v1#{queue}", json.dumps({"type": "job_inserted", "job_id": 0}))
    for queue in Queue
}


async def defer(
    session: AsyncSession,
    task: str,
    args: Mapping[str, object],
    queue: Queue = Queue.WORK,
    lock: str | None = None,
    queueing_lock: str | None = None,
    at: datetime | None = None,
) -> int | None:
    """Enqueues a job in the session's transaction: it exists if, and only if, that commits.

    Args:
        lock: jobs of one lock run one at a time, in order.
        queueing_lock: at most one job of it waits; when one does already, nothing is added.
        at: not before.

    Returns:
        The job's id; None when `queueing_lock` was taken.
    """
    values = {
        "queue": queue,
        "task": task,
        "lock": lock,
        "queueing_lock": queueing_lock,
        "args": json.dumps(dict(args)),
        "at": at,
    }
    job: int | None = None
    if queueing_lock is None:
        job = await session.scalar(_DEFER, values)
    else:
        with suppress(IntegrityError):
            async with session.begin_nested():
                job = await session.scalar(_DEFER, values)
    if job is not None and at is None:
        announce(session, *_INSERTED[queue])
    return job


class Jobs:
    """The tasks that a worker knows, and the worker."""

    def __init__(
        self,
        url: str,
        queue: Queue = Queue.WORK,
        *,
        concurrency: int = 20,
        heartbeat_s: float = 1.0,
        stalled_s: float = 5.0,
    ) -> None:
        """`stalled_s`: a worker silent for so long is taken for dead, and its jobs are given to others."""
        self._queue = queue
        self._concurrency = concurrency
        self._heartbeat_s = heartbeat_s
        self._stalled_s = stalled_s
        self._url = url
        self._app = procrastinate.App(connector=_connector(url, psycopg_pool.AsyncConnectionPool))

    def task(self, name: str, *, retry_after: Sequence[float] = RETRY_AFTER) -> Callable[[Run], Run]:
        """Decorator: jobs deferred under `name` call this coroutine with their arguments.

        When it raises, it is run again after each pause of `retry_after` (seconds); then the job has failed.
        """

        def register(run: Run) -> Run:
            async def measured(context: procrastinate.JobContext, /, **args: object) -> None:
                await _run(name, run, context.job, args)

            retry = _RetryAfter(tuple(retry_after))
            self._app.task(name=name, pass_context=True, retry=retry)(measured)
            return run

        return register

    async def run(self) -> None:
        """Works until cancelled, then ends what it has begun (at most `DRAIN_S`). Survives an absent database."""
        while True:
            try:
                async with self._app.open_async():
                    await self._app.run_worker_async(
                        queues=[self._queue],
                        concurrency=self._concurrency,
                        install_signal_handlers=False,
                        update_heartbeat_interval=self._heartbeat_s,
                        stalled_worker_timeout=self._stalled_s,
                        fetch_job_polling_interval=_POLL_S,
                        shutdown_graceful_timeout=DRAIN_S,
                    )
                _log.warning("worker_stopped", reason="the database went away")
            except _AWAY as error:
                _log.warning("worker_stopped", reason=type(error).__name__)
            await asyncio.sleep(_AGAIN_S)

    async def recover(self) -> None:
        """Gives the jobs of dead workers to living ones; to be called every few seconds in one place."""
        async with self._upkeep() as manager:
            for job in await manager.get_stalled_jobs(seconds_since_heartbeat=self._stalled_s):
                if job.attempts < STALLED_TRIES:
                    await manager.retry_job(job)
                    metrics.jobs_recovered.inc()
                    _log.warning("job_recovered", task=job.task_name, job=job.id)
                else:
                    await manager.finish_job(job, Status.FAILED, delete_job=False)
                    _log.error("job_given_up", task=job.task_name, job=job.id, tries=job.attempts)
            await manager.prune_stalled_workers(self._stalled_s)

    async def forget_finished(self) -> None:
        """Deletes finished jobs after a day, failed ones after thirty; to be called every hour in one place."""
        async with self._upkeep() as manager:
            await manager.delete_old_jobs(KEPT_HOURS, include_cancelled=True)
            await manager.delete_old_jobs(FAILED_KEPT_HOURS, include_failed=True, include_aborted=True)

    @asynccontextmanager
    async def _upkeep(self) -> AsyncIterator[JobManager]:
        """Connections of its own: the worker's pool opens and closes with the worker."""
        app = procrastinate.App(connector=_connector(self._url, psycopg_pool.AsyncNullConnectionPool))
        try:
            async with asyncio.timeout(_UPKEEP_S), app.open_async():
                yield app.job_manager
        except _AWAY as error:
            raise Unavailable(
                "The database cannot be reached; jobs are looked after again when it is."
            ) from error


def _connector(url: str, pool: type[psycopg_pool.AsyncConnectionPool]) -> procrastinate.PsycopgConnector:
    return procrastinate.PsycopgConnector(
        pool_factory=pool,
        conninfo=conninfo(url, SYSTEM_ROLE),
        min_size=0,
        max_size=4,
        timeout=_CONNECT_S,
        kwargs={"connect_timeout": int(_CONNECT_S)},
    )


class _RetryAfter(procrastinate.BaseRetryStrategy):
    def __init__(self, pauses: tuple[float, ...]) -> None:
        self._pauses = pauses

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> procrastinate.RetryDecision | None:
        if isinstance(
            exception, asyncio.CancelledError | JobAborted
        ):  # the worker stops: somebody else's, at once
            return procrastinate.RetryDecision()
        if job.attempts >= len(self._pauses):
            return None
        return procrastinate.RetryDecision(
            retry_at=datetime.now(UTC) + timedelta(seconds=self._pauses[job.attempts])
        )


async def _run(name: str, run: Callable[..., Awaitable[None]], job: Job, args: Mapping[str, object]) -> None:
    began = time.monotonic()
    with structlog.contextvars.bound_contextvars(task=name, job=job.id):
        try:
            await run(**args)
        except Exception as error:
            metrics.jobs_done.labels(name, "raised").inc()
            _log.warning("job_raised", error=type(error).__name__, tries=job.attempts + 1)
            raise
        metrics.jobs_done.labels(name, "done").inc()
        metrics.job_seconds.labels(name).observe(time.monotonic() - began)
