"""What a session is begun with: all that a body names, found."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from trunkline.errors import BadInput
from trunkline.resources.agents.models import Agent
from trunkline.resources.simulations.details import Plan, details_of, planned
from trunkline.resources.simulations.models import SimulationCase, SimulationSuite
from trunkline.resources.simulations.own_tools import OwnTool
from trunkline.resources.simulations.rows import Rows
from trunkline.resources.simulations.running import SEED_BITS, spoken_by
from trunkline.resources.simulations.service import agent_of
from trunkline.resources.simulations.session_schemas import MOST_RUNS, SessionCreate, SessionSettings
from trunkline.resources.simulations.suite_file import Level, Tools


@dataclass(frozen=True)
class Chosen:
    """What is run, and how."""

    body: SessionCreate
    suite: SimulationSuite | None
    cases: Sequence[SimulationCase]
    agent: Agent
    settings: SessionSettings

    @property
    def versions(self) -> tuple[int, ...]:
        """Those of the agent that are run: the one that is tested first."""
        against = self.settings.against_version
        return (self.settings.agent_version, *(() if against is None else (against,)))

    @property
    def real(self) -> bool:
        """Is really run what a case does not mock?"""
        return self.settings.tools is Tools.REAL

    def plan(self, case: SimulationCase, number: int, tools: tuple[OwnTool, ...]) -> Plan:
        """All that decides one run but the agent."""
        settings = self.settings
        found = planned(
            case,
            spoken_by(self.agent, self.suite),
            variables=self.body.custom_variables or {},
            max_turns=self.body.max_turns,
            number=number,
            seed=settings.seed,
            judge=settings.judge,
        )
        return Plan(
            level=settings.level,
            planned=found,
            now=datetime.now(UTC),
            tools=tools,
            real=self.real,
            seconds=settings.caps.run_seconds,
        )


class Choosing:
    """Finds what bodies name, in one workspace and within one transaction."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def chosen(self, body: SessionCreate) -> Chosen:
        """All of it. Raises BadInput: it names what is not there, too much, or nothing."""
        suite = await self._suite(body.suite_id)
        cases = await self._of_body(body, suite)
        agent = await self._agent(body, suite)
        version = await self._version("agent_version", agent, body.agent_version) or agent.version
        against = await self._version("against_version", agent, body.against_version)
        if against == version:
            raise BadInput("against_version: it is the version that is tested; name another.")
        if body.level is Level.LINE:
            _check_line(body, agent, version, cases)
        if len(cases) * body.repeats * (1 if against is None else 2) > MOST_RUNS:
            raise BadInput(f"A session has at most {MOST_RUNS} runs; lower repeats, or name fewer cases.")
        settings = SessionSettings(
            name=body.name or (suite.name if suite else cases[0].name),
            level=body.level,
            repeats=body.repeats,
            pass_share=body.pass_share,
            tools=body.tools,
            judge=body.judge,
            caps=body.caps,
            seed=secrets.randbits(SEED_BITS) if body.seed is None else body.seed,
            agent_version=version,
            against_version=against,
        )
        return Chosen(body, suite, cases, agent, settings)

    async def _suite(self, suite_id: str | None) -> SimulationSuite | None:
        if suite_id is None:
            return None
        suite = await self._rows.suites.get(suite_id)
        if suite is None:
            raise BadInput(f"suite_id: there is no simulation suite {suite_id}.")
        return suite

    async def _of_body(self, body: SessionCreate, suite: SimulationSuite | None) -> Sequence[SimulationCase]:
        if body.simulation_case_ids:
            cases = [await self._case(case_id) for case_id in dict.fromkeys(body.simulation_case_ids)]
        elif suite is not None:
            cases = (await self._rows.cases.of_suites([suite.id]))[suite.id]
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
        case = await self._rows.cases.get(case_id)
        if case is None:
            raise BadInput(f"simulation_case_ids: there is no simulation case {case_id}.")
        return case

    async def _agent(self, body: SessionCreate, suite: SimulationSuite | None) -> Agent:
        wanted = body.target_agent_id or (str(suite.agent_id) if suite else None)
        if wanted is None:
            raise BadInput("target_agent_id is required where no suite is named.")
        return await agent_of(self._rows.agents, "target_agent_id", wanted)

    async def _version(self, field: str, agent: Agent, n: str | None) -> int | None:
        if n is None:
            return None
        version = await self._rows.versions.get(agent.id, n)
        if version is None:
            raise BadInput(f"{field}: the agent has no version {n}.")
        return version.n


def _check_line(body: SessionCreate, agent: Agent, version: int, cases: Sequence[SimulationCase]) -> None:
    """Raise BadInput for what a real call cannot be."""
    if agent.type == "outbound":
        raise BadInput(
            "level: at the level line the persona is the one who calls; use voice for agents that call."
        )
    if version != agent.version or body.against_version is not None:
        raise BadInput(
            "level: a real call reaches the agent as it is now; use text or voice for other versions."
        )
    if body.tools is not Tools.REAL:
        raise BadInput(
            "tools: a real call really runs what the agent calls; say `tools: real`, or use text or voice."
        )
    for case in cases:
        details = details_of(case)
        if details.tools or details.state:
            raise BadInput(
                f"The case {case.id} mocks tools, which do not exist on a real line; use text or voice for it."
            )
        if details.persona is not None and details.persona.recorded is not None:
            raise BadInput(f"The case {case.id} is a machine that is called; use voice for it.")
