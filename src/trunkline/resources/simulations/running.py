"""The rules of runs and their sessions."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import BadInput, NotFound
from trunkline.platform.http.dates import Period
from trunkline.platform.http.pagination import Page
from trunkline.platform.work.jobs import Queue, defer
from trunkline.resources.actions.planning import masked
from trunkline.resources.agent_versions.repository import AgentVersionRepository
from trunkline.resources.agent_versions.snapshots import actions_in
from trunkline.resources.agents import vocabulary
from trunkline.resources.agents.models import Agent
from trunkline.resources.knowledge import answering
from trunkline.resources.knowledge.repository import KnowledgeRepository
from trunkline.resources.simulations.details import Plan, planned
from trunkline.resources.simulations.models import (
    SimulationCase,
    SimulationRun,
    SimulationSession,
    SimulationSuite,
)
from trunkline.resources.simulations.own_tools import OwnTool, own_tools
from trunkline.resources.simulations.rows import Rows
from trunkline.resources.simulations.schemas import RunCreate
from trunkline.resources.simulations.service import Agents, agent_of
from trunkline.resources.simulations.status import RunStatus
from trunkline.resources.simulations.suite_file import MOST_TURNS, Judge

RUN_SIMULATION = "run_simulation"
LANES = 16
"""Runs of one workspace that go on at once; the rest wait, so that one workspace does not hold all workers."""
TURNS = MOST_TURNS
FEWEST_TURNS = 10
TURNS_AT_MOST = 50
SEED_BITS = 32


class Runs:
    """The runs of one workspace, within one transaction."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        self._rows = Rows.of(session, workspace_id)

    async def start(self, body: RunCreate) -> SimulationRun:
        """Begin a run, in the session that is named or in one of its own.

        Raises:
            NotFound: no such case, agent or session.
        """
        case = await self._rows.cases.get(body.simulation_case_id)
        if case is None:
            raise NotFound(f"simulation_case_id: there is no simulation case {body.simulation_case_id}.")
        agent = await self._rows.agents.get(body.target_agent_id)
        if agent is None:
            raise NotFound(f"target_agent_id: there is no agent {body.target_agent_id}.")
        session = await self._session_for(body.simulation_session_id)
        suite = await self._rows.suites.get(case.suite_id) if case.suite_id else None
        tools = await tools_of(self._rows.session, agent)
        plan = self._ordinary(case, agent, suite, tools, body.custom_variables, TURNS)
        run = run_of(session, case, agent, plan)
        run.variables = body.custom_variables
        await self.begin(run)
        return run

    async def execute(
        self, suite_id: str, target_agent_id: str, max_turns: int
    ) -> tuple[SimulationSuite, Sequence[SimulationRun]]:
        """Begin a run of every case of a suite, in a new session. `max_turns` is kept within 10 to 50.

        Raises:
            NotFound: no such suite.
            BadInput: the agent is not the suite's, or was deleted, or there are no cases.
        """
        suite = await self._rows.suites.get(suite_id)
        if suite is None:
            raise NotFound(f"There is no simulation suite {suite_id}.")
        if target_agent_id != str(suite.agent_id):
            raise BadInput(f"target_agent_id must be the suite's model_id, {suite.agent_id}.")
        agent = await agent_of(self._rows.agents, "target_agent_id", target_agent_id)
        cases = (await self._rows.cases.of_suites([suite.id]))[suite.id]
        if not cases:
            raise BadInput("The suite has no cases; create one with its suite_id first.")
        session = await self._session_for(None)
        turns = min(max(max_turns, FEWEST_TURNS), TURNS_AT_MOST)
        tools = await tools_of(self._rows.session, agent)
        plans = [self._ordinary(case, agent, suite, tools, None, turns) for case in cases]
        runs = [run_of(session, case, agent, plan) for case, plan in zip(cases, plans, strict=True)]
        await self.begin(*runs)
        return suite, runs

    async def get(self, run_id: str) -> SimulationRun | None:
        """One run."""
        return await self._rows.runs.get(run_id)

    async def page(
        self,
        session_id: str | None,
        agent_id: str | None,
        status: RunStatus | None,
        period: Period,
        page: Page,
    ) -> tuple[Sequence[SimulationRun], int]:
        """Runs of a kind, newest first, and how many there are.

        Raises:
            BadInput: no such session or agent.
        """
        session = None if session_id is None else await self._rows.sessions.get(session_id)
        if session_id is not None and session is None:
            raise BadInput(f"simulation_session_id: there is no simulation session {session_id}.")
        of_session = None if session is None else session.id
        of_agent = await self._agent_filter(agent_id)
        return await self._rows.runs.page(of_session, of_agent, status, period, page.limit, page.offset)

    async def session(self, session_id: str) -> SimulationSession:
        """One session. Raises NotFound."""
        session = await self._rows.sessions.get(session_id)
        if session is None:
            raise NotFound(f"There is no simulation session {session_id}.")
        return session

    async def sessions(
        self, agent_id: str | None, period: Period, page: Page
    ) -> tuple[Sequence[SimulationSession], int]:
        """Sessions with a run of this agent in this period, newest first, and how many there are.

        Raises:
            BadInput: no such agent.
        """
        of_agent = await self._agent_filter(agent_id)
        return await self._rows.sessions.page(of_agent, period, page.limit, page.offset)

    async def of_sessions(
        self, sessions: Sequence[SimulationSession]
    ) -> Mapping[UUID, Sequence[SimulationRun]]:
        """The runs of each session, in the order they were begun."""
        return await self._rows.runs.of_sessions([session.id for session in sessions])

    async def agents(self, runs: Sequence[SimulationRun]) -> Agents:
        """The agents that these runs test."""
        return await self._rows.runs.agents([run.agent_id for run in runs])

    async def _agent_filter(self, agent_id: str | None) -> UUID | None:
        if agent_id is None:
            return None
        return (await agent_of(self._rows.agents, "target_agent_id", agent_id, deleted=True)).id

    async def _session_for(self, session_id: str | None) -> SimulationSession:
        if session_id is None:
            session = SimulationSession()
            await self._rows.sessions.add(session)
            return session
        known = await self._rows.sessions.get(session_id)
        if known is None:
            raise NotFound(f"simulation_session_id: there is no simulation session {session_id}.")
        return known

    async def begin(self, *runs: SimulationRun) -> None:
        """Store runs, each with the job that plays it."""
        await self._rows.runs.add(*runs)
        for n, run in enumerate(runs):
            args = {"run_id": str(run.id), "workspace_id": str(self._rows.workspace_id)}
            lane = (runs[0].id.int + n) % LANES
            lock = f"{RUN_SIMULATION}:{self._rows.workspace_id}:{lane}"
            await defer(self._rows.session, RUN_SIMULATION, args, Queue.SIMULATIONS, lock)

    def _ordinary(
        self,
        case: SimulationCase,
        agent: Agent,
        suite: SimulationSuite | None,
        tools: tuple[OwnTool, ...],
        variables: dict[str, Any] | None,
        max_turns: int,
    ) -> Plan:
        """In text, once, with a seed that is drawn."""
        found = planned(
            case,
            spoken_by(agent, suite),
            variables=variables or {},
            max_turns=max_turns,
            number=1,
            seed=secrets.randbits(SEED_BITS),
            judge=Judge(),
        )
        return Plan(planned=found, now=datetime.now(UTC), tools=tools)


