"""Lists of calls at length: how long a page takes, whatever is asked for and however far in, in a table of a million.

One embedded PostgreSQL, filled by itself: 20 workspaces, the largest with 30 % of the calls. What is timed is what
`GET /v2/calls` does for a page (transaction, row-level security, query, rows); totals, which the API remembers for a
moment, are timed apart.
"""

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid5

import psycopg

from benchmarks.figures import Figure
from trunkline.platform.http.landmarks import Landmarks
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.storage.migrate import upgrade
from trunkline.resources.calls.filters import CallFilter
from trunkline.resources.calls.repository import CallRepository
from trunkline.resources.calls.service import page_of

WORKSPACES = 20
LARGEST_SHARE = 0.3
AGENTS = 20
"""In each workspace."""
YEAR_S = 365 * 24 * 3600
PAGE = 20
FAR = 100_000
SAMPLES = 200
WARM_UP = 5
GOAL_MS = 25.0

Read = Callable[[CallRepository], Awaitable[object]]

_SEED = 20261122
_NAMES = UUID("5f0c8a52-6f0e-4c0e-9a39-0f6f4d3f2b11")
_STATUSES = ("completed",) * 14 + ("no-answer",) * 3 + ("busy", "failed", "voicemail")

_FILL = """
INSERT INTO calls (id, workspace_id, agent_id, direction, status, name, other_party, agent_number, number_from,
                   number_to, created_at, started_at, ended_at, duration_s, batch_call_id, transcript, agents_used)
SELECT gen_random_uuid(), %(workspace)s, (%(agents)s::uuid[])[1 + (n * 7919) %% %(many)s], 'outbound',
       (%(statuses)s::text[])[1 + (n * 104729) %% %(kinds)s], 'Lead ' || n,
       '+1415' || lpad((n %% 10000000)::text, 7, '0'), '+14155550100', '+14155550100',
       '+1415' || lpad((n %% 10000000)::text, 7, '0'),
       at, at, at + interval '1 minute' * (n %% 7), (n * 31) %% 600,
       CASE WHEN n %% 10 = 0 THEN (%(batches)s::uuid[])[1 + (n / 10) %% 20] END,
       repeat('bot: Hello, how can I help? human: I would like to know your opening hours. ', 5),
       jsonb_build_array((%(agents)s::uuid[])[1 + (n * 7919) %% %(many)s])
FROM (SELECT n, now() - interval '1 second' * (n::float8 / %(count)s * %(year)s) AS at
      FROM generate_series(1::bigint, %(count)s) AS n) AS made
"""


@dataclass(frozen=True)
class Filled:
    """The largest workspace of a filled database."""

    url: str
    workspace: UUID
    agent: UUID
    batch: UUID
    calls: int


def measure(full: bool) -> Iterator[Figure]:
    """Figures at one million calls; with `full` at ten million as well."""
    for rows in (1_000_000, 10_000_000) if full else (1_000_000,):
        with tempfile.TemporaryDirectory(prefix="tl-lists-") as folder:
            server = EmbeddedPostgres(Path(folder), durable=False)
            try:
                server.start()
                upgrade(server.owner_url)
                began = time.monotonic()
                filled = _fill(server, rows)
                yield Figure(
                    f"lists_{_short(rows)}_filled", time.monotonic() - began, "s", None, "load and VACUUM"
                )
                yield from asyncio.run(_measured(filled, rows))
            finally:
                server.stop()


def _fill(server: EmbeddedPostgres, rows: int) -> Filled:
    largest = int(rows * LARGEST_SHARE)
    others = (rows - largest) // (WORKSPACES - 1)
    with psycopg.connect(server.owner_url, autocommit=True) as connection:
        for number in range(WORKSPACES):
            workspace = uuid5(_NAMES, f"workspace {number}")
            agents = [uuid5(workspace, f"agent {each}") for each in range(AGENTS)]
            connection.execute("INSERT INTO workspaces (id, name) VALUES (%s, %s)", [workspace, f"W{number}"])
            for agent in agents:
                connection.execute(
                    "INSERT INTO agents (id, workspace_id, name, type) VALUES (%s, %s, 'A', 'outbound')",
                    [agent, workspace],
                )
            values = {
                "workspace": workspace,
                "agents": agents,
                "many": AGENTS,
                "statuses": list(_STATUSES),
                "kinds": len(_STATUSES),
                "batches": [uuid5(workspace, f"batch {each}") for each in range(20)],
                "count": others if number else largest,
                "year": YEAR_S,
            }
            connection.execute(_FILL, values)
        connection.execute("VACUUM ANALYZE calls")
    first = uuid5(_NAMES, "workspace 0")
    return Filled(server.app_url, first, uuid5(first, "agent 3"), uuid5(first, "batch 3"), largest)


