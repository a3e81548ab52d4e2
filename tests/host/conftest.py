"""A whole voice host over loopback lines, moved by hand, on a real database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.host.rig import Rig
from tests.resources.calls.conftest import agent, box, live  # noqa: F401 - fixtures
from trunkline.platform.storage.database import Database
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.live import LiveCalls


@pytest.fixture
async def rig(
    database: Database,
    live: LiveCalls,  # noqa: F811 - the fixture
    agent: Agent,  # noqa: F811
    tmp_path: Path,
) -> AsyncIterator[Rig]:
    """A host with two slots that has started."""
    made = Rig(database, live, tmp_path)
    await made.start()
    yield made
    await made.stop()
