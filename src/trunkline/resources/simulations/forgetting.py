"""Forgetting runs: what was said and done in them goes, with answers and recordings; figures and verdicts stay.

And what is left of runs whose rows were deleted: their blobs, deleted by a job that comes with the deletion.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.platform.storage.blobs import Blobs
from trunkline.platform.work.jobs import Jobs, defer
from trunkline.resources.simulations import kept
from trunkline.resources.simulations.details import Plan
from trunkline.resources.simulations.models import SimulationRun
from trunkline.resources.simulations.persona import Persona
from trunkline.resources.simulations.status import RunStatus
from trunkline.resources.simulations.suite_file import Case, Planned

DELETE_KEPT = "delete_kept_of_simulations"
RUNS_EACH = 200
"""Of one such job."""
_FIGURES = ("case", "number", "seed", "outcome")
"""What stays of a trial."""


async def due(
    session: AsyncSession, workspace_id: UUID, agent_id: UUID, before: datetime, limit: int
) -> Sequence[UUID]:
    """Runs of an agent that were begun before and are over, the oldest first. System role."""
    mine = SimulationRun.workspace_id == workspace_id, SimulationRun.agent_id == agent_id
    kept = SimulationRun.forgotten_at.is_(None), SimulationRun.status != RunStatus.IN_PROGRESS
    query = select(SimulationRun.id).where(*mine, *kept, SimulationRun.created_at < before)
    return (await session.scalars(query.order_by(SimulationRun.created_at).limit(limit))).all()


async def forget(session: AsyncSession, run_id: UUID) -> None:
    """Delete what a run that is over holds of words and persons. System role."""
    query = select(SimulationRun).where(SimulationRun.id == run_id).with_for_update()
    run = (await session.scalars(query)).one_or_none()
    if run is None:
        return
    values: dict[str, Any] = {
        "variables": None,
        "plan": _plan(run.plan),
        "timeline": None,
        "analysis": _verdicts(run.analysis),
        "trial": {name: run.trial[name] for name in _FIGURES} if run.trial else None,
        "executed_actions": None,
        "answers_key": None,
        "recording_key": None,
        "forgotten_at": datetime.now(UTC),
    }
    await session.execute(update(SimulationRun).where(SimulationRun.id == run_id).values(values))


async def defer_deletion(session: AsyncSession, workspace_id: UUID, run_ids: Sequence[UUID]) -> None:
    """Have all deleted that is kept of these runs, once the transaction is committed."""
    for start in range(0, len(run_ids), RUNS_EACH):
        some = [str(each) for each in run_ids[start : start + RUNS_EACH]]
        await defer(session, DELETE_KEPT, {"workspace_id": str(workspace_id), "run_ids": some})


class Deletion:
    """The job of a deletion. It may run twice."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def register(self, jobs: Jobs) -> None:
        """Tell the worker what there is to do."""
        jobs.task(DELETE_KEPT)(self.delete_kept)

    async def delete_kept(self, workspace_id: str, run_ids: Sequence[str]) -> None:
        """Delete what is kept of these runs. Raises Unavailable."""
        for run_id in run_ids:
            await kept.delete(self._blobs, UUID(workspace_id), UUID(run_id))


def _plan(stored: dict[str, Any] | None) -> dict[str, Any] | None:
    """Which run of which level it was, with which seed."""
    if stored is None:
        return None
    plan = Plan.model_validate(stored)
    planned = plan.planned
    case = Case(name=planned.case.name, persona=Persona(goal="Forgotten."))
    bare = Planned(case=case, number=planned.number, seed=planned.seed)
    return plan.model_copy(update={"planned": bare, "tools": ()}).stored()


def _verdicts(judged: dict[str, Any] | None) -> dict[str, Any] | None:
    """The judge's verdicts without what was said about them."""
    if judged is None:
        return None
    return {**judged, "evaluations": [{**each, "reasoning": ""} for each in judged["evaluations"]]}
