"""`/v2/simulation_scenarios`."""

from typing import Annotated

from fastapi import Depends

from trunkline.platform.http.context import Caller, Transaction, keyed_router
from trunkline.platform.http.dates import InPeriod
from trunkline.platform.http.pagination import Items, NumberedPage, items_of
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Ok, ok
from trunkline.resources.simulations import wire
from trunkline.resources.simulations.repository import ScenarioRepository
from trunkline.resources.simulations.schemas import ScenarioCreate, ScenarioOut, ScenarioUpdate
from trunkline.resources.simulations.service import Scenarios

router = keyed_router("/v2/simulation_scenarios", "Simulations", Scope.SIMULATIONS)


def _scenarios(session: Transaction, caller: Caller) -> Scenarios:
    return Scenarios(ScenarioRepository(session, caller.workspace_id))


Service = Annotated[Scenarios, Depends(_scenarios)]


@router.post("")
async def create_simulation_scenario(body: ScenarioCreate, scenarios: Service) -> Ok[ScenarioOut]:
    """Make a scenario: circumstances under which cases are run."""
    return ok(wire.scenario(await scenarios.create(body)))


@router.get("")
async def list_simulation_scenarios(
    page: NumberedPage, period: InPeriod, scenarios: Service, search: str | None = None
) -> Ok[Items[ScenarioOut]]:
    """The workspace's scenarios, newest first."""
    found, total = await scenarios.page(search, period, page)
    return ok(items_of([wire.scenario(each) for each in found], total, page))


@router.get("/{scenario_id}")
async def get_simulation_scenario(scenario_id: str, scenarios: Service) -> Ok[ScenarioOut]:
    """One scenario."""
    return ok(wire.scenario(await scenarios.get(scenario_id)))


@router.put("/{scenario_id}")
async def update_simulation_scenario(
    scenario_id: str, scenarios: Service, body: ScenarioUpdate | None = None
) -> Ok[ScenarioOut]:
    """Change what is sent, keep the rest."""
    return ok(wire.scenario(await scenarios.update(scenario_id, body or ScenarioUpdate())))


@router.delete("/{scenario_id}", status_code=204)
async def delete_simulation_scenario(scenario_id: str, scenarios: Service) -> None:
    """Remove a scenario."""
    await scenarios.delete(scenario_id)
