"""A storm written down in PostgreSQL, by the product's own `LiveCalls` and `CallTasks`, in the time of the wall clock."""

from pathlib import Path
from typing import cast
from uuid import UUID

from sqlalchemy import select

from tests.host.rig import Rig
from tests.host.storm import Gate
from tests.host.storm_rules import Told
from tests.host.storm_weather import Fate, StormyModel, twins
from tests.resources.calls.conftest import outbound
from trunkline.platform.storage import system
from trunkline.platform.storage.blobs import Blobs, open_blobs
from trunkline.platform.storage.database import Database
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.calls.models import Call, CallEvent
from trunkline.resources.calls.status import CallStatus
from trunkline.resources.calls.tasks import CallTasks
from trunkline.voice.conversation.events import Note

SPEED = 40


class Tables:
    """Fulfils Books."""

    def __init__(self, seed: int, database: Database, live: LiveCalls, agent: Agent, folder: Path) -> None:
        self.seed = seed
        self.live = live
        self.away = self.store_away = False
        self.blobs = cast(Blobs, Gate(open_blobs(folder / "blobs"), lambda: self.store_away))
        self._database = database
        self._agent = agent
        self._tasks = CallTasks(database, self.blobs)

    def rig(self, live: LiveCalls, folder: Path, capacity: int) -> Rig:
        fate = Fate(self.seed, SPEED)
        rig = Rig(
            self._database, live, folder, capacity, StormyModel(fate), twins=twins(fate), blobs=self.blobs
        )
        rig.speed = SPEED
        return rig

    async def accept(self, target: str) -> UUID:
        return await outbound(self._database, self._agent, target)

    async def place(self, call_id: UUID) -> None:
        await self._tasks.place(call_id)

    async def look(self) -> None:
        await self._tasks.look()

    async def bury(self, host: UUID) -> None:
        async with self._database.system() as session:
            await system.remove_nodes(session, [str(host)])
        await self._tasks.close_calls_of_dead_hosts([str(host)])

    async def undialled(self) -> bool:
        waits = select(Call.id).where(Call.status.in_((CallStatus.PENDING, CallStatus.QUEUE)))
        async with self._database.system() as session:
            return (await session.execute(waits.limit(1))).first() is not None

    async def held(self, host: UUID) -> int:
        async with self._database.system() as session:
            return len(await system.calls_of(session, [str(host)]))

    async def told(self, checked: set[UUID]) -> list[Told]:
        async with self._database.system() as session:
            calls = (await session.execute(select(Call).where(Call.id.not_in(checked)))).scalars().all()
            noted = select(CallEvent).where(CallEvent.call_id.not_in(checked))
            by_call: dict[UUID, list[tuple[int, Note]]] = {call.id: [] for call in calls}
            for event in (await session.execute(noted.order_by(CallEvent.call_id, CallEvent.seq))).scalars():
                by_call[event.call_id].append((event.seq, Note(event.at_ms, event.kind, event.data)))
        return [
            Told(
                call.id,
                CallStatus(call.status),
                call.ended_at is not None,
                by_call[call.id],
                call.transcript or "",
                call.recording_key,
                call.recording_s,
                to_be_recorded=self._agent.is_recording,
            )
            for call in calls
        ]
