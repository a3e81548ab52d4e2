"""The rules of cases, suites and scenarios."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from trunkline.errors import BadInput, NotFound
from trunkline.platform.http.dates import Period
from trunkline.platform.http.pagination import Page
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.simulations.models import SimulationCase, SimulationScenario, SimulationSuite
from trunkline.resources.simulations.repository import (
    CaseRepository,
    ScenarioRepository,
    SuiteRepository,
)
from trunkline.resources.simulations.schemas import (
    CaseCreate,
    CaseType,
    CaseUpdate,
    ScenarioCreate,
    ScenarioUpdate,
    SuiteCreate,
    SuiteUpdate,
)

Agents = Mapping[UUID, Agent]
"""Agents by id, for showing what names them."""


class Cases:
    """The cases of one workspace, within one transaction."""

    def __init__(self, cases: CaseRepository, suites: SuiteRepository, agents: AgentRepository) -> None:
        self._cases = cases
        self._suites = suites
        self._agents = agents

    async def create(self, body: CaseCreate) -> SimulationCase:
        """A new case.

        Raises:
            BadInput: it names a suite or an agent that is not there.
        """
        base = None if body.base_agent_id is None else await self._agents.get(body.base_agent_id)
        if body.base_agent_id is not None and base is None:
            raise BadInput(
                f"base_agent_id: there is no agent {body.base_agent_id}; leave it out, or name one."
            )
        case = SimulationCase(
            suite_id=await suite_id(self._suites, body.suite_id),
            base_agent_id=None if base is None else base.id,
            name=body.name,
            prompt=body.prompt,
            type=body.type,
            success_criteria=list(body.success_criteria),
            call_success_type=body.call_success_type,
        )
        await self._cases.add(case)
        return case

    async def update(self, case_id: str, body: CaseUpdate) -> SimulationCase:
        """Change what is sent, keep the rest.

        Raises:
            NotFound: no such case.
            BadInput: it names a suite that is not there.
        """
        case = await self.get(case_id, lock=True)
        for name, value in body.model_dump(exclude_unset=True, exclude={"suite_id"}).items():
            setattr(case, name, value)
        if body.suite_id is not None:
            case.suite_id = await suite_id(self._suites, body.suite_id)
        await self._cases.refresh(case)
        return case

    async def set_details(self, case_id: str, details: dict[str, Any]) -> SimulationCase:
        """What a case holds beyond the contract, all of it. Raises NotFound."""
        case = await self.get(case_id, lock=True)
        case.details = details
        await self._cases.refresh(case)
        return case

    async def get(self, case_id: str, *, lock: bool = False) -> SimulationCase:
        """One case. Raises NotFound."""
        case = await self._cases.get(case_id, lock=lock)
        if case is None:
            raise NotFound(f"There is no simulation case {case_id}.")
        return case

    async def page(
        self, search: str | None, type_: CaseType | None, suite: str | None, page: Page
    ) -> tuple[Sequence[SimulationCase], int]:
        """Cases of a kind, newest first, and how many there are.

        Raises:
            BadInput: no such suite.
        """
        of_suite = await suite_id(self._suites, suite)
        return await self._cases.page(search, type_, of_suite, page.limit, page.offset)

    async def of_agent(self, agent: Agent) -> Sequence[SimulationCase]:
        """What was written for an agent or belongs to its suites, newest first."""
        return await self._cases.of_agent(agent.id)

    async def delete(self, case_id: str) -> None:
        """Remove a case; its runs stay. Raises NotFound."""
        await self._cases.delete(await self.get(case_id, lock=True))

    async def agents(self, cases: Sequence[SimulationCase]) -> Agents:
        """The agents that these cases were written for."""
        return await self._cases.agents([case.base_agent_id for case in cases if case.base_agent_id])


class Suites:
    """The suites of one workspace, within one transaction."""

    def __init__(self, suites: SuiteRepository, cases: CaseRepository, agents: AgentRepository) -> None:
        self._suites = suites
        self._cases = cases
        self._agents = agents

    async def create(self, body: SuiteCreate) -> SimulationSuite:
        """A new suite. Raises BadInput when there is no such agent."""
        agent = await agent_of(self._agents, "model_id", body.model_id)
        suite = SimulationSuite(name=body.name, agent_id=agent.id, language=body.language)
        await self._suites.add(suite)
        return suite

    async def update(self, suite_id_: str, body: SuiteUpdate) -> SimulationSuite:
        """Change what is sent, keep the rest.

        Raises:
            NotFound: no such suite.
            BadInput: no such agent.
        """
        suite = await self.get(suite_id_, lock=True)
        if body.name is not None:
            suite.name = body.name
        if body.model_id is not None:
            suite.agent_id = (await agent_of(self._agents, "model_id", body.model_id)).id
        await self._suites.refresh(suite)
        return suite

    async def get(self, suite_id_: str, *, lock: bool = False) -> SimulationSuite:
        """One suite. Raises NotFound."""
        suite = await self._suites.get(suite_id_, lock=lock)
        if suite is None:
            raise NotFound(f"There is no simulation suite {suite_id_}.")
        return suite

    async def page(
        self, search: str | None, models: Sequence[str], period: Period, page: Page
    ) -> tuple[Sequence[SimulationSuite], int]:
        """Suites of these agents, or of all, newest first, and how many there are.

        Raises:
            BadInput: one of the agents never was.
        """
        agents = [(await agent_of(self._agents, "model_ids", model, deleted=True)).id for model in models]
        return await self._suites.page(search, agents, period, page.limit, page.offset)

    async def delete(self, suite_id_: str) -> None:
        """Remove a suite; its cases stay, without one. Raises NotFound."""
        await self._suites.delete(await self.get(suite_id_, lock=True))

    async def cases(self, suites: Sequence[SimulationSuite]) -> Mapping[UUID, Sequence[SimulationCase]]:
        """The cases of each suite, in the order they were made."""
        return await self._cases.of_suites([suite.id for suite in suites])

    async def agents(self, suites: Sequence[SimulationSuite], cases: Sequence[SimulationCase] = ()) -> Agents:
        """The agents of these suites and of their cases."""
        of_cases = [case.base_agent_id for case in cases if case.base_agent_id]
        return await self._suites.agents([*(suite.agent_id for suite in suites), *of_cases])


class Scenarios:
    """The scenarios of one workspace, within one transaction."""

    def __init__(self, scenarios: ScenarioRepository) -> None:
        self._scenarios = scenarios

    async def create(self, body: ScenarioCreate) -> SimulationScenario:
        """A new scenario."""
        scenario = SimulationScenario(name=body.name, description=body.description)
        await self._scenarios.add(scenario)
        return scenario

    async def update(self, scenario_id: str, body: ScenarioUpdate) -> SimulationScenario:
        """Change what is sent, keep the rest. Raises NotFound."""
        scenario = await self.get(scenario_id, lock=True)
        for name, value in body.model_dump(exclude_unset=True).items():
            setattr(scenario, name, value)
        await self._scenarios.refresh(scenario)
        return scenario

    async def get(self, scenario_id: str, *, lock: bool = False) -> SimulationScenario:
        """One scenario. Raises NotFound."""
        scenario = await self._scenarios.get(scenario_id, lock=lock)
        if scenario is None:
            raise NotFound(f"There is no simulation scenario {scenario_id}.")
        return scenario

    async def page(
        self, search: str | None, period: Period, page: Page
    ) -> tuple[Sequence[SimulationScenario], int]:
        """Scenarios, newest first, and how many there are."""
        return await self._scenarios.page(search, period, page.limit, page.offset)

    async def delete(self, scenario_id: str) -> None:
        """Remove a scenario. Raises NotFound."""
        await self._scenarios.delete(await self.get(scenario_id, lock=True))


async def agent_of(agents: AgentRepository, field: str, agent_id: str, *, deleted: bool = False) -> Agent:
    """The agent that `field` names. Raises BadInput."""
    agent = await agents.get(agent_id, deleted=deleted)
    if agent is None:
        raise BadInput(f"{field}: there is no agent {agent_id}; name one of this workspace.")
    return agent


async def suite_id(suites: SuiteRepository, named: str | None) -> UUID | None:
    """The id of the suite that a body or query names, if it names one. Raises BadInput."""
    if named is None:
        return None
    suite = await suites.get(named)
    if suite is None:
        raise BadInput(f"suite_id: there is no simulation suite {named}; leave it out, or name one.")
    return suite.id
