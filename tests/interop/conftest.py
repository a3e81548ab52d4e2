"""A voice host on the wire, and the two who are joined by it; see tests/interop/house.py."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.interop.house import House, Parties
from tests.resources.calls.conftest import agent, box, live  # noqa: F401 - fixtures
from trunkline.platform.storage.database import Database
from trunkline.resources.calls.live import LiveCalls


@pytest.fixture
async def house(database: Database, live: LiveCalls, tmp_path: Path) -> AsyncIterator[House]:  # noqa: F811 - the fixture
    made = House(database, live, tmp_path)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def parties(house: House, tmp_path: Path) -> AsyncIterator[Parties]:
    with Parties(house, tmp_path) as both:
        yield both
