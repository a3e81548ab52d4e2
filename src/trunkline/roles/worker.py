"""The role worker: durable jobs, what is done every so often, and the reaper."""

import os

import structlog

from trunkline.platform.storage.database import Database
from trunkline.platform.telemetry import logging
from trunkline.roles import installation
from trunkline.settings import Settings

log = structlog.get_logger(__name__)

NICENESS = 5
"""Live calls on the same machine come first."""
_RECOVER_EVERY = 3.0
_LOOK_EVERY = 1.0
_FORGET_EVERY = 3600.0


async def run(settings: Settings) -> int:
    """Work until SIGTERM, then end what was begun."""
    logging.configure("worker")
    if os.nice(0) < NICENESS:
        os.nice(NICENESS - os.nice(0))
    url = installation.database_url(settings)
    database = Database.connect(url)
    try:
        await database.check_login()
        await installation.secret_box(settings, database)
        await _until_terminated(_work(url, database))
    finally:
        await database.close()
    return 0
