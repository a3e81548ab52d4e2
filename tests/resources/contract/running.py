"""The whole API on a port of this machine, in a thread and loop of its own: for clients that block."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from queue import Queue
from threading import Thread
from typing import Any, TypeVar

import httpx2

from tests.fixtures.database import empty
from tests.resources.api import Api, serve
from tests.resources.contract.conftest import expecting, says, server_of_somebody
from tests.resources.contract.operations import PLACES
from tests.resources.contract.world import World
from tests.resources.tool_servers.rig import served
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.outbound.guard import Address
from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.resources.language import Language
from trunkline.resources.workspaces.models import Workspace
from trunkline.voice.language.twins import ScriptedLanguageModel

T = TypeVar("T")
_HERE = "127.0.0.1"


@dataclass(frozen=True)
class Running:
    """One workspace of an API that runs elsewhere in this process."""

    base: str
    key: str
    world: World
    loop: asyncio.AbstractEventLoop

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What comes of something that runs there."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout=30)


@contextmanager
def running(postgres: EmbeddedPostgres) -> Iterator[Running]:
    """An API over this PostgreSQL, emptied before."""
    empty(postgres.owner_url)
    told: Queue[Running | Exception] = Queue()
    over = asyncio.Event()

    def run() -> None:
        try:
            asyncio.run(_live(postgres.app_url, told, over))
        except Exception as error:  # noqa: BLE001 - whoever waits for the start hears of it
            told.put(error)

    thread = Thread(target=run, name="api", daemon=True)
    thread.start()
    there = told.get(timeout=60)
    if isinstance(there, Exception):
        raise there
    yield there
    there.loop.call_soon_threadsafe(over.set)
    thread.join(timeout=30)


async def _live(url: str, told: Queue[Any], over: asyncio.Event) -> None:
    database = Database.connect(url)
    workspace = Workspace(name="test")
    async with database.system() as session:
        session.add(workspace)
    control = httpx2.MockTransport(expecting)
    async with serve(database, workspace, control) as api, server_of_somebody() as somebody:
        model = ScriptedLanguageModel(rule=says)
        api.app.state.language = Language(talk=model, think=model)
        # Whatever addresses are made up, nothing leaves this machine.
        outbound = Outbound(_HERE, resolver=_only_here)
        api.app.state.platform = api.platform = replace(api.platform, outbound=outbound)
        await api.host(capacity=1000)
        world = World(api, somebody)
        for kind in (*PLACES.values(), "attached_store"):
            await world.id(kind)
        key = api.client.headers["Authorization"].removeprefix("Bearer ")
        async with served(api.app) as base:
            told.put(Running(base, key, world, asyncio.get_running_loop()))
            await _alive(api, over)
        await outbound.close()
    await database.close()


async def _alive(api: Api, over: asyncio.Event) -> None:
    """The voice process lives until all is over."""
    while not over.is_set():
        async with api.database.system() as session:
            await system.heartbeat(session, "host-1")
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), system.FRESH_S / 3)


async def _only_here(host: str, port: int) -> list[Address]:
    if host != _HERE:
        raise OSError("no names are known here")
    return [ip_address(_HERE)]
