"""The rules of sessions as /trunkline/v1 has them: levels, repeats, versions, caps; and of replays."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import BadInput, Conflict, NotFound
from trunkline.resources.agent_versions.repository import AgentVersionRepository
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.simulations.details import Plan, details_of, planned
from trunkline.resources.simulations.models import (
    SimulationCase,
    SimulationRun,
    SimulationSession,
    SimulationSuite,
)
from trunkline.resources.simulations.own_tools import OwnTool
from trunkline.resources.simulations.repository import (
    CaseRepository,
    RunRepository,
    SessionRepository,
    SuiteRepository,
)
from trunkline.resources.simulations.running import SEED_BITS, Runs, run_of, spoken_by, tools_of
from trunkline.resources.simulations.schemas import RunError
from trunkline.resources.simulations.service import agent_of
from trunkline.resources.simulations.session_schemas import MOST_RUNS, SessionCreate, SessionSettings
from trunkline.resources.simulations.status import RunStatus
from trunkline.resources.simulations.suite_file import Level

_CANCELLED = RunError(message="The session was cancelled.", code=499, type="cancelled")
_LEVELS = (Level.TEXT, Level.VOICE)
"""Those that workers can run."""


class Sessions:
    """The sessions of one workspace, within one transaction."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        self._session = session
        self._all_runs = Runs(session, workspace_id)
        self._runs = RunRepository(session, workspace_id)
        self._sessions = SessionRepository(session, workspace_id)
        self._cases = CaseRepository(session, workspace_id)
        self._suites = SuiteRepository(session, workspace_id)
        self._agents = AgentRepository(session, workspace_id)
        self._versions = AgentVersionRepository(session, workspace_id)

    async def create(self, body: SessionCreate) -> SimulationSession:
        """Begin all its runs.

        Raises:
            BadInput: it names what is not there, too much, or nothing.
        """
        if body.level not in _LEVELS:
            raise BadInput(f"level: {body.level.value} is not run by workers yet; use text or voice.")
        suite = await self._suite(body.suite_id)
        cases = await self._chosen(body, suite)
        agent = await self._agent(body, suite)
        version = await self._version("agent_version", agent, body.agent_version) or agent.version
        against = await self._version("against_version", agent, body.against_version)
        if against == version:
            raise BadInput("against_version: it is the version that is tested; name another.")
        versions = [version] if against is None else [version, against]
        if len(cases) * body.repeats * len(versions) > MOST_RUNS:
            raise BadInput(f"A session has at most {MOST_RUNS} runs; lower repeats, or name fewer cases.")
        seed = secrets.randbits(SEED_BITS) if body.seed is None else body.seed
        settings = SessionSettings(
            name=body.name or (suite.name if suite else cases[0].name),
            level=body.level,
            repeats=body.repeats,
            pass_share=body.pass_share,
            judge=body.judge,
            caps=body.caps,
            seed=seed,
            agent_version=version,
            against_version=against,
        )
        session = SimulationSession(settings=settings.model_dump(mode="json"))
        await self._sessions.add(session)
        tools = {of: await tools_of(self._session, agent, of) for of in versions}
        runs = [
            self._run(session, settings, case, agent, suite, body, number, of, tools[of])
            for of in versions
            for case in cases
            for number in range(1, body.repeats + 1)
        ]
        await self._all_runs.begin(*runs)
        return session

    async def get(self, session_id: str, *, lock: bool = False) -> SimulationSession:
        """One session, however it was begun. Raises NotFound."""
        session = await self._sessions.get(session_id, lock=lock)
        if session is None:
            raise NotFound(f"There is no simulation session {session_id}.")
        return session

    async def runs(self, session: SimulationSession) -> Sequence[SimulationRun]:
        """Its runs, in the order they were begun; what came of them only if all are over."""
        return await self._runs.of_session(session.id)

    async def cancel(self, session_id: str) -> SimulationSession:
        """End what of it is not over: runs that wait are not begun, those that are on are killed. Raises NotFound."""
        session = await self.get(session_id, lock=True)
        if session.cancelled_at is None and await self._runs.cancel(session.id, _CANCELLED.model_dump()):
            session.cancelled_at = datetime.now(UTC)
            await self._sessions.refresh(session)
        return session

    async def run(self, run_id: str) -> tuple[SimulationRun, SimulationRun | None]:
        """One run, and the one that it repeats. Raises NotFound."""
        run = await self._runs.get(run_id)
        if run is None:
            raise NotFound(f"There is no simulation {run_id}.")
        return run, None if run.replays is None else await self._runs.get(run.replays)

    async def replay(self, run_id: str) -> SimulationRun:
        """Begin a run that repeats another from the answers kept of it, in a session of its own.

        Raises:
            NotFound: no such run.
            Conflict: it has not come to its end, or its answers are not kept.
        """
        run, _ = await self.run(run_id)
        if run.status != RunStatus.COMPLETED or run.answers_key is None or run.plan is None:
            raise Conflict("Only a simulation that was completed can be replayed; start it again instead.")
        session = SimulationSession()
        await self._sessions.add(session)
        again = SimulationRun(
            session_id=session.id,
            replays=run.id,
            status=RunStatus.IN_PROGRESS,
            **{name: getattr(run, name) for name in _COPIED},
        )
        await self._all_runs.begin(again)
        return again

    def _run(
        self,
        session: SimulationSession,
        settings: SessionSettings,
        case: SimulationCase,
        agent: Agent,
        suite: SimulationSuite | None,
        body: SessionCreate,
        number: int,
        version: int,
        tools: tuple[OwnTool, ...],
    ) -> SimulationRun:
        found = planned(
            case,
            spoken_by(agent, suite),
            variables=body.custom_variables or {},
            max_turns=body.max_turns,
            number=number,
            seed=settings.seed,
            judge=settings.judge,
        )
        plan = Plan(
            level=settings.level,
            planned=found,
            now=datetime.now(UTC),
            tools=tools,
            seconds=settings.caps.run_seconds,
        )
        run = run_of(session, case, agent, plan, version)
        run.variables = body.custom_variables
        return run

    async def _suite(self, suite_id: str | None) -> SimulationSuite | None:
        if suite_id is None:
            return None
        suite = await self._suites.get(suite_id)
        if suite is None:
            raise BadInput(f"suite_id: there is no simulation suite {suite_id}.")
        return suite

    async def _chosen(self, body: SessionCreate, suite: SimulationSuite | None) -> Sequence[SimulationCase]:
        if body.simulation_case_ids:
            cases = [await self._case(case_id) for case_id in dict.fromkeys(body.simulation_case_ids)]
        elif suite is not None:
            cases = (await self._cases.of_suites([suite.id]))[suite.id]
        else:
            raise BadInput("Name a suite_id or simulation_case_ids.")
        if not cases:
            raise BadInput("The suite has no cases; create one with its suite_id first.")
        bare = next(
            (case for case in cases if not case.success_criteria and not details_of(case).rules), None
        )
        if bare is not None:
            raise BadInput(f"The case {bare.id} demands nothing; give it success_criteria or rules.")
        return cases

    async def _case(self, case_id: str) -> SimulationCase:
        case = await self._cases.get(case_id)
        if case is None:
            raise BadInput(f"simulation_case_ids: there is no simulation case {case_id}.")
        return case

    async def _agent(self, body: SessionCreate, suite: SimulationSuite | None) -> Agent:
        wanted = body.target_agent_id or (str(suite.agent_id) if suite else None)
        if wanted is None:
            raise BadInput("target_agent_id is required where no suite is named.")
        return await agent_of(self._agents, "target_agent_id", wanted)

    async def _version(self, field: str, agent: Agent, n: str | None) -> int | None:
        if n is None:
            return None
        version = await self._versions.get(agent.id, n)
        if version is None:
            raise BadInput(f"{field}: the agent has no version {n}.")
        return version.n


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
