"""Calls in a storm of faults: whatever happens, each ends once, and what is told of it agrees.

`TRUNKLINE_STORM_SECONDS` is how long the storm blows (20); `TRUNKLINE_STORM_SEED` begins with that round.
"""

import os
import sys
import time
from pathlib import Path
from uuid import UUID

from tests.host.storm import Storm, check
from trunkline.platform.storage.database import Database
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.live import LiveCalls

_REPLAY = "TRUNKLINE_STORM_SEED={seed} TRUNKLINE_STORM_SECONDS=0 .venv/bin/pytest tests/host/test_storm.py"


async def test_calls_in_a_storm(database: Database, live: LiveCalls, agent: Agent, tmp_path: Path) -> None:
    first = int(os.environ.get("TRUNKLINE_STORM_SEED", time.time_ns() % 1_000_000))
    until = time.monotonic() + float(os.environ.get("TRUNKLINE_STORM_SECONDS", "20"))
    seed, checked = first, set[UUID]()
    while seed == first or time.monotonic() < until:
        storm = Storm(seed, database, live, agent, tmp_path)
        try:
            await storm.blow()
            await check(storm, checked)
        except BaseException:
            sys.stdout.write(f"A storm broke something; again with: {_REPLAY.format(seed=seed)}\n")
            raise
        seed += 1
    sys.stdout.write(f"{len(checked)} calls in {seed - first} rounds from seed {first}\n")
    assert len(checked) >= 10
