"""The API for every test of the resources."""

from collections.abc import AsyncIterator

import pytest

from tests.resources.api import Api, serve
from trunkline.platform.storage.database import Database
from trunkline.resources.workspaces.models import Workspace


@pytest.fixture
async def api(database: Database, workspace: Workspace) -> AsyncIterator[Api]:
    async with serve(database, workspace) as made:
        yield made


@pytest.fixture
async def stranger(database: Database) -> AsyncIterator[Api]:
    """The same API, asked by another workspace."""
    other = Workspace(name="other")
    async with database.system() as session:
        session.add(other)
    async with serve(database, other) as made:
        yield made
