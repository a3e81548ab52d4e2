"""Webhook deliveries: how many a second reach a receiver on this machine, and how soon after the last verdict one does.

An embedded PostgreSQL that writes as durably as in production, a deliverer as the worker runs it, and a receiver of a
few lines in a process of its own, which notes when each delivery came and checks nothing.
"""

import asyncio
import logging
import multiprocessing
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Semaphore
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import psycopg
import structlog
import uvloop
from sqlalchemy import select

from benchmarks.figures import Figure, percentile
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.storage.migrate import upgrade
from trunkline.platform.storage.secrets import SecretBox
from trunkline.platform.work.schedules import Schedules
from trunkline.platform.work.wakeups import Wakeups
from trunkline.resources.actions.work import Means
from trunkline.resources.calls import after
from trunkline.resources.calls.after import Findings, StepState
from trunkline.resources.calls.after_tasks import AfterCalls
from trunkline.resources.calls.links import Links
from trunkline.resources.calls.models import AfterCall
from trunkline.resources.webhooks.delivering import AT_ONCE, Deliverer
from trunkline.voice.language.twins import ScriptedLanguageModel

QUEUED = 4_000
RATE = 200
RATE_SECONDS = 8
_BOX = SecretBox("only-for-benchmarks-0123456789")
_VERDICTS = {f"check_{n}": "true" for n in range(35)}

_WORKSPACE = "INSERT INTO workspaces (id, name) VALUES (%s, 'W')"
_AGENT = "INSERT INTO agents (id, workspace_id, name, type, external_webhook_url) VALUES (%s, %s, 'A', 'inbound', %s)"
_DELIVERIES = """
INSERT INTO deliveries (id, workspace_id, kind, call_id, agent_id, url, host, body, state, due_at, give_up_at)
SELECT gen_random_uuid(), %(workspace)s, 'external_webhook', gen_random_uuid(), %(agent)s, %(url)s, %(host)s,
       convert_to(%(body)s, 'UTF8'), 'pending', now(), now() + interval '1 day'
FROM generate_series(1, %(count)s)
"""
_CALLS = """
INSERT INTO calls (id, workspace_id, agent_id, direction, status, answered_at, ended_at, duration_s, transcript)
SELECT gen_random_uuid(), %(workspace)s, %(agent)s, 'inbound', 'completed', now(), now(), 60,
       repeat(E'\nbot: Hello, how can I help? human: I would like to know your opening hours.', 20)
FROM generate_series(1, %(count)s)
"""
_AFTER = """
INSERT INTO after_calls (call_id, workspace_id, planned, tell_at)
SELECT id, workspace_id, true, now() + interval '1 hour' FROM calls
"""
_STEPS = "INSERT INTO after_call_steps (call_id, workspace_id, step, state) SELECT id, workspace_id, 'judge', 'pending' FROM calls"


@dataclass(frozen=True)
class _Filled:
    server: EmbeddedPostgres
    workspace: UUID
    agent: UUID


