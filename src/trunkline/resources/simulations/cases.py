"""`/v2/simulation_cases`, and its spellings of 2025 under `/v2/simulations`."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, Query
from fastapi.responses import StreamingResponse

from trunkline.errors import NotFound
from trunkline.platform.http.context import Caller, Parts, Transaction, keyed_router
from trunkline.platform.http.errors import ErrorEnvelope
from trunkline.platform.http.pagination import NumberedPage
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Ok, ok
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.language import Models
from trunkline.resources.simulations import generation, wire
from trunkline.resources.simulations.models import SimulationCase
from trunkline.resources.simulations.repository import CaseRepository, SuiteRepository
from trunkline.resources.simulations.schemas import (
    CaseCreate,
    CaseCreated,
    CaseOut,
    CasePage,
    CaseType,
    CaseUpdate,
    Generate,
)
from trunkline.resources.simulations.service import Cases, agent_of

NDJSON = "application/x-ndjson"
MALFORMED: dict[int | str, dict[str, Any]] = {422: {"model": ErrorEnvelope}}
NAMES_OTHERS: dict[int | str, dict[str, Any]] = {**MALFORMED, 404: {"model": ErrorEnvelope}}
"""Of operations that answer 404 where the body names an agent, case or session that there is not."""
_LINE = {
    "type": "object",
    "properties": {
        "event": {"type": "string", "enum": ["started", "case_created", "failed", "completed"]},
        "total": {"type": "integer"},
        "test": {"type": "string"},
        "simulation_case": {"type": "object"},
        "error": {"type": "string"},
        "created": {"type": "integer"},
    },
    "required": ["event"],
}
_STREAM: dict[int | str, dict[str, Any]] = {
    **NAMES_OTHERS,
    200: {"content": {NDJSON: {"itemSchema": _LINE}}, "description": "One JSON object a line."},
}

router = keyed_router("/v2", "Simulations", Scope.SIMULATIONS)


def cases_of(session: Transaction, caller: Caller) -> Cases:
    """The caller's cases."""
    return Cases(
        CaseRepository(session, caller.workspace_id),
        SuiteRepository(session, caller.workspace_id),
        AgentRepository(session, caller.workspace_id),
    )


Service = Annotated[Cases, Depends(cases_of)]


@router.post("/simulation_cases", responses=MALFORMED)
async def create_simulation_case(body: CaseCreate, cases: Service) -> Ok[CaseCreated]:
    """Make a case: whom the language model plays, and what the call must come to."""
    return ok(CaseCreated(simulation_case=await shown(cases, await cases.create(body))))


@router.get("/simulation_cases")
async def list_simulation_cases(
    page: NumberedPage,
    cases: Service,
    search: str | None = None,
    simulation_case_type: CaseType | None = None,
    suite_id: str | None = None,
) -> Ok[CasePage]:
    """The workspace's cases, newest first."""
    found, total = await cases.page(search, simulation_case_type, suite_id, page)
    return ok(CasePage(pagination=page.of(total), items=await _all_shown(cases, found)))


@router.post(
    "/simulation_cases/generate",
    responses=_STREAM,
    response_class=StreamingResponse,
)
@router.post(
    "/simulations/generate",
    name="older_generate_simulation_cases",
    responses=_STREAM,
    response_class=StreamingResponse,
    deprecated=True,
)
async def generate_simulation_cases(
    body: Generate, caller: Caller, parts: Parts, models: Models
) -> StreamingResponse:
    """Have the language model write cases for an agent: one line each as they are made, `completed` at the end.

    Lines: `{"event":"started","total"}`, `{"event":"case_created","test","simulation_case"}`,
    `{"event":"failed","test","error"}`, `{"event":"completed","created"}`.
    """
    made = await generation.prepare(parts.database, caller.workspace_id, body, models.think)
    return StreamingResponse(made.lines(), media_type=NDJSON)


@router.get("/simulation_cases/by_agent")
async def list_simulation_cases_by_agent(
    agent_id: Annotated[str, Query()], session: Transaction, caller: Caller, cases: Service
) -> Ok[list[CaseOut]]:
    """The cases that were written for an agent, newest first."""
    agent = await agent_of(AgentRepository(session, caller.workspace_id), "agent_id", agent_id)
    return ok(await _of_agent(cases, agent))


@router.get("/simulations/agent/{agent_id}", deprecated=True)
async def older_list_simulation_cases_by_agent(
    agent_id: str, session: Transaction, caller: Caller, cases: Service
) -> Ok[list[CaseOut]]:
    """The cases of an agent; the spelling of 2025."""
    agent = await AgentRepository(session, caller.workspace_id).get(agent_id)
    if agent is None:
        raise NotFound(f"There is no agent {agent_id}.")
    return ok(await _of_agent(cases, agent))


@router.get("/simulation_cases/{simulation_case_id}")
async def get_simulation_case(simulation_case_id: str, cases: Service) -> Ok[CaseOut]:
    """One case."""
    return ok(await shown(cases, await cases.get(simulation_case_id)))


@router.put("/simulation_cases/{simulation_case_id}", responses=MALFORMED)
async def update_simulation_case(
    simulation_case_id: str, cases: Service, body: CaseUpdate | None = None
) -> Ok[CaseOut]:
    """Change what is sent, keep the rest."""
    return ok(await shown(cases, await cases.update(simulation_case_id, body or CaseUpdate())))


@router.put("/simulations/{simulation_id}", responses=MALFORMED, deprecated=True)
async def older_update_simulation_case(
    simulation_id: str, cases: Service, body: CaseUpdate | None = None
) -> Ok[CaseOut]:
    """Change a case; the spelling of 2025."""
    return await update_simulation_case(simulation_id, cases, body)


@router.delete("/simulation_cases/{simulation_case_id}", status_code=204)
async def delete_simulation_case(simulation_case_id: str, cases: Service) -> None:
    """Remove a case; its runs stay."""
    await cases.delete(simulation_case_id)


@router.delete("/simulations/{simulation_id}", status_code=204, deprecated=True)
async def older_delete_simulation_case(simulation_id: str, cases: Service) -> None:
    """Remove a case; the spelling of 2025."""
    await cases.delete(simulation_id)


async def shown(cases: Cases, case: SimulationCase) -> CaseOut:
    """A case as it is told."""
    return wire.case(case, await cases.agents([case]))


async def _of_agent(cases: Cases, agent: Agent) -> list[CaseOut]:
    return await _all_shown(cases, await cases.of_agent(agent))


async def _all_shown(cases: Cases, found: Sequence[SimulationCase]) -> list[CaseOut]:
    agents = await cases.agents(found)
    return [wire.case(case, agents) for case in found]
