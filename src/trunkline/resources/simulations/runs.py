"""`/v2/simulations` and `/v2/sessions`: runs and their sessions, and what the paths meant in 2025."""

from typing import Annotated, Any

from fastapi import Body, Depends
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from trunkline.errors import NotFound
from trunkline.platform.http.context import Caller, Transaction, keyed_router
from trunkline.platform.http.dates import InPeriod
from trunkline.platform.http.pagination import NumberedPage
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Ok, ok
from trunkline.resources.simulations import cases, wire
from trunkline.resources.simulations.links import Linked, SimulationLinks
from trunkline.resources.simulations.models import SimulationRun
from trunkline.resources.simulations.running import Runs
from trunkline.resources.simulations.schemas import (
    CaseCreate,
    CaseCreated,
    CaseOut,
    RunCreate,
    RunOut,
    RunPage,
    SessionOut,
    SessionPage,
)
from trunkline.resources.simulations.status import RunStatus

router = keyed_router("/v2", "Simulations", Scope.SIMULATIONS)


def _runs(session: Transaction, caller: Caller) -> Runs:
    return Runs(session, caller.workspace_id)


Service = Annotated[Runs, Depends(_runs)]


def _run_or_case(body: Annotated[dict[str, Any], Body()]) -> RunCreate | CaseCreate:
    """A run to start, unless it has what only a case has."""
    names_run = body.get("simulation_case_id") is not None or body.get("target_agent_id") is not None
    is_case = not names_run and body.get("name") is not None and body.get("prompt") is not None
    try:
        return CaseCreate.model_validate(body) if is_case else RunCreate.model_validate(body)
    except ValidationError as error:
        raise RequestValidationError(
            [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        ) from None


_BODIES = {
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {
                    "title": "Run to start, or case to create",
                    "anyOf": [
                        {"$ref": f"#/components/schemas/{each.__name__}"} for each in (RunCreate, CaseCreate)
                    ],
                }
            }
        }
    }
}


@router.post("/simulations", responses=cases.NAMES_OTHERS, openapi_extra=_BODIES)
async def start_simulation(
    body: Annotated[RunCreate | CaseCreate, Depends(_run_or_case)],
    runs: Service,
    links: Linked,
    all_cases: cases.Service,
) -> Ok[RunOut] | Ok[CaseCreated]:
    """Start a run. A body with `name` and `prompt` creates a case instead, as this path did in 2025."""
    if isinstance(body, CaseCreate):
        return await cases.create_simulation_case(body, all_cases)
    return await older_start_simulation(body, runs, links)


@router.post("/simulations/start", responses=cases.NAMES_OTHERS, deprecated=True)
async def older_start_simulation(body: RunCreate, runs: Service, links: Linked) -> Ok[RunOut]:
    """Start a run; the spelling of 2025."""
    return ok(await _shown(runs, links, await runs.start(body)))


@router.get("/simulations", responses=cases.MALFORMED)
@router.get("/simulations/all", name="older_list_simulations", responses=cases.MALFORMED, deprecated=True)
async def list_simulations(
    page: NumberedPage,
    period: InPeriod,
    runs: Service,
    links: Linked,
    simulation_session_id: str | None = None,
    status: RunStatus | None = None,
    target_agent_id: str | None = None,
) -> Ok[RunPage]:
    """The workspace's runs, newest first."""
    found, total = await runs.page(simulation_session_id, target_agent_id, status, period, page)
    agents = await runs.agents(found)
    return ok(
        RunPage(pagination=page.of(total), items=[wire.run(run, agents, links.recording) for run in found])
    )


@router.get("/simulations/sessions")
@router.get("/sessions", name="older_list_simulation_sessions", deprecated=True)
async def list_simulation_sessions(
    page: NumberedPage, period: InPeriod, runs: Service, links: Linked, target_agent_id: str | None = None
) -> Ok[SessionPage]:
    """Sessions with a run of that agent in that period, each with all its runs."""
    found, total = await runs.sessions(target_agent_id, period, page)
    of_sessions = await runs.of_sessions(found)
    agents = await runs.agents([run for each in of_sessions.values() for run in each])
    items = [wire.session(session, of_sessions[session.id], agents, links.recording) for session in found]
    return ok(SessionPage(pagination=page.of(total), items=items))


@router.get("/simulations/session/{session_id}", responses=cases.MALFORMED)
@router.get(
    "/sessions/{session_id}",
    name="older_get_simulation_session",
    responses=cases.MALFORMED,
    deprecated=True,
)
async def get_simulation_session(session_id: str, runs: Service, links: Linked) -> Ok[SessionOut]:
    """One session with all its runs."""
    session = await runs.session(session_id)
    found = (await runs.of_sessions([session]))[session.id]
    return ok(wire.session(session, found, await runs.agents(found), links.recording))


@router.get("/simulations/{simulation_id}", responses=cases.MALFORMED)
async def get_simulation(
    simulation_id: str, runs: Service, links: Linked, all_cases: cases.Service
) -> Ok[RunOut] | Ok[CaseOut]:
    """The run with that id, else the case."""
    run = await runs.get(simulation_id)
    if run is not None:
        return ok(await _shown(runs, links, run))
    try:
        return ok(await cases.shown(all_cases, await all_cases.get(simulation_id)))
    except NotFound:
        raise NotFound(f"There is no simulation {simulation_id}.") from None


async def _shown(runs: Runs, links: SimulationLinks, run: SimulationRun) -> RunOut:
    return wire.run(run, await runs.agents([run]), links.recording)
