"""Who keeps a registration: one host, then another; settings followed, outcomes told."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, func, select, update

from tests.host.rig import Rig
from tests.resources.calls.conftest import NUMBER
from trunkline.host import registrar as module
from trunkline.host.registrar import Registrar
from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.models import Node
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.models import Call
from trunkline.resources.numbers.models import Number
from trunkline.resources.numbers.service import PASSWORD_FIELD
from trunkline.resources.trunks.live import TrunkClaims
from trunkline.resources.trunks.models import TrunkRegistration
from trunkline.voice.lines.loopback_engine import LoopbackEngine

DOMAIN = "sip.example.com"


@dataclass
class Host:
    """A voice process, as far as registrations go."""

    id: UUID
    lines: LoopbackEngine
    registrar: Registrar
    leaves: bool = False

    @property
    def keeps(self) -> list[tuple[str, str, int]]:
        """User, password and seconds of what is registered here."""
        return [(each.username, each.password, each.expires) for each in self.lines.registered]


class Trunks:
    """The database, its hosts, and one number that may register."""

    def __init__(self, database: Database, box: SecretBox, agent: Agent) -> None:
        self.database = database
        self.box = box
        self.agent = agent
        self.hosts: list[Host] = []

    async def host(self) -> Host:
        made = uuid4()
        await self.lives(made)
        lines = LoopbackEngine()
        lines.registrar[(DOMAIN, "alice")] = "s3cret"
        claims = TrunkClaims(self.database, self.box)
        host = Host(made, lines, Registrar(claims, lines, made, lambda: host.leaves))
        self.hosts.append(host)
        return host

    async def lives(self, host: UUID) -> None:
        async with self.database.system() as session:
            await system.register_node(
                session, str(host), role="voice", control_url="http://x", sip_address="x:1", capacity=2
            )

    async def dies(self, host: Host) -> None:
        """Its last heartbeat is long ago."""
        async with self.database.system() as session:
            long_ago = func.now() - timedelta(seconds=system.FRESH_S + 1)
            await session.execute(update(Node).where(Node.id == str(host.id)).values(seen_at=long_ago))

    async def set(self, **columns: Any) -> None:
        """Write the number's settings."""
        if password := columns.pop("password", None):
            columns["trunk_password_encrypted"] = self.box.seal(
                self.agent.workspace_id, PASSWORD_FIELD, password
            )
        async with self.database.workspace(self.agent.workspace_id) as session:
            await session.execute(update(Number).values(columns))

    async def standing(self) -> tuple[str, int | None, str]:
        async with self.database.system() as session:
            row = (await session.scalars(select(TrunkRegistration))).one()
        return row.state, row.code, row.reason


@pytest.fixture
async def trunks(database: Database, box: SecretBox, agent: Agent) -> AsyncIterator[Trunks]:
    made = Trunks(database, box, agent)
    await made.set(termination_uri=DOMAIN, trunk_username="alice", password="s3cret", uac_enabled=True)
    yield made
    for host in made.hosts:
        await host.registrar.stop()


async def test_one_host_registers_and_tells(trunks: Trunks) -> None:
    first, second = await trunks.host(), await trunks.host()
    await first.registrar.look()
    await second.registrar.look()
    assert (first.keeps, second.keeps) == ([("alice", "s3cret", 300)], [])
    assert await trunks.standing() == ("registered", None, "")
    await first.registrar.look()
    assert len(first.keeps) == 1


async def test_a_number_that_does_not_ask_is_left_alone(trunks: Trunks) -> None:
    await trunks.set(uac_enabled=False)
    host = await trunks.host()
    await host.registrar.look()
    assert host.keeps == []


async def test_another_takes_over_from_a_dead_host(trunks: Trunks) -> None:
    first, second = await trunks.host(), await trunks.host()
    await first.registrar.look()
    await trunks.dies(first)
    await second.registrar.look()
    assert len(second.keeps) == 1
    await (
        first.registrar.look()
    )  # it was only away: it lets go of what is another's, and says nothing about it
    assert first.keeps == []
    assert await trunks.standing() == ("registered", None, "")


async def test_a_host_that_leaves_gives_its_registrations_back(trunks: Trunks) -> None:
    first, second = await trunks.host(), await trunks.host()
    await first.registrar.look()
    first.leaves = True
    await first.registrar.look()
    assert first.keeps == []
    assert (await trunks.standing())[0] == "unregistered"
    await second.registrar.look()
    assert len(second.keeps) == 1


async def test_a_host_that_is_removed_keeps_nothing(trunks: Trunks) -> None:
    first, second = await trunks.host(), await trunks.host()
    await first.registrar.look()
    async with trunks.database.system() as session:
        await system.remove_nodes(session, [str(first.id)])
    await second.registrar.look()
    assert len(second.keeps) == 1


async def test_settings_are_followed(trunks: Trunks) -> None:
    host = await trunks.host()
    await host.registrar.look()
    await trunks.set(uac_register_expires=60)
    await host.registrar.look()
    assert host.keeps == [("alice", "s3cret", 60)]
    await trunks.set(uac_enabled=False)
    await host.registrar.look()
    assert host.keeps == []
    assert (await trunks.standing())[0] == "unregistered"


async def test_a_number_that_is_gone_is_unregistered(trunks: Trunks) -> None:
    host = await trunks.host()
    await host.registrar.look()
    async with trunks.database.workspace(trunks.agent.workspace_id) as session:
        await session.execute(delete(Number))
    await host.registrar.look()
    assert host.keeps == []


async def test_a_refusal_is_told_and_tried_again(trunks: Trunks, monkeypatch: pytest.MonkeyPatch) -> None:
    await trunks.set(password="wrong")
    host = await trunks.host()
    await host.registrar.look()
    assert await trunks.standing() == ("failed", 403, "Forbidden")
    host.lines.registrar[(DOMAIN, "alice")] = "wrong"
    await host.registrar.look()
    assert (await trunks.standing())[0] == "failed", "not at once"
    monkeypatch.setattr(module, "_AGAIN_SECONDS", 0.0)
    await host.registrar.look()
    assert await trunks.standing() == ("registered", None, "")


async def test_what_cannot_be_registered_is_told(trunks: Trunks) -> None:
    sealed = SecretBox("another key of this length").seal(trunks.agent.workspace_id, PASSWORD_FIELD, "x")
    await trunks.set(trunk_password_encrypted=sealed)
    host = await trunks.host()
    await host.registrar.look()
    state, code, reason = await trunks.standing()
    assert (state, code) == ("failed", None)
    assert "enter it again" in reason
    await trunks.set(password="s3cret")
    await host.registrar.look()
    assert await trunks.standing() == ("registered", None, "")


@pytest.mark.parametrize("dialled", ["alice", "0155-50100"])
async def test_a_call_over_the_registration_reaches_the_agent(rig: Rig, agent: Agent, dialled: str) -> None:
    await rig.engine.call(dialled, "+15550199", registered=NUMBER)
    await rig.until(lambda: bool(rig.host.live()))
    async with rig.database.system() as session:
        call = (await session.scalars(select(Call))).one()
    assert (call.agent_id, call.number_to) == (agent.id, NUMBER)
