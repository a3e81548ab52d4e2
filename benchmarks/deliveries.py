"""Webhook deliveries: how many a second reach a receiver on this machine.

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
from pathlib import Path
from typing import cast
from uuid import UUID, uuid4

import psycopg
import structlog
import uvloop

from benchmarks.figures import Figure
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.storage.migrate import upgrade
from trunkline.platform.storage.secrets import SecretBox
from trunkline.platform.work.schedules import Schedules
from trunkline.platform.work.wakeups import Wakeups
from trunkline.resources.webhooks.delivering import AT_ONCE, Deliverer

QUEUED = 4_000
_BOX = SecretBox("only-for-benchmarks-0123456789")

_WORKSPACE = "INSERT INTO workspaces (id, name) VALUES (%s, 'W')"
_AGENT = "INSERT INTO agents (id, workspace_id, name, type, external_webhook_url) VALUES (%s, %s, 'A', 'inbound', %s)"
_DELIVERIES = """
INSERT INTO deliveries (id, workspace_id, kind, call_id, agent_id, url, host, body, state, due_at, give_up_at)
SELECT gen_random_uuid(), %(workspace)s, 'external_webhook', gen_random_uuid(), %(agent)s, %(url)s, %(host)s,
       convert_to(%(body)s, 'UTF8'), 'pending', now(), now() + interval '1 day'
FROM generate_series(1, %(count)s)
"""


@dataclass(frozen=True)
class _Filled:
    server: EmbeddedPostgres
    workspace: UUID
    agent: UUID


def measure() -> Iterator[Figure]:
    """Deliveries a second out of a queue, and what each costs the worker."""
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
        finally:
            server.stop()
            receiver.terminate()


def _fill(filled: _Filled, port: int) -> None:
    url = f"http://127.0.0.1:{port}/hook"
    body = '{"call": {"transcript": "' + "bot: Hello, how can I help? " * 60 + '"}}'
    values = {"workspace": filled.workspace, "agent": filled.agent, "url": url, "host": f"127.0.0.1:{port}"}
    with psycopg.connect(filled.server.owner_url, autocommit=True) as connection:
        connection.execute(_WORKSPACE, [filled.workspace])
        connection.execute(_AGENT, [filled.agent, filled.workspace, url])
        connection.execute(_DELIVERIES, values | {"body": body, "count": QUEUED})
        connection.execute("VACUUM ANALYZE")


@asynccontextmanager
async def _deliverer(filled: _Filled) -> AsyncIterator[None]:
    database = Database.connect(filled.server.app_url, pool_size=3)
    outbound = Outbound("127.0.0.1", connections=AT_ONCE)
    deliverer, wakeups = Deliverer(database, outbound, _BOX), Wakeups(filled.server.app_url)
    deliverer.register(wakeups, Schedules(filled.server.app_url))
    tasks = [asyncio.create_task(deliverer.run()), asyncio.create_task(wakeups.run())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await outbound.close()
        await database.close()


async def _drained(filled: _Filled, port: int, receiver: Connection) -> list[Figure]:
    began, cpu = time.perf_counter(), time.process_time()
    async with _deliverer(filled):
        await _settled(filled)
    took, spent = time.perf_counter() - began, time.process_time() - cpu
    came = _arrivals(receiver)
    assert len(came) == QUEUED, len(came)
    how = f"{QUEUED:,} queued, signed, logged and settled in the database; one worker process"
    return [
        Figure("deliveries_per_second", QUEUED / took, "/s", ">= 1000", how),
        Figure("deliveries_cpu_of_worker", spent / QUEUED * 1000, "ms", None, "CPU of the worker for each"),
    ]


async def _settled(filled: _Filled) -> None:
    """Nothing is pending any more."""

    def pending() -> int:
        with psycopg.connect(filled.server.owner_url) as connection:
            row = connection.execute("SELECT count(*) FROM deliveries WHERE state = 'pending'").fetchone()
        return int(row[0]) if row else 0

    while True:
        if not await asyncio.to_thread(pending):
            return
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
