"""`/v2/simulation_suites`."""

from typing import Annotated

from fastapi import Depends, Query

from trunkline.platform.http.context import Caller, Transaction, keyed_router
from trunkline.platform.http.dates import InPeriod
from trunkline.platform.http.pagination import Items, NumberedPage, items_of
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Ok, ok
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.simulations import wire
from trunkline.resources.simulations.models import SimulationSuite
from trunkline.resources.simulations.repository import CaseRepository, SuiteRepository
from trunkline.resources.simulations.running import TURNS, Runs
from trunkline.resources.simulations.schemas import (
    ExecutionAnswer,
    SuiteCreate,
    SuiteListItem,
    SuiteOut,
    SuiteUpdate,
)
from trunkline.resources.simulations.service import Suites

router = keyed_router("/v2/simulation_suites", "Simulations", Scope.SIMULATIONS)


def _suites(session: Transaction, caller: Caller) -> Suites:
    return Suites(
        SuiteRepository(session, caller.workspace_id),
        CaseRepository(session, caller.workspace_id),
        AgentRepository(session, caller.workspace_id),
    )


Service = Annotated[Suites, Depends(_suites)]
ModelIds = Annotated[list[str] | None, Query()]


@router.post("")
async def create_simulation_suite(body: SuiteCreate, suites: Service) -> Ok[SuiteOut]:
    """Make a suite: cases of an agent that are run together."""
    return ok(await _shown(suites, await suites.create(body)))


@router.get("")
async def list_simulation_suites(
    page: NumberedPage,
    period: InPeriod,
    suites: Service,
    search: str | None = None,
    model_ids: ModelIds = None,
    model_ids_: Annotated[list[str] | None, Query(alias="model_ids[]")] = None,
) -> Ok[Items[SuiteListItem]]:
    """The workspace's suites, newest first."""
    found, total = await suites.page(search, [*(model_ids or ()), *(model_ids_ or ())], period, page)
    cases = await suites.cases(found)
    agents = await suites.agents(found)
    items = [wire.suite_in_list(suite, cases[suite.id], agents) for suite in found]
    return ok(items_of(items, total, page))


@router.get("/{suite_id}")
async def get_simulation_suite(suite_id: str, suites: Service) -> Ok[SuiteOut]:
    """One suite with its cases."""
    return ok(await _shown(suites, await suites.get(suite_id)))


@router.put("/{suite_id}")
async def update_simulation_suite(
    suite_id: str, suites: Service, body: SuiteUpdate | None = None
) -> Ok[SuiteOut]:
    """Change what is sent, keep the rest."""
    return ok(await _shown(suites, await suites.update(suite_id, body or SuiteUpdate())))


@router.delete("/{suite_id}", status_code=204)
async def delete_simulation_suite(suite_id: str, suites: Service) -> None:
    """Its cases stay, without a suite."""
    await suites.delete(suite_id)


@router.post("/{suite_id}/execute")
async def execute_simulation_suite(
    suite_id: str,
    session: Transaction,
    caller: Caller,
    target_agent_id: Annotated[str, Query()],
    max_turns: Annotated[int, Query()] = TURNS,
) -> ExecutionAnswer:
    """Begin a run of each case in a new session. `max_turns` (10 to 50) is how often each side may speak."""
    runs = Runs(session, caller.workspace_id)
    return wire.execution(*await runs.execute(suite_id, target_agent_id, max_turns))


async def _shown(suites: Suites, suite: SimulationSuite) -> SuiteOut:
    cases = (await suites.cases([suite]))[suite.id]
    return wire.suite(suite, cases, await suites.agents([suite], cases))
