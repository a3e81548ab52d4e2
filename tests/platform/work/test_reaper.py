"""A host's silence counts only while the reaper itself reached the database."""

import pytest

from trunkline.errors import Unavailable
from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database
from trunkline.platform.work.reaper import Reaper


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Grave:
    """Takes the dead; raises as often as it is told to."""

    def __init__(self) -> None:
        self.buried: list[list[str]] = []
        self.refusals = 0

    async def __call__(self, hosts: list[str]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise Unavailable("away")
        self.buried.append(hosts)


async def nobody(_node: str, _url: str) -> bool:
    """No silent host answers."""
    return False


async def _begin(database: Database, *names: str) -> None:
    async with database.system() as session:
        for name in names:
            await system.register_node(
                session, name, role="voice", control_url="", sip_address="", capacity=1
            )


async def _beat(database: Database, name: str) -> bool:
    async with database.system() as session:
        return await system.heartbeat(session, name)


async def test_the_silent_are_buried_once(database: Database) -> None:
    await _begin(database, "alive", "silent")
    clock, grave = Clock(), Grave()
    reaper = Reaper(database, grave, nobody, silent_s=5, clock=clock)
    for _ in range(12):
        assert await _beat(database, "alive")
        await reaper.look()
        clock.now += 1
    assert grave.buried == [["silent"]]
    assert not await _beat(database, "silent")  # so it learns that its calls are closed


async def test_not_before_its_time(database: Database) -> None:
    await _begin(database, "a")
    clock, grave = Clock(), Grave()
    reaper = Reaper(database, grave, nobody, silent_s=5, clock=clock)
    for _ in range(5):  # four seconds of silence seen
        await reaper.look()
        clock.now += 1
    assert grave.buried == []
    await _beat(database, "a")
    for _ in range(5):
        await reaper.look()
        clock.now += 1
    assert grave.buried == []
    await reaper.look()
    assert grave.buried == [["a"]]


async def test_time_without_the_database_counts_for_nothing(database: Database) -> None:
    await _begin(database, "a")
    clock, grave = Clock(), Grave()
    reaper = Reaper(database, grave, nobody, silent_s=5, clock=clock)
    await reaper.look()
    clock.now += 3600  # the database was away, for the host as for us
    await reaper.look()
    assert grave.buried == []
    assert await _beat(database, "a")


async def test_a_failed_burial_is_tried_again(database: Database) -> None:
    await _begin(database, "a")
    clock, grave = Clock(), Grave()
    grave.refusals = 1
    reaper = Reaper(database, grave, nobody, silent_s=2, clock=clock)
    for _ in range(2):
        await reaper.look()
        clock.now += 1
    with pytest.raises(Unavailable):
        await reaper.look()
    clock.now += 1
    await reaper.look()
    assert grave.buried == [["a"]]


async def test_a_silent_host_that_answers_is_left_alone_until_it_does_not(database: Database) -> None:
    await _begin(database, "busy", "dead")
    clock, grave = Clock(), Grave()
    alive = {"busy"}
    asked: list[str] = []

    async def lives(node: str, _url: str) -> bool:
        asked.append(node)
        return node in alive

    reaper = Reaper(database, grave, lives, silent_s=2, clock=clock)
    for _ in range(4):
        await reaper.look()
        clock.now += 1
    assert grave.buried == [["dead"]]
    assert asked == ["busy", "dead", "busy"]  # nobody before two seconds have passed
    alive.clear()
    await reaper.look()
    assert grave.buried == [["dead"], ["busy"]]