def measure() -> Iterator[Figure]:
    """Deliveries a second out of a queue, and the time from a verdict to the receiver at 200 a second."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    receiver = context.Process(target=_receive, args=(theirs,), daemon=True)
    receiver.start()
    port = ours.recv()
    with tempfile.TemporaryDirectory(prefix="tl-deliveries-") as folder:
        server = EmbeddedPostgres(Path(folder))
        try:
            server.start()
            upgrade(server.owner_url)
            filled = _Filled(server, uuid4(), uuid4())
            _fill(filled, port)
            yield from uvloop.run(_drained(filled, port, ours))
            yield uvloop.run(_shared(filled, port, ours))
            yield from uvloop.run(_told(filled, ours))
        finally:
            server.stop()
            receiver.terminate()


def _fill(filled: _Filled, port: int) -> None:
    values = {"workspace": filled.workspace, "agent": filled.agent, "count": RATE * RATE_SECONDS}
    with psycopg.connect(filled.server.owner_url, autocommit=True) as connection:
        connection.execute(_WORKSPACE, [filled.workspace])
        connection.execute(_AGENT, [filled.agent, filled.workspace, f"http://127.0.0.1:{port}/hook"])
        _queue(connection, filled, port)
        connection.execute(_CALLS, values)
        connection.execute(_AFTER)
        connection.execute(_STEPS)
        connection.execute("VACUUM ANALYZE")


def _queue(connection: psycopg.Connection[Any], filled: _Filled, port: int) -> None:
    host, body = (
        f"127.0.0.1:{port}",
        '{"call": {"transcript": "' + "bot: Hello, how can I help? " * 60 + '"}}',
    )
    values = {
        "workspace": filled.workspace,
        "agent": filled.agent,
        "url": f"http://{host}/hook",
        "host": host,
    }
    connection.execute(_DELIVERIES, values | {"body": body, "count": QUEUED})


@asynccontextmanager
async def _deliverer(url: str) -> AsyncIterator[Deliverer]:
    database = Database.connect(url, pool_size=3)
    outbound = Outbound("127.0.0.1", connections=AT_ONCE)
    deliverer, wakeups = Deliverer(database, outbound, _BOX), Wakeups(url)
    deliverer.register(wakeups, Schedules(url))
    tasks = [asyncio.create_task(deliverer.run()), asyncio.create_task(wakeups.run())]
    try:
        yield deliverer
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await outbound.close()
        await database.close()


async def _drained(filled: _Filled, port: int, receiver: Connection) -> list[Figure]:
    began, cpu = time.perf_counter(), time.process_time()
    async with _deliverer(filled.server.app_url):
        await _settled(filled)
    took, spent = time.perf_counter() - began, time.process_time() - cpu
    came = _arrivals(receiver)
    assert len(came) == QUEUED, len(came)
    how = f"{QUEUED:,} queued, signed, logged and settled in the database; one worker process"
    return [
        Figure("deliveries_per_second", QUEUED / took, "/s", ">= 1000", how),
        Figure("deliveries_cpu_of_worker", spent / QUEUED * 1000, "ms", None, "CPU of the worker for each"),
    ]


async def _shared(filled: _Filled, port: int, receiver: Connection) -> Figure:
    """The same by two workers, each of which takes other rows."""
    context = multiprocessing.get_context("spawn")
    ready = context.Semaphore(0)
    args = (filled.server.app_url, ready)
    workers = [context.Process(target=_work, args=args, daemon=True) for _ in range(2)]
    for each in workers:
        each.start()
    for _ in workers:
        await asyncio.to_thread(ready.acquire)
    with psycopg.connect(filled.server.owner_url, autocommit=True) as connection:
        _queue(connection, filled, port)
    began = time.perf_counter()
    await _settled(filled)
    took = time.perf_counter() - began
    for each in workers:
        each.terminate()
    assert len(_arrivals(receiver)) == QUEUED
    how = "the same by two worker processes, which look for work twice a second"
    return Figure("deliveries_per_second_two_workers", QUEUED / took, "/s", None, how)


def _work(url: str, ready: Semaphore) -> None:
    async def deliver() -> None:
        async with _deliverer(url):
            ready.release()
            await asyncio.Event().wait()

    uvloop.run(deliver())


async def _told(filled: _Filled, receiver: Connection) -> list[Figure]:
    database = Database.connect(filled.server.app_url)
    links = Links(_BOX, "http://127.0.0.1")
    means = Means(database, _BOX, Outbound())
    async with database.system() as session:
        calls = (await session.scalars(select(AfterCall.call_id).where(~AfterCall.told))).all()
        taken = [step for call in calls if (step := await after.take(session, call, after.JUDGE))]
    judged: dict[str, float] = {}
    cpu = time.process_time()
    async with _deliverer(filled.server.app_url) as deliverer:
        work = AfterCalls(means, links, ScriptedLanguageModel(), _no_memory, deliverer.wake)
        await asyncio.sleep(1.0)
        began, ending = time.perf_counter(), []
        for number, step in enumerate(taken):
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            judged[str(step.call_id)] = time.time()
            ending.append(asyncio.create_task(work._end(step, StepState.DONE, Findings(judged=_VERDICTS))))
        await asyncio.gather(*ending)
        await _settled(filled)
        spent = time.process_time() - cpu
    await database.close()
    came = _arrivals(receiver)
    waits = [(at - judged[call]) * 1000 for call, at in came if call in judged]
    assert len(waits) == len(calls), (len(waits), len(calls))
    how = f"{RATE} verdicts a second for {RATE_SECONDS} s: from the last verdict of a call to its arrival"
    return [
        Figure("deliveries_after_verdict_p50", percentile(waits, 0.50), "ms", None, how),
        Figure("deliveries_after_verdict_p95", percentile(waits, 0.95), "ms", "<= 100", how),
        Figure("deliveries_after_verdict_p99", percentile(waits, 0.99), "ms", None, how),
        Figure(
            "deliveries_after_verdict_cpu",
            spent / len(calls) * 1000,
            "ms",
            None,
            "CPU of the worker for each",
        ),
    ]


async def _no_memory(*_: Any) -> None:
    return


async def _settled(filled: _Filled) -> None:
    """Nothing is pending any more."""

    def pending(connection: psycopg.Connection[tuple[int]]) -> int:
        row = connection.execute("SELECT count(*) FROM deliveries WHERE state = 'pending'").fetchone()
        return row[0] if row else 0

    with psycopg.connect(filled.server.owner_url, autocommit=True) as connection:
        while await asyncio.to_thread(pending, connection):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.05)


def _arrivals(receiver: Connection) -> list[tuple[str, float]]:
    receiver.send("what came")
    came: list[tuple[str, float]] = receiver.recv()
    return came


def _receive(pipe: Connection) -> None:
    uvloop.run(_receiving(pipe))


class _Receiver(asyncio.Protocol):
    """HTTP/1.1 with kept connections: answers 200 to all, and notes the call's id and the time."""

    def __init__(self, came: list[tuple[str, float]]) -> None:
        self._came = came
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:end].lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
            if len(self._held) < end + 4 + length:
                return
            body = self._held[end + 4 : end + 4 + length]
            self._held = self._held[end + 4 + length :]
            self._came.append((body.partition(b'"call_id": "')[2][:36].decode(), time.time()))
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


async def _receiving(pipe: Connection) -> None:
    came: list[tuple[str, float]] = []
    server = await asyncio.get_running_loop().create_server(lambda: _Receiver(came), "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    while await asyncio.to_thread(pipe.recv):
        pipe.send(list(came))
        came.clear()
