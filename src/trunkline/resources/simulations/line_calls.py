"""What the worker does for simulations at the level `line`: it announces the call, reads its record, and ends it.

The call is one like any other to the platform, with its record, events and what follows it. The process that plays the
caller knows its id and where to send it, and asks for the record when it is over.
"""

import asyncio
import json
from dataclasses import asdict, dataclass
from typing import Any

import httpx2
import structlog

from trunkline.errors import Conflict, NoFreeSlot, Unavailable
from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.calls import announced
from trunkline.resources.calls.holders import Nodes, command
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.new import inbound_call
from trunkline.resources.calls.repository import CallRepository
from trunkline.resources.calls.status import FINAL, CallStatus
from trunkline.resources.simulations.callee import CALLED, CALLER, RECORD, Expected
from trunkline.resources.simulations.details import Plan
from trunkline.resources.simulations.models import SimulationRun
from trunkline.resources.simulations.real_tools import nothing_real
from trunkline.resources.simulations.rows import Rows
from trunkline.voice.conversation.events import Note
from trunkline.voice.driver.ports import ToolAnswer

log = structlog.get_logger(__name__)

RECORD_SECONDS = 60.0
"""How long after the caller has hung up the record may take."""
_LOOK_S = 0.2

_FULL = "No voice host has room for the call of the simulation; it is begun again."
_CHANGED = (
    "The agent was changed or deleted since the session was started, and a real call reaches it as it is now; "
    "start another session."
)
_NOT_DIALLED = "The simulation that announced this call ended before it was dialled."
_NO_RECORD = (
    f"The platform's record of the call was not there {RECORD_SECONDS:.0f} s after its end; the log of the voice "
    "process says why."
)


@dataclass(frozen=True)
class LineCalls:
    """Makes the platform expect calls of simulations. Fulfils holders.Nodes."""

    database: Database
    secrets: SecretBox
    nodes: httpx2.AsyncClient
    """Speaks to the installation's own voice processes only."""

    async def announce(self, run: SimulationRun, plan: Plan) -> "LineCall":
        """A call for the agent of a run, which the emptiest voice host will take.

        Raises:
            Conflict: the agent is not as it was when the session was started.
            Unavailable: no voice host has room.
        """
        async with self.database.system() as session:
            node = await system.emptiest_node(session)
        if node is None:
            raise NoFreeSlot(_FULL)
        async with self.database.workspace(run.workspace_id) as session:
            agent = await Rows.of(session, run.workspace_id).agents.get(run.agent_id)
            if agent is None or agent.version != run.agent_version:
                raise Conflict(_CHANGED)
            call = inbound_call(
                agent,
                CallStatus.REGISTERED,
                number_from=CALLER,
                number_to=agent.phone_number or CALLED,
                variables=dict(plan.planned.case.custom_variables),
            )
            await CallRepository(session, run.workspace_id).add(call)
        log.info("simulation_call_announced", run=str(run.id), call_id=str(call.id))
        return LineCall(self, call, Expected(call_id=str(call.id), sip_address=node.sip_address))


class LineCall:
    """The call of one try of a run; `close` it when the try is over."""

    def __init__(self, nodes: Nodes, call: Call, expected: Expected) -> None:
        self._nodes = nodes
        self._workspace_id = call.workspace_id
        self._id = call.id
        self.expected = expected

    async def run(self, name: str, arguments: dict[str, Any]) -> ToolAnswer:
        """Fulfils RunTool: the record of the call once it is over, and nothing else."""
        if name != RECORD:
            return await nothing_real(name, arguments)
        try:
            async with asyncio.timeout(RECORD_SECONDS):
                notes = await self._noted()
        except TimeoutError:
            return ToolAnswer(_NO_RECORD, ok=False, error=_NO_RECORD)
        return ToolAnswer(json.dumps([asdict(note) for note in notes]))

    async def close(self) -> None:
        """End the call where it is not over: its caller was killed, or never dialled."""
        try:
            async with self._nodes.database.system() as session:
                if await announced.give_up(session, self._id, _NOT_DIALLED):
                    return
            call = await self._call()
            if call is not None and call.status not in FINAL:
                await command(self._nodes, call, "hangup", {})
        except (Conflict, Unavailable) as error:
            # It has ended meanwhile, or ends when the host hears nothing any more.
            log.warning("simulation_call_not_ended", call_id=str(self._id), reason=str(error))

    async def _noted(self) -> list[Note]:
        while True:
            if (notes := await self._notes()) is not None:
                return notes
            await asyncio.sleep(_LOOK_S)

    async def _notes(self) -> list[Note] | None:
        """None: the call is not over."""
        async with self._nodes.database.workspace(self._workspace_id) as session:
            calls = CallRepository(session, self._workspace_id)
            call = await calls.get(str(self._id))
            if call is None or call.status not in FINAL:
                return None
            return [Note(each.at_ms, each.kind, each.data) for each in await calls.events(call)]

    async def _call(self) -> Call | None:
        async with self._nodes.database.workspace(self._workspace_id) as session:
            return await CallRepository(session, self._workspace_id).get(str(self._id))
