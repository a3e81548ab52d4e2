"""Our own API of simulations, under /trunkline/v1: sessions of any level, runs in full, what cases hold beyond the contract."""

import json
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import Response, StreamingResponse

from trunkline.errors import BadInput, Conflict, Forbidden, NotFound
from trunkline.platform.http.context import Caller, Parts, Transaction, keyed_router
from trunkline.platform.http.scopes import Scope
from trunkline.resources.calls.watching import FILE, file_answer
from trunkline.resources.simulations import cases, progress, session_wire
from trunkline.resources.simulations.details import CaseDetails, details_of
from trunkline.resources.simulations.document import document
from trunkline.resources.simulations.junit import junit
from trunkline.resources.simulations.links import Linked, path_of
from trunkline.resources.simulations.models import SimulationSession
from trunkline.resources.simulations.page import page
from trunkline.resources.simulations.run_repository import recording_key
from trunkline.resources.simulations.session_schemas import RunDetails, SessionCreate, SessionDetails
from trunkline.resources.simulations.sessions import Sessions
from trunkline.resources.simulations.status import RunStatus

_keyed = keyed_router("/trunkline/v1", "Simulations", Scope.SIMULATIONS)
_unkeyed = APIRouter(prefix="/trunkline/v1", tags=["Recordings"])


def _sessions(session: Transaction, caller: Caller) -> Sessions:
    return Sessions(session, caller.workspace_id)


Service = Annotated[Sessions, Depends(_sessions)]


class ReportFormat(StrEnum):
    """How a report is written."""

    JUNIT = "junit"
    JSON = "json"
    HTML = "html"


_HEARD = 50
"""Recordings in one page."""
_TYPES = {
    ReportFormat.JUNIT: "application/xml",
    ReportFormat.JSON: "application/json",
    ReportFormat.HTML: "text/html; charset=utf-8",
}
_REPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {each.split(";")[0]: {"schema": {"type": "string"}} for each in _TYPES.values()},
        "description": "The report, as a file.",
    },
}
_RUN_COUNTS = {
    "type": "object",
    "properties": {
        name: {"type": "integer"} for name in ("total", "queued", "running", "completed", "failed", "passed")
    },
}
_LINE = {
    "type": "object",
    "properties": {
        "event": {"type": "string", "enum": ["run_started", "run_ended", "progress", "ended"]},
        "simulation_id": {"type": "string"},
        "simulation_case_id": {"type": "string"},
        "simulation_case_name": {"type": "string"},
        "agent_version": {"type": ["string", "null"]},
        "number": {"type": "integer"},
        "tries": {"type": "integer"},
        "status": {"type": "string"},
        "outcome": {"type": ["string", "null"]},
        "error_info": {"type": ["object", "null"]},
        "runs": _RUN_COUNTS,
    },
    "required": ["event"],
}
_PROGRESS: dict[int | str, dict[str, Any]] = {
    200: {"content": {cases.NDJSON: {"itemSchema": _LINE}}, "description": "One JSON object a line."}
}


@_keyed.post("/simulation_sessions")
async def start_simulation_session(body: SessionCreate, sessions: Service) -> SessionDetails:
    """Run cases against an agent, at a level, so and so often; and against another version of it."""
    return await _shown(sessions, await sessions.create(body))


@_keyed.get("/simulation_sessions/{session_id}")
async def get_simulation_session_result(session_id: str, sessions: Service) -> SessionDetails:
    """How far a session is, and when it is over what its runs add up to."""
    return await _shown(sessions, await sessions.get(session_id))


@_keyed.get(
    "/simulation_sessions/{session_id}/progress", response_class=StreamingResponse, responses=_PROGRESS
)
async def simulation_session_progress(session_id: str, caller: Caller, parts: Parts) -> StreamingResponse:
    """What happens in a session, one line each as it happens, until all its runs are over; what was before comes first.

    Lines: `{"event":"run_started","simulation_id",…,"tries"}`, `{"event":"run_ended",…,"status","outcome"}`,
    `{"event":"progress","runs"}` after each news, and `{"event":"ended","status","runs"}`.
    """
    found = await progress.follow(parts.database, caller.workspace_id, session_id)
    return StreamingResponse(found.lines(), media_type=cases.NDJSON, headers={"Cache-Control": "no-store"})


