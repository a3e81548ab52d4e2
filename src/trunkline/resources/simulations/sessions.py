"""The rules of sessions as /trunkline/v1 has them: levels, repeats, versions, caps; and of replays."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import Conflict, NotFound
from trunkline.resources.simulations import forgetting, subjects
from trunkline.resources.simulations.choosing import Choosing
from trunkline.resources.simulations.details import Plan
from trunkline.resources.simulations.models import SimulationRun, SimulationSession
from trunkline.resources.simulations.rows import Rows
from trunkline.resources.simulations.running import Runs, run_of, tools_of
from trunkline.resources.simulations.schemas import RunError
from trunkline.resources.simulations.session_schemas import SessionCreate
from trunkline.resources.simulations.session_wire import Subjects
from trunkline.resources.simulations.status import RunStatus
from trunkline.resources.simulations.subjects import subject_of
from trunkline.resources.simulations.suite_file import Level

_CANCELLED = RunError(message="The session was cancelled.", code=499, type="cancelled")


class Sessions:
    """The sessions of one workspace, within one transaction."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        self._rows = Rows.of(session, workspace_id)
        self._all_runs = Runs(session, workspace_id)

    async def create(self, body: SessionCreate) -> SimulationSession:
        """Begin all its runs.

        Raises:
            BadInput: it names what is not there, too much, or nothing.
        """
        chosen = await Choosing(self._rows).chosen(body)
        settings = chosen.settings
        session = SimulationSession(settings=settings.model_dump(mode="json"))
        await self._rows.sessions.add(session)
        runs = []
        for version in chosen.versions:
            tools = await tools_of(self._rows.session, chosen.agent, version, real=chosen.real)
            for case in chosen.cases:
                plans = [chosen.plan(case, number, tools) for number in range(1, settings.repeats + 1)]
                runs += [run_of(session, case, chosen.agent, plan, version) for plan in plans]
        for run in runs:
            run.variables = body.custom_variables
        await self._all_runs.begin(*runs)
        return session

    async def get(self, session_id: str, *, lock: bool = False) -> SimulationSession:
        """One session, however it was begun. Raises NotFound."""
        session = await self._rows.sessions.get(session_id, lock=lock)
        if session is None:
            raise NotFound(f"There is no simulation session {session_id}.")
        return session

    async def runs(self, session: SimulationSession) -> Sequence[SimulationRun]:
        """Its runs, in the order they were begun; what came of them only if all are over."""
        return await self._rows.runs.of_session(session.id)

    async def subjects(self, runs: Sequence[SimulationRun]) -> Subjects:
        """The agent in each version that was run, once all of them are over and while none is forgotten."""
        agents = {run.agent_id for run in runs}
        untold = any(run.status == RunStatus.IN_PROGRESS or run.forgotten_at for run in runs)
        if untold or len(agents) != 1:
            return {}
        first = {run.agent_version: run for run in reversed(runs)}
        return {
            version: subject_of(
                await subjects.content(self._rows, run),
                Plan.model_validate(run.plan).tools if run.plan else (),
            )
            for version, run in first.items()
        }

    async def cancel(self, session_id: str) -> SimulationSession:
        """End what of it is not over: runs that wait are not begun, those that are on are killed. Raises NotFound."""
        session = await self.get(session_id, lock=True)
        ended = await self._rows.runs.cancel(session.id, _CANCELLED.model_dump())
        if ended and session.cancelled_at is None:
            session.cancelled_at = datetime.now(UTC)
            await self._rows.sessions.refresh(session)
        return session

    async def delete(self, session_id: str) -> None:
        """Remove a session with its runs and all that is kept of them; those that are on are killed. Raises NotFound."""
        session = await self.get(session_id, lock=True)
        run_ids = await self._rows.runs.delete_of(session.id)
        await forgetting.defer_deletion(self._rows.session, self._rows.workspace_id, run_ids)
        await self._rows.sessions.delete(session)

    async def run(self, run_id: str) -> tuple[SimulationRun, SimulationRun | None]:
        """One run, and the one that it repeats. Raises NotFound."""
        run = await self._rows.runs.get(run_id)
        if run is None:
            raise NotFound(f"There is no simulation {run_id}.")
        return run, None if run.replays is None else await self._rows.runs.get(run.replays)

    async def replay(self, run_id: str) -> SimulationRun:
        """Begin a run that repeats another from the answers kept of it, in a session of its own.

        Raises:
            NotFound: no such run.
            Conflict: it has not come to its end, its answers are not kept, or it was a real call.
        """
        run, _ = await self.run(run_id)
        if run.status != RunStatus.COMPLETED or run.answers_key is None or run.plan is None:
            raise Conflict("Only a simulation that was completed can be replayed; start it again instead.")
        if Plan.model_validate(run.plan).level is Level.LINE:
            raise Conflict("A call on a real line cannot be replayed; only text and voice can.")
        session = SimulationSession()
        await self._rows.sessions.add(session)
        again = SimulationRun(
            session_id=session.id,
            replays=run.id,
            status=RunStatus.IN_PROGRESS,
            **{name: getattr(run, name) for name in _COPIED},
        )
        await self._all_runs.begin(again)
        return again


_COPIED = (
    "agent_id",
    "agent_version",
    "case_id",
    "case_name",
    "case_prompt",
    "success_criteria",
    "call_success_type",
    "language",
    "max_turns",
    "variables",
    "plan",
)
"""Columns that a replay has from the run that it repeats."""
