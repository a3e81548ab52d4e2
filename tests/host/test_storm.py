"""Calls in a storm of faults: whatever happens, each ends once, and what is told of it agrees.

Thousands of calls over a host whose rows are in memory and whose time is virtual; some hundreds over PostgreSQL, in real
time. `TRUNKLINE_STORM_SEED` begins with that round, `TRUNKLINE_STORM_ROUNDS` says how many there are, whatever they take.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from structlog.testing import capture_logs

from tests.host.storm import Storm
from tests.host.storm_clock import run
from tests.host.storm_database import Tables
from tests.host.storm_ledger import Ledger
from tests.host.storm_rules import Told, check
from trunkline.platform.storage.database import Database
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.live import LiveCalls

_CALLS = 250
"""In a round on a virtual clock."""
_REPLAY = (
    "TRUNKLINE_STORM_SEED={seed} TRUNKLINE_STORM_ROUNDS=1 .venv/bin/pytest tests/host/test_storm.py -k {test}"
)


def _seeds(rounds: int, seconds: float) -> Iterator[int]:
    """A seed a round; none is begun after so many seconds, unless it was asked for."""
    first = int(os.environ.get("TRUNKLINE_STORM_SEED", time.time_ns() % 1_000_000))
    asked = os.environ.get("TRUNKLINE_STORM_ROUNDS")
    until = time.monotonic() + seconds
    for seed in range(first, first + int(asked or rounds)):
        if seed == first or asked or time.monotonic() < until:
            yield seed


@contextmanager
def _replayable(seed: int, test: str) -> Iterator[None]:
    """A round of this seed, in which nothing is logged as a fault of ours."""
    try:
        with capture_logs() as logs:
            yield
        faults = [line for line in logs if line["log_level"] in ("error", "critical")]
        assert not faults, f"{len(faults)} faults, the first: {faults[0]}"
    except BaseException:
        sys.stdout.write(f"A storm broke something; again with: {_REPLAY.format(seed=seed, test=test)}\n")
        raise


async def _in_memory(seed: int, calls: int, folder: Path) -> tuple[list[Told], bytes]:
    """What is told of a round on the virtual clock, and all its sound."""
    ledger = Ledger(seed)
    storm = Storm(seed, ledger, folder, calls, stay=60.0)
    await storm.blow()
    told = await ledger.told(set())
    await check(told, ledger.blobs)
    assert max(storm.rings.values(), default=0) <= 1, "somebody was dialled twice"
    sound = sha256()
    for call in told:
        if call.recording is not None:
            sound.update(await ledger.blobs.get(call.recording))
    return told, sound.digest()


def test_thousands_of_calls_in_a_storm(tmp_path: Path) -> None:
    calls = 0
    for seed in _seeds(rounds=12, seconds=25):
        with _replayable(seed, "thousands"):
            told, _ = run(_in_memory(seed, _CALLS, tmp_path / str(seed)))
        calls += len(told)
    sys.stdout.write(f"{calls} calls, the last of seed {seed}\n")
    assert calls >= _CALLS // 2


def test_a_seed_gives_the_same_calls(tmp_path: Path) -> None:
    seed = next(_seeds(1, 0))
    with _replayable(seed, "same"):
        first, again = (run(_in_memory(seed, 40, tmp_path / name)) for name in ("first", "again"))
        assert first == again


async def test_hundreds_of_calls_in_a_storm_over_a_database(
    database: Database, live: LiveCalls, agent: Agent, tmp_path: Path
) -> None:
    checked = set[UUID]()
    for seed in _seeds(rounds=100, seconds=8):
        with _replayable(seed, "database"):
            folder = tmp_path / str(seed)
            tables = Tables(seed, database, live, agent, folder)
            storm = Storm(seed, tables, folder)
            await storm.blow()
            told = await tables.told(checked)
            await check(told, tables.blobs)
            assert max(storm.rings.values(), default=0) <= 1, "somebody was dialled twice"
        checked |= {call.id for call in told}
    sys.stdout.write(f"{len(checked)} calls, the last of seed {seed}\n")
    assert len(checked) >= 10