@_keyed.post("/simulation_sessions/{session_id}/cancel")
async def cancel_simulation_session(session_id: str, sessions: Service) -> SessionDetails:
    """End all runs of a session: those that wait and those that are on. Nothing happens to those that are over."""
    return await _shown(sessions, await sessions.cancel(session_id))


@_keyed.delete("/simulation_sessions/{session_id}", status_code=204)
async def delete_simulation_session(session_id: str, sessions: Service) -> None:
    """Remove a session with its runs, their answers and recordings. Runs that are on are killed."""
    await sessions.delete(session_id)


@_keyed.get("/simulation_sessions/{session_id}/report", response_class=Response, responses=_REPORT)
async def simulation_session_report(
    session_id: str, sessions: Service, parts: Parts, format_: Annotated[ReportFormat, Query(alias="format")]
) -> Response:
    """The result with every transcript, as JUnit XML, JSON, or one HTML page with the sound of the first 50 runs."""
    row = await sessions.get(session_id)
    runs = await sessions.runs(row)
    if any(
        run.status == RunStatus.IN_PROGRESS for run in runs
    ):  # of a cancelled one too, until they are stopped
        raise Conflict("The session is not over; its report is there when all its runs are.")
    subjects = await sessions.subjects(runs)
    result = session_wire.result(row, runs, subjects)
    match format_:
        case ReportFormat.JUNIT:
            content = junit(result)
        case ReportFormat.JSON:
            content = json.dumps(document(result), ensure_ascii=False, indent=1).encode()
        case ReportFormat.HTML:
            sounds = {
                run.id: await parts.blobs.get(run.recording_key)
                for run in [each for each in runs if each.recording_key][:_HEARD]
                if run.recording_key
            }
            content = page(session_wire.result(row, runs, subjects, sounds)).encode()
    return Response(content, media_type=_TYPES[format_])


@_keyed.get("/simulations/{simulation_id}")
async def get_simulation_details(simulation_id: str, sessions: Service, links: Linked) -> RunDetails:
    """One run with every verdict, call and figure."""
    run, original = await sessions.run(simulation_id)
    return session_wire.run(run, original, links.recording)


@_keyed.post("/simulations/{simulation_id}/replay")
async def replay_simulation(simulation_id: str, sessions: Service, links: Linked) -> RunDetails:
    """Run it again from the answers that were kept: no provider is asked, and everything must come out the same."""
    run = await sessions.replay(simulation_id)
    return session_wire.run(run, None, links.recording)


@_keyed.get("/simulation_cases/{simulation_case_id}/details")
async def get_simulation_case_details(simulation_case_id: str, all_cases: cases.Service) -> CaseDetails:
    """What a case holds beyond the contract."""
    return details_of(await all_cases.get(simulation_case_id))


@_keyed.put("/simulation_cases/{simulation_case_id}/details")
async def set_simulation_case_details(
    simulation_case_id: str, body: CaseDetails, all_cases: cases.Service
) -> CaseDetails:
    """Set all of it; what is left out it no longer has. Runs that were begun keep theirs."""
    if not body.model_fields_set:
        raise BadInput("Send what the case is to have; `rules: []` alone takes everything away.")
    stored = body.model_dump(mode="json", exclude_unset=True)
    return details_of(await all_cases.set_details(simulation_case_id, stored))


@_unkeyed.get("/simulation_recordings/{simulation_id}", response_class=Response, responses=FILE)
async def simulation_recording(
    simulation_id: str,
    parts: Parts,
    expires: Annotated[int, Query()],
    signature: Annotated[str, Query()],
    range_: Annotated[str | None, Header(alias="range")] = None,
) -> Response:
    """The WAV of a simulated call: left the caller, right the agent. The link is the authority; no key."""
    if not parts.secrets.link_is_good(path_of(simulation_id), expires, signature):
        raise Forbidden("This link has expired or was changed; read the simulation again for a new one.")
    async with parts.database.system() as session:
        key = await recording_key(session, simulation_id)
    if key is None:
        raise NotFound("This simulation has no recording.")
    return await file_answer(parts, key, range_)


async def _shown(sessions: Sessions, row: SimulationSession) -> SessionDetails:
    runs = await sessions.runs(row)
    return session_wire.session(row, runs, await sessions.subjects(runs))


router = APIRouter()
router.include_router(_keyed)
router.include_router(_unkeyed)
