"""Transfers in a row through Kamailio, with failures of every kind at moments of chance: nothing is left of them."""

import asyncio
import os
import random
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.interop import sipp
from tests.interop.house import House, Parties, attach
from tests.interop.kamailio import Kamailio
from tests.interop.test_transfer_peers import lead_out
from tests.resources.calls.conftest import NUMBER, active
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.models import Call

pytestmark = [pytest.mark.peer("sipp"), pytest.mark.peer("kamailio")]

TRANSFERS = int(os.environ.get("TRUNKLINE_TEST_TRANSFERS", "20"))
"""More in the bench."""
AT_ONCE = 2
MODES = ("warm_transfer", "warm_transfer_with_context")


class Chance:
    """One caller with one extension of the trunk behind, and what befalls them."""

    def __init__(self, house: House, folder: Path, trunk: Kamailio, extension: str, seed: int) -> None:
        folder.mkdir()
        self._house = house
        self._dice = random.Random(seed)
        self._parties = Parties(house, folder)
        self._trunk = trunk
        self._extension = extension

    async def run(self) -> None:
        """From the ringing up to the end of both."""
        happens = self._dice.choice((
            self._refused, self._refused, self._unanswered, self._leaves_early, self._leaves_the_briefing,
            self._talks, self._talks,
        ))  # fmt: skip
        with self._parties as parties:
            await happens(parties)
            await parties.left()

    async def _refused(self, parties: Parties) -> None:
        status = self._dice.choice((403, 404, 480, 486, 503, 600, 603))
        await self._begin(parties, sipp.called() + sipp.refuse(status, "No"))
        await self._later(2.0)
        parties.calling.tell()

    async def _unanswered(self, parties: Parties) -> None:
        await self._begin(parties, sipp.called() + sipp.be_cancelled())
        await self._later(2.0)  # before its time is over, or after
        parties.calling.tell()

    async def _leaves_early(self, parties: Parties) -> None:
        await self._begin(parties, "", wait=False)
        await self._later(3.0)
        parties.calling.tell()

    async def _leaves_the_briefing(self, parties: Parties) -> None:
        await self._begin(parties, "")
        with suppress(AssertionError):
            await self._house.until(lambda: parties.person.hears_sound, seconds=5.0)
            parties.called.tell()
            await self._later(1.0)
        parties.calling.tell()

    async def _talks(self, parties: Parties) -> None:
        await self._begin(parties, "")
        await self._later(4.0)
        parties.calling.tell()

    async def _begin(self, parties: Parties, scenario: str, wait: bool = True) -> None:
        """The caller asks for a person, again and again until somebody is called."""
        if scenario:
            parties.listen(scenario)
        else:
            parties.listen_and_talk()
        await asyncio.to_thread(self._trunk.register, self._extension, parties.called.port)
        parties.ring_up(self._extension, sipp.hang_up_when_told(2, NUMBER))
        await self._house.until(lambda: bool(parties.caller.sound.size))
        parties.caller.say("person")
        if wait:
            await parties.repeat(parties.caller, "person", lambda: bool(parties.called.received("INVITE")))

    async def _later(self, most: float) -> None:
        await asyncio.sleep(self._dice.uniform(0.0, most))


async def test_nothing_is_left_of_many(house: House, agent: Agent, box: SecretBox, tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    sys.stdout.write(f"seed {seed}\n")
    with Kamailio(tmp_path, challenges=True) as trunk:
        await lead_out(house, agent, box, trunk)
        mode = random.Random(seed).choice(MODES)
        # The caller's own name is the extension that is called: so each has a person of its own.
        await attach(house, agent, phone="{user_phone_number}", transfer_mode=mode, timeout=1)
        before = _sockets()
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(n: int) -> None:
            async with turn:
                await Chance(house, tmp_path / str(n), trunk, f"1{n:03d}", seed + n).run()

        await asyncio.gather(*(one(n) for n in range(TRANSFERS)))
        await house.until(lambda: not house.host.live() and not house.engine._lines)
    house.check_empty()
    assert house.host.admission.count == 0
    await house.until(lambda: _sockets() <= before, seconds=10.0)
    await nothing_on(house)


async def nothing_on(house: House) -> None:
    """By the database no call is on, and the host has all its slots."""
    async with house.database.system() as session:
        on = select(func.count()).select_from(Call).where(Call.status.not_in(("completed", "canceled")))
        assert (await session.execute(on)).scalar_one() == 0
    assert await active(house.database, house.node.identity.id) == 0


def _sockets() -> int:
    """UDP sockets of this process: signalling and, for each line, two of RTP."""
    mine = {os.readlink(f"/proc/self/fd/{fd}") for fd in _listed()}
    inodes = (line.split()[9] for line in Path("/proc/net/udp").read_text().splitlines()[1:])
    return sum(f"socket:[{inode}]" in mine for inode in inodes)


def _listed() -> list[str]:
    found = []
    for fd in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):
            os.stat(f"/proc/self/fd/{fd}")
            found.append(fd)
    return found
