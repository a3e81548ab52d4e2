"""A session while it is on: a line for each run that begins or ends, until all of them are over.

The lines are read off the rows, so that anybody may follow a session, early or late, and as often as they like: whoever
comes late is told first what has happened already, and whoever leaves changes nothing.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Literal
from uuid import UUID

import structlog

from trunkline.errors import NotFound, Unavailable
from trunkline.platform.http.wire import Wire
from trunkline.platform.storage.database import Database
from trunkline.resources.simulations import session_wire
from trunkline.resources.simulations.rows import Rows
from trunkline.resources.simulations.run_repository import RunGlance, RunState
from trunkline.resources.simulations.schemas import RunError
from trunkline.resources.simulations.session_schemas import RunCounts
from trunkline.resources.simulations.status import RunStatus
from trunkline.resources.simulations.verdicts import Outcome

log = structlog.get_logger(__name__)

LOOK_S = 0.5
"""How often the rows are looked at."""
SILENT_S = 15.0
"""After so long without news the counts are told again: some proxies close what is silent."""


class ProgressCounts(RunCounts):
    """How far a session is, and how well it goes."""

    passed: int
    """Of those that are completed."""


class _Run(Wire):
    simulation_id: str
    simulation_case_id: str
    simulation_case_name: str
    agent_version: str | None
    number: int
    """Which repeat of its case, from 1."""


class RunStarted(_Run):
    """A run was begun, or begun again."""

    event: Literal["run_started"]
    tries: int


class RunEnded(_Run):
    """A run is over."""

    event: Literal["run_ended"]
    status: RunStatus
    outcome: Outcome | None
    """The verdict; null where there is none."""
    error_info: RunError | None


class Counted(Wire):
    """After each news, and when there was none for a while."""

    event: Literal["progress"]
    runs: ProgressCounts


Ending = Literal["completed", "cancelled", "deleted"]


class SessionEnded(Wire):
    """The last line."""

    event: Literal["ended"]
    status: Ending
    runs: ProgressCounts


class Progress:
    """What one who follows a session is told."""

    def __init__(
        self, database: Database, workspace_id: UUID, session_id: UUID, look_s: float = LOOK_S
    ) -> None:
        self._database = database
        self._workspace = workspace_id
        self._session = session_id
        self._look_s = look_s
        self._known: dict[UUID, RunState] = {}
        """The runs as they were when they were told of last."""
        self._passed = 0

    async def lines(self) -> AsyncIterator[str]:
        """JSON objects, one a line; it breaks off without its last one when the database goes away."""
        silent_s, counted = 0.0, None
        while True:
            try:
                news, ended = await self._look()
            except Unavailable as error:
                log.warning("progress_broken_off", session=str(self._session), error=type(error).__name__)
                return
            counts = self._counts()
            silent_s += self._look_s
            if counts != counted or silent_s >= SILENT_S:
                silent_s, counted = 0.0, counts
                news.append(Counted(event="progress", runs=counts))
            if ended is not None:
                news.append(SessionEnded(event="ended", status=ended, runs=counts))
            for each in news:
                yield each.model_dump_json() + "\n"
            if ended is not None:
                return
            await asyncio.sleep(self._look_s)

    async def _look(self) -> tuple[list[Wire], Ending | None]:
        """What has happened since the last look, and whether it was the last."""
        async with self._database.workspace(self._workspace) as session:
            rows = Rows.of(session, self._workspace)
            row = await rows.sessions.get(self._session)
            states = await rows.runs.states(self._session)
            changed = [id_ for id_, state in states.items() if state != self._known.get(id_)]
            glances = await rows.runs.glances(changed)
        self._known = states
        news: list[Wire] = [self._told(each) for each in glances if each.tries or each.over]
        if row is None:
            return news, "deleted"
        if any(state.status == RunStatus.IN_PROGRESS for state in states.values()):
            return news, None
        return news, "cancelled" if row.cancelled_at else "completed"

    def _told(self, run: RunGlance) -> RunStarted | RunEnded:
        same = {
            "simulation_id": str(run.id),
            "simulation_case_id": str(run.case_id),
            "simulation_case_name": run.case_name,
            "agent_version": None if run.agent_version is None else str(run.agent_version),
            "number": run.number,
        }
        if not run.over:
            return RunStarted.model_validate({**same, "event": "run_started", "tries": run.tries})
        self._passed += run.outcome == Outcome.PASS
        end = {"status": run.status, "outcome": run.outcome, "error_info": run.error}
        return RunEnded.model_validate({**same, **end, "event": "run_ended"})

    def _counts(self) -> ProgressCounts:
        far = session_wire.counts(self._known.values())
        return ProgressCounts(**far.model_dump(), passed=self._passed)


async def follow(database: Database, workspace_id: UUID, session_id: str) -> Progress:
    """A session that is there. Raises NotFound."""
    async with database.workspace(workspace_id) as session:
        row = await Rows.of(session, workspace_id).sessions.get(session_id)
    if row is None:
        raise NotFound(f"There is no simulation session {session_id}.")
    return Progress(database, workspace_id, row.id)
