"""Runs in the database."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Update, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from trunkline.platform.http.dates import Period
from trunkline.resources.ids import as_uuid
from trunkline.resources.simulations.models import SimulationRun
from trunkline.resources.simulations.repository import OwnedRows
from trunkline.resources.simulations.status import RunStatus, sources


@dataclass(frozen=True)
class RunState:
    """How far a run is."""

    status: str
    tries: int


@dataclass(frozen=True)
class RunGlance:
    """What those are told of a run who follow its session."""

    id: UUID
    case_id: UUID
    case_name: str
    agent_version: int | None
    number: int
    status: str
    tries: int
    outcome: str | None
    error: dict[str, Any] | None

    @property
    def over(self) -> bool:
        """Will nothing change any more?"""
        return self.status != RunStatus.IN_PROGRESS


class RunRepository(OwnedRows[SimulationRun]):
    """The runs of one workspace."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        super().__init__(SimulationRun, session, workspace_id)

    async def page(
        self,
        session_id: UUID | None,
        agent_id: UUID | None,
        status: RunStatus | None,
        period: Period,
        limit: int,
        offset: int,
    ) -> tuple[list[SimulationRun], int]:
        """Runs of a kind, newest first, and how many there are."""
        wanted = period.holds(SimulationRun.created_at)
        if session_id is not None:
            wanted.append(SimulationRun.session_id == session_id)
        if agent_id is not None:
            wanted.append(SimulationRun.agent_id == agent_id)
        if status is not None:
            wanted.append(SimulationRun.status == status)
        return await self._page(wanted, limit, offset)

    async def of_sessions(self, session_ids: Collection[UUID]) -> dict[UUID, list[SimulationRun]]:
        """The runs of each of these sessions, in the order they were begun."""
        found: dict[UUID, list[SimulationRun]] = {session_id: [] for session_id in session_ids}
        query = select(SimulationRun).where(
            SimulationRun.workspace_id == self._workspace, SimulationRun.session_id.in_(session_ids)
        )
        rows = await self._session.execute(query.order_by(SimulationRun.created_at, SimulationRun.id))
        for run in rows.scalars():
            found[run.session_id].append(run)
        return found

    async def of_session(self, session_id: UUID) -> Sequence[SimulationRun]:
        """The runs of a session in the order they were begun; what came of them is read when all are over only."""
        mine = SimulationRun.workspace_id == self._workspace, SimulationRun.session_id == session_id
        large = (SimulationRun.trial, SimulationRun.timeline, SimulationRun.analysis)
        whole = select(SimulationRun).where(*mine).order_by(SimulationRun.created_at, SimulationRun.id)
        small = whole.options(*(defer(column, raiseload=True) for column in large))
        runs = (await self._session.execute(small)).scalars().all()
        if any(run.status == RunStatus.IN_PROGRESS for run in runs):
            return runs
        return (await self._session.execute(whole.execution_options(populate_existing=True))).scalars().all()

    async def states(self, session_id: UUID) -> dict[UUID, RunState]:
        """How far each run of a session is, in the order they were begun."""
        mine = SimulationRun.workspace_id == self._workspace, SimulationRun.session_id == session_id
        columns = SimulationRun.id, SimulationRun.status, SimulationRun.fence
        query = select(*columns).where(*mine).order_by(SimulationRun.created_at, SimulationRun.id)
        return {id_: RunState(status, tries) for id_, status, tries in await self._session.execute(query)}

    async def glances(self, run_ids: Collection[UUID]) -> list[RunGlance]:
        """What is told of these runs, in the order they were begun."""
        if not run_ids:
            return []
        number = SimulationRun.plan["planned"]["number"].astext.cast(Integer)
        query = select(
            SimulationRun.id,
            SimulationRun.case_id,
            SimulationRun.case_name,
            SimulationRun.agent_version,
            func.coalesce(number, 1),
            SimulationRun.status,
            SimulationRun.fence,
            SimulationRun.trial["outcome"].astext,
            SimulationRun.error,
        ).where(SimulationRun.workspace_id == self._workspace, SimulationRun.id.in_(run_ids))
        query = query.order_by(SimulationRun.created_at, SimulationRun.id)
        return [RunGlance(*row) for row in await self._session.execute(query)]

    async def begin(self, run_id: UUID) -> SimulationRun | None:
        """Take a run over from whoever worked on it before; None when it is over or was never there."""
        mine = SimulationRun.workspace_id == self._workspace, SimulationRun.id == run_id
        on = SimulationRun.status == RunStatus.IN_PROGRESS
        statement = update(SimulationRun).where(*mine, on).values(fence=SimulationRun.fence + 1)
        return (await self._session.execute(statement.returning(SimulationRun))).scalar_one_or_none()

    async def note(self, run: SimulationRun, timeline: list[Any]) -> bool:
        """Keep what has happened so far. False as with `end`."""
        statement = self._held(run).where(SimulationRun.status == RunStatus.IN_PROGRESS)
        return await self._written(statement.values(timeline=timeline))

    async def spend(self, run: SimulationRun, prompt: int, completion: int, asked: int) -> None:
        """Count what a try has used up, whether it is still the last one or not."""
        mine = SimulationRun.workspace_id == self._workspace, SimulationRun.id == run.id
        more = {
            SimulationRun.prompt_tokens: SimulationRun.prompt_tokens + prompt,
            SimulationRun.completion_tokens: SimulationRun.completion_tokens + completion,
            SimulationRun.provider_calls: SimulationRun.provider_calls + asked,
        }
        await self._session.execute(update(SimulationRun).where(*mine).values(more))

    async def spent(self, session_id: UUID) -> tuple[int, int]:
        """Tokens that all runs of a session have read and written."""
        mine = SimulationRun.workspace_id == self._workspace, SimulationRun.session_id == session_id
        read, written = func.sum(SimulationRun.prompt_tokens), func.sum(SimulationRun.completion_tokens)
        query = select(func.coalesce(read, 0), func.coalesce(written, 0)).where(*mine)
        prompt, completion = (await self._session.execute(query)).one()
        return int(prompt), int(completion)

    async def cancel(self, session_id: UUID, error: dict[str, Any]) -> int:
        """Fail all runs of a session that are not over, whoever works on them; how many there were."""
        mine = SimulationRun.workspace_id == self._workspace, SimulationRun.session_id == session_id
        on = SimulationRun.status.in_(sources(RunStatus.FAILED))
        values = {"status": RunStatus.FAILED, "error": error, "fence": SimulationRun.fence + 1}
        statement = update(SimulationRun).where(*mine, on).values(values).returning(SimulationRun.id)
        return len((await self._session.execute(statement)).all())

    async def executed(self, run: SimulationRun, entries: dict[str, Any]) -> None:
        """Write down what is really run, whoever works on the run by now."""
        mine = SimulationRun.workspace_id == self._workspace, SimulationRun.id == run.id
        before = func.coalesce(SimulationRun.executed_actions, literal({}, JSONB()))
        after = before.op("||")(literal(entries, JSONB()))
        await self._session.execute(update(SimulationRun).where(*mine).values(executed_actions=after))

    async def delete_of(self, session_id: UUID) -> list[UUID]:
        """Remove the runs of a session, whoever works on them; which they were."""
        mine = SimulationRun.workspace_id == self._workspace, SimulationRun.session_id == session_id
        return list(
            await self._session.scalars(delete(SimulationRun).where(*mine).returning(SimulationRun.id))
        )

    async def held(self, run: SimulationRun) -> bool:
        """Is it on, and nobody else's?"""
        mine = SimulationRun.workspace_id == self._workspace, SimulationRun.id == run.id
        ours = SimulationRun.fence == run.fence, SimulationRun.status == RunStatus.IN_PROGRESS
        return await self._session.scalar(select(SimulationRun.id).where(*mine, *ours)) is not None

    async def end(self, run: SimulationRun, to: RunStatus, **values: object) -> bool:
        """Move a run that was begun to its end; False when it is there, or another worker has taken it over."""
        statement = self._held(run).where(SimulationRun.status.in_(sources(to)))
        return await self._written(statement.values(status=to, **values))

    def _held(self, run: SimulationRun) -> Update:
        return update(SimulationRun).where(
            SimulationRun.workspace_id == self._workspace,
            SimulationRun.id == run.id,
            SimulationRun.fence == run.fence,
        )

    async def _written(self, statement: Update) -> bool:
        return await self._session.scalar(statement.returning(SimulationRun.id)) is not None


async def recording_key(session: AsyncSession, run_id: str) -> str | None:
    """Where a run's recording lies, whichever workspace it belongs to; for signed links. System role."""
    id_ = as_uuid(run_id)
    query = select(SimulationRun.recording_key).where(SimulationRun.id == id_)
    return await session.scalar(query) if id_ else None