def _filters(filled: Filled, now: datetime) -> dict[str, CallFilter]:
    """Each documented filter alone."""
    return {
        "model_id": CallFilter(agent=str(filled.agent)),
        "call_status": CallFilter(status="completed"),
        "call_status_rare": CallFilter(status="busy"),
        "duration_min": CallFilter(shortest=590),
        "duration_max": CallFilter(longest=5),
        "duration_both": CallFilter(shortest=100, longest=110),
        "lead_phone_number": CallFilter(number=f"+1415{filled.calls // 2:07d}"),
        "batch_call_id": CallFilter(batch=str(filled.batch)),
        "from_date": CallFilter(since=now - timedelta(days=30)),
        "to_date": CallFilter(until=now - timedelta(days=300)),
    }


class _Meter:
    """Times reads of one workspace's calls."""

    def __init__(self, filled: Filled, rows: int) -> None:
        self._filled = filled
        self._prefix = f"lists_{_short(rows)}"
        self._database = Database.connect(filled.url, pool_size=2)
        self._landmarks = Landmarks()
        self.figures: list[Figure] = []

    async def page(self, name: str, how: str, wanted: CallFilter) -> None:
        """Page one of the calls of a kind."""
        await self._measure({name: (how, self._read(wanted, lambda: 0))}, f"<= {GOAL_MS:.0f}")

    async def far_and_near(self, dice: random.Random) -> None:
        """Pages of all calls, near and far in turn, and how many times as long the far ones take."""
        everything, calls = CallFilter(), self._filled.calls
        medians = await self._measure(
            {
                "page_one": (f"{calls:,} calls are the workspace's", self._read(everything, lambda: 0)),
                "page_far": (f"offset {FAR:,}", self._read(everything, lambda: FAR)),
                "page_anywhere": (
                    f"offsets by chance, seed {_SEED}",
                    self._read(everything, lambda: dice.randrange(calls)),
                ),
            },
            f"<= {GOAL_MS:.0f}",
        )
        ratio = max(medians[1:]) / medians[0]
        how = "medians, measured in turn: the slower of far and anywhere to page one"
        self.figures.append(Figure(f"{self._prefix}_far_to_one", ratio, "x", "<= 2", how))

    async def total(self, name: str, wanted: CallFilter) -> None:
        """How many calls of a kind there are."""
        await self._measure({name: ("counted anew", lambda calls: calls.count(wanted))}, None)

    async def close(self) -> None:
        """Let go of the database."""
        await self._database.close()

    def _read(self, wanted: CallFilter, offset: Callable[[], int]) -> Read:
        key = (self._filled.workspace, wanted)
        return lambda calls: page_of(calls, key, PAGE, offset(), self._landmarks)

    async def _measure(self, reads: dict[str, tuple[str, Read]], goal: str | None) -> list[float]:
        """Medians in ms, in the order of `reads`."""
        times: dict[str, list[float]] = {name: [] for name in reads}
        for sample in range(WARM_UP + SAMPLES):
            for name, (_, read) in reads.items():
                took = await self._timed(read)
                if sample >= WARM_UP:
                    times[name].append(took)
        for name, (how, _) in reads.items():
            taken = sorted(times[name])
            figures = (("p50", statistics.median(taken), None), ("p99", taken[int(SAMPLES * 0.99) - 1], goal))
            self.figures += [
                Figure(f"{self._prefix}_{name}_{which}", value, "ms", bound, how)
                for which, value, bound in figures
            ]
        return [statistics.median(each) for each in times.values()]

    async def _timed(self, read: Read) -> float:
        began = time.perf_counter()
        async with self._database.workspace(self._filled.workspace) as session:
            await read(CallRepository(session, self._filled.workspace))
        return (time.perf_counter() - began) * 1000


async def _measured(filled: Filled, rows: int) -> list[Figure]:
    dice = random.Random(_SEED)
    meter = _Meter(filled, rows)
    now = datetime.now(UTC)
    try:
        await meter.far_and_near(dice)
        await meter.total("total", CallFilter())
        for name, wanted in _filters(filled, now).items():
            await meter.page(f"by_{name}", "page one", wanted)
            if not (wanted.since or wanted.until):
                dated = replace(wanted, since=now - timedelta(days=90), until=now - timedelta(days=30))
                await meter.page(f"by_{name}_and_dates", "page one of two months", dated)
            await meter.total(f"total_by_{name}", wanted)
    finally:
        await meter.close()
    return meter.figures


def _short(rows: int) -> str:
    return f"{rows // 1_000_000}m"
