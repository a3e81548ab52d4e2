"""What the roles stand on: a migrated database, the secret key, a first workspace with its key."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from trunkline.errors import TrunklineError
from trunkline.platform.storage import migrate
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.resources.workspaces import service as workspaces
from trunkline.roles import installation, runfile
from trunkline.roles.process import BackOff
from trunkline.settings import Settings

log = structlog.get_logger(__name__)

_LOOK_EVERY = 1.0


@dataclass(frozen=True)
class Foundation:
    """Ready to be stood on."""

    database_url: str
    """For the roles; their login is bound by row-level security."""
    first_key: str | None
    """The first workspace's key when it was made just now; nobody can ask for it again."""
    key_file: Path | None
    """Where `trunkline demo` finds a key, if one is kept."""


@asynccontextmanager
async def laid(settings: Settings) -> AsyncIterator[Foundation]:
    """The foundation; an embedded database is kept alive meanwhile and stopped afterwards.

    Only the holder of the home's lock may ask for an embedded one.
    """
    async with _server(settings) as (owner_url, app_url):
        await asyncio.to_thread(_migrate, owner_url)
        database = Database.connect(app_url, pool_size=2)
        try:
            await database.check_login()
            secrets = await installation.secret_box(settings, database)
            chosen = settings.api_key.get_secret_value() if settings.api_key else None
            made = await workspaces.ensure_first_workspace(database, secrets, chosen)
        finally:
            await database.close()
        key_file = _keep_key(settings, made) if settings.database_url is None else None
        yield Foundation(app_url, made, key_file)


def key_path(home: Path) -> Path:
    """Where the embedded default keeps the first key for the commands of this machine."""
    return home / "run" / "api-key"


def _migrate(owner_url: str) -> None:
    if not migrate.is_current(owner_url):
        migrate.upgrade(owner_url)


def _keep_key(settings: Settings, made: str | None) -> Path | None:
    """Keep the first key in a private file: on a machine with the embedded database its owner owns all anyway."""
    path = key_path(settings.home)
    if made is not None:
        runfile.write_private(path, made + "\n")
    return path if path.exists() else None


@asynccontextmanager
async def _server(settings: Settings) -> AsyncIterator[tuple[str, str]]:
    """Owner's and roles' URL of the operator's server, or of the embedded one."""
    if settings.database_url is not None:
        yield settings.database_url, settings.database_url
        return
    server = EmbeddedPostgres(settings.home)
    await asyncio.to_thread(server.start)
    keeper = asyncio.create_task(_keep_alive(server), name="keep the database")
    try:
        yield server.owner_url, server.app_url
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
        await asyncio.to_thread(server.stop)


async def _keep_alive(server: EmbeddedPostgres) -> None:
    back_off = BackOff()
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        if server.alive():
            continue
        wait = back_off.after(0.0)
        log.warning("database_died", restart_in_s=wait)
        await asyncio.sleep(wait)
        try:
            await asyncio.to_thread(server.restart)
        except TrunklineError as error:
            log.error("database_does_not_start", reason=str(error))


async def migrate_only(settings: Settings) -> None:
    """Bring the database to this version, and nothing else where it is the operator's."""
    if settings.database_url is not None:
        await asyncio.to_thread(migrate.upgrade, settings.database_url)
        return
    async with reached(settings):
        """The embedded one is brought to this version by whoever starts it."""


@asynccontextmanager
async def reached(settings: Settings) -> AsyncIterator[Database]:
    """The database of this installation, for a command that is no role: the operator's, the running
    platform's, or the embedded one, started for as long as it takes.
    """
    running = runfile.read(settings.home)
    if settings.database_url is None and running is None:
        with runfile.HomeLock(settings.home):
            async with laid(settings) as base, _connected(base.database_url) as database:
                yield database
    else:
        async with _connected(installation.database_url(settings)) as database:
            yield database


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Database]:
    database = Database.connect(url, pool_size=2)
    try:
        yield database
    finally:
        await database.close()


def role_environment(base: Foundation) -> dict[str, str]:
    """The environment that every role gets, before what the supervisor adds."""
    environment = {key: value for key, value in os.environ.items() if key != "TRUNKLINE_API_KEY"}
    # One thread a model: many calls share the cores, and a library that takes them all starves the beat.
    return environment | {"DATABASE_URL": base.database_url, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
