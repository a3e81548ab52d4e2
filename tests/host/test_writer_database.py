"""The event writer on a PostgreSQL that really stops and comes back."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from tests.fixtures.database import empty
from trunkline.errors import Unavailable
from trunkline.host import writer as module
from trunkline.host.journal import Journal
from trunkline.host.writer import EventWriter
from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.storage.migrate import upgrade
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.plan import CallPlan
from trunkline.resources.numbers.models import Number
from trunkline.resources.workspaces.models import Workspace
from trunkline.voice.conversation.events import Kind, Note

HOST = UUID(int=7)
NUMBER = "+15550100"


@pytest.fixture
async def server() -> AsyncIterator[EmbeddedPostgres]:
    """A server of this test's own, to be stopped and started."""
    home = Path(tempfile.mkdtemp(prefix="trunkline-writer-"))
    server = EmbeddedPostgres(home, durable=False)
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(upgrade, server.owner_url)
    empty(server.owner_url)
    yield server
    await asyncio.to_thread(server.stop)
    shutil.rmtree(home)


@pytest.fixture
async def database(server: EmbeddedPostgres) -> AsyncIterator[Database]:
    database = Database.connect(server.app_url)
    yield database
    await database.close()


async def a_call(database: Database, live: LiveCalls) -> CallPlan:
    async with database.system() as session:
        workspace = Workspace(name="test")
        session.add(workspace)
        await session.flush()
        agent = Agent(workspace_id=workspace.id, name="Reception", type="inbound")
        session.add(agent)
        await session.flush()
        session.add(
            Number(workspace_id=workspace.id, number=NUMBER, slug=NUMBER[1:], inbound_agent_id=agent.id)
        )
        await system.register_node(
            session, str(HOST), role="voice", control_url="", sip_address="", capacity=1
        )
    plan = await live.open_inbound(dialled=NUMBER, caller="bob", host=HOST, sip_call_id="x", headers={})
    assert await live.answered(plan.call_id)
    return plan


async def test_a_call_that_outlives_its_database_is_completed_with_every_word(
    server: EmbeddedPostgres, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "INTERVAL_SECONDS", 0.05)
    live = LiveCalls(database, SecretBox("a key of sixteen or more"))
    plan = await a_call(database, live)
    journal = Journal(tmp_path / "journal")
    writer = EventWriter(live, journal, lambda _: None)
    await writer.start()
    writer.open(plan.call_id, plan.workspace_id, keep_words=True)

    def say(number: int) -> None:
        writer.add(plan.call_id, [Note(number * 100, Kind.CALLER_SAID, {"text": f"word{number}"})])

    say(0)
    await writer.flush(plan.call_id)
    await asyncio.to_thread(server.stop)
    with pytest.raises(Unavailable):
        await live.answered(plan.call_id)
    for number in range(1, 6):
        say(number)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.flush(plan.call_id), 0.2)
    assert len((journal.folder / f"{plan.call_id}.jsonl").read_text().splitlines()) == 5
    await asyncio.to_thread(server.start)
    writer.add(plan.call_id, [Note(700, Kind.ENDED, {"reason": "human_ended", "detail": ""})])
    await writer.close(plan.call_id)
    assert await live.finish(plan.call_id)
    await writer.stop()
    async with database.system() as session:
        call = (await session.scalars(select(Call))).one()
    assert call.status == "completed"
    assert call.transcript == "".join(f"\nhuman: word{number}" for number in range(6))
    assert list(journal.folder.iterdir()) == []