def spoken_by(agent: Agent, suite: SimulationSuite | None) -> str:
    """The language of the persona where its case does not say."""
    return suite.language if suite else str(agent.settings.get("language", vocabulary.DEFAULT_LANGUAGE))


async def tools_of(
    session: AsyncSession, agent: Agent, version: int | None = None, *, real: bool = False
) -> tuple[OwnTool, ...]:
    """What an agent has of its own to call, now or in a version; with the search of its knowledge if that is really run."""
    attached = None
    if version not in (None, agent.version):
        found = await AgentVersionRepository(session, agent.workspace_id).get(agent.id, str(version))
        attached = actions_in(found.content, agent) if found else None
    actions = await masked(session, agent, attached)
    if not real:
        return own_tools(actions)
    bases = await KnowledgeRepository(session, agent.workspace_id).bases_of(agent.id)
    return own_tools((*actions, *answering.planned(bases)))


def run_of(
    session: SimulationSession, case: SimulationCase, agent: Agent, plan: Plan, version: int | None = None
) -> SimulationRun:
    """A run that nobody has begun, of the agent as it is now or as it was in a version."""
    call = plan.planned.case
    return SimulationRun(
        id=uuid4(),
        session_id=session.id,
        agent_id=agent.id,
        agent_version=version or agent.version or None,
        case_id=case.id,
        case_name=case.name,
        case_prompt=case.prompt,
        success_criteria=case.success_criteria,
        call_success_type=case.call_success_type,
        language=call.persona.language,
        max_turns=call.max_turns or TURNS,
        plan=plan.stored(),
        status=RunStatus.IN_PROGRESS,
    )
