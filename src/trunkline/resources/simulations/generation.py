"""Cases that the language model writes for an agent, for each quality to be tested: stored, and told as they come."""

from collections.abc import AsyncIterator, Sequence
from typing import Literal
from uuid import UUID

import structlog

from trunkline.errors import NotFound, ProviderError, Unavailable
from trunkline.platform.http.dates import Period
from trunkline.platform.http.wire import Wire
from trunkline.platform.storage.database import Database
from trunkline.resources.actions.planning import masked
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.knowledge import answering
from trunkline.resources.knowledge.repository import KnowledgeRepository
from trunkline.resources.simulations import wire, writing
from trunkline.resources.simulations.details import CaseDetails
from trunkline.resources.simulations.models import SimulationCase, SimulationScenario, SimulationSuite
from trunkline.resources.simulations.own_tools import own_tools
from trunkline.resources.simulations.persona import prompt_of
from trunkline.resources.simulations.repository import (
    CaseRepository,
    ScenarioRepository,
    SuiteRepository,
)
from trunkline.resources.simulations.schemas import (
    CallSuccess,
    CaseOut,
    CaseType,
    Generate,
    SimulationTest,
)
from trunkline.resources.simulations.writing import Described, Wish, Written
from trunkline.voice.language.ports import LanguageModel

log = structlog.get_logger(__name__)

SCENARIOS = 20
"""The newest of the workspace's; more would not be heeded."""


class Started(Wire):
    """The first line."""

    event: Literal["started"]
    total: int


class Created(Wire):
    """A case was written and stored."""

    event: Literal["case_created"]
    test: SimulationTest
    simulation_case: CaseOut


class Failed(Wire):
    """A case could not be written; the others go on."""

    event: Literal["failed"]
    test: SimulationTest
    error: str


class Completed(Wire):
    """The last line."""

    event: Literal["completed"]
    created: int


Line = Started | Created | Failed | Completed
"""One line of the stream."""


class Generation:
    """The cases of one request."""

    def __init__(
        self,
        database: Database,
        model: LanguageModel,
        agent: Agent,
        described: Described,
        suite: SimulationSuite | None,
        scenarios: Sequence[SimulationScenario],
        tests: Sequence[SimulationTest],
    ) -> None:
        self._database = database
        self._model = model
        self._agent = agent
        self._described = described
        self._suite = suite
        self._scenarios = [f"{each.name}: {each.description}" for each in scenarios]
        self._wishes = writing.wishes(described, tests)

    async def lines(self) -> AsyncIterator[str]:
        """What happens, one JSON object a line. Each case is stored before its line is sent."""
        yield _line(Started(event="started", total=len(self._wishes)))
        names: list[str] = []
        for wish in self._wishes:
            try:
                case = await self._store(await self._write(wish, names))
            except (ProviderError, Unavailable) as error:
                log.warning("case_not_generated", test=wish.test, error=str(error))
                yield _line(Failed(event="failed", test=wish.test, error=str(error)))
                continue
            names.append(case.name)
            shown = wire.case(case, {self._agent.id: self._agent})
            yield _line(Created(event="case_created", test=wish.test, simulation_case=shown))
        yield _line(Completed(event="completed", created=len(names)))

    async def _write(self, wish: Wish, there: Sequence[str]) -> Written:
        return await writing.write(
            self._model,
            self._agent.settings.get("llm", ""),
            self._described,
            wish,
            language=self._suite.language if self._suite else "",
            scenarios=self._scenarios,
            there=there,
        )

    async def _store(self, written: Written) -> SimulationCase:
        case = SimulationCase(
            suite_id=self._suite.id if self._suite else None,
            base_agent_id=self._agent.id,
            name=written.name,
            prompt=prompt_of(written.persona),
            type=CaseType.AGENT_BASED,
            success_criteria=list(written.success_criteria),
            call_success_type=CallSuccess.ALL,
            details=_details(written),
        )
        async with self._database.workspace(self._agent.workspace_id) as session:
            await CaseRepository(session, self._agent.workspace_id).add(case)
        return case


async def prepare(database: Database, workspace_id: UUID, body: Generate, model: LanguageModel) -> Generation:
    """Everything that can be refused before the stream begins.

    Raises:
        NotFound: no such agent or suite.
    """
    async with database.workspace(workspace_id) as session:
        agent = await AgentRepository(session, workspace_id).get(body.agent_id)
        if agent is None:
            raise NotFound(f"agent_id: there is no agent {body.agent_id}.")
        suite = None
        if body.suite_id is not None:
            suite = await SuiteRepository(session, workspace_id).get(body.suite_id)
            if suite is None:
                raise NotFound(f"suite_id: there is no simulation suite {body.suite_id}.")
        scenarios, _ = await ScenarioRepository(session, workspace_id).page(None, Period(), SCENARIOS, 0)
        bases = await KnowledgeRepository(session, workspace_id).bases_of(agent.id)
        actions = (*await masked(session, agent), *answering.planned(bases))
    described = Described.of(agent, own_tools(actions))
    return Generation(database, model, agent, described, suite, scenarios, body.include_tests)


def _details(written: Written) -> dict[str, object] | None:
    """Rules and mocked tools, for an agent that has actions."""
    if not written.tools:
        return None
    details = CaseDetails(rules=written.rules, tools=written.tools)
    return details.model_dump(mode="json", exclude_unset=True)


def _line(line: Line) -> str:
    return line.model_dump_json() + "\n"
