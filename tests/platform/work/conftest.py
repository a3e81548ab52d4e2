"""Fixtures of the work's tests."""

import pytest

from tests.platform.work.rig import STALLED_S
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.work.jobs import Jobs


@pytest.fixture
def jobs(postgres: EmbeddedPostgres) -> Jobs:
    return Jobs(postgres.app_url, heartbeat_s=0.1, stalled_s=STALLED_S)
