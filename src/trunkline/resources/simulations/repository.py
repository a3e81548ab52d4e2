"""Cases, suites, scenarios, sessions and runs in the database."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Update, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from trunkline.platform.http.dates import Period
from trunkline.resources.agents.models import Agent
from trunkline.resources.ids import as_uuid
from trunkline.resources.simulations.models import (
    Owned,
    SimulationCase,
    SimulationRun,
    SimulationScenario,
    SimulationSession,
    SimulationSuite,
)
from trunkline.resources.simulations.status import RunStatus, sources

Row = TypeVar("Row", bound=Owned)


class _Rows(Generic[Row]):
    """The rows of one kind and one workspace, within one transaction."""

    def __init__(self, kind: type[Row], session: AsyncSession, workspace_id: UUID) -> None:
        self._kind = kind
        self._session = session
        self._workspace = workspace_id

    async def add(self, *rows: Row) -> None:
        """Store new rows."""
        for row in rows:
            row.workspace_id = self._workspace
            self._session.add(row)
        await self._session.flush()

    async def get(self, id_: str | UUID, *, lock: bool = False) -> Row | None:
        """The row with this id."""
        known = id_ if isinstance(id_, UUID) else as_uuid(id_)
        if known is None:
            return None
        query = select(self._kind).where(self._kind.workspace_id == self._workspace, self._kind.id == known)
        if lock:
            query = query.with_for_update()
        return (await self._session.execute(query)).scalar_one_or_none()

    async def refresh(self, row: Row) -> None:
        """Write what was changed and read what the database made of it."""
        await self._session.flush()
        await self._session.refresh(row)

    async def delete(self, row: Row) -> None:
        """Remove a row."""
        await self._session.delete(row)
        await self._session.flush()

    async def _page(
        self, wanted: Collection[ColumnElement[bool]], limit: int, offset: int
    ) -> tuple[list[Row], int]:
        """Rows of this kind, newest first, and how many there are. The ids are found first, in an index alone."""
        kind = self._kind
        conditions = (kind.workspace_id == self._workspace, *wanted)
        total = (
            await self._session.execute(select(func.count()).select_from(kind).where(*conditions))
        ).scalar_one()
        order = (kind.created_at.desc(), kind.id)
        ids = select(kind.id).where(*conditions).order_by(*order).limit(limit).offset(offset).subquery()
        query = select(kind).join(ids, kind.id == ids.c.id).order_by(*order)
        return list((await self._session.execute(query)).scalars()), total

    async def agents(self, ids: Collection[UUID]) -> Mapping[UUID, Agent]:
        """Agents by id, deleted ones too."""
        if not ids:
            return {}
        query = select(Agent).where(Agent.workspace_id == self._workspace, Agent.id.in_(set(ids)))
        return {agent.id: agent for agent in (await self._session.execute(query)).scalars()}


class CaseRepository(_Rows[SimulationCase]):
    """The cases of one workspace."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        super().__init__(SimulationCase, session, workspace_id)

    async def page(
        self, search: str | None, type_: str | None, suite_id: UUID | None, limit: int, offset: int
    ) -> tuple[list[SimulationCase], int]:
        """Cases of a kind, newest first, and how many there are."""
        wanted: list[ColumnElement[bool]] = []
        if search is not None:
            wanted.append(SimulationCase.name.icontains(search, autoescape=True))
        if type_ is not None:
            wanted.append(SimulationCase.type == type_)
        if suite_id is not None:
            wanted.append(SimulationCase.suite_id == suite_id)
        return await self._page(wanted, limit, offset)

    async def of_agent(self, agent_id: UUID) -> Sequence[SimulationCase]:
        """The cases that were written for an agent or belong to its suites, newest first."""
        suites = select(SimulationSuite.id).where(
            SimulationSuite.workspace_id == self._workspace, SimulationSuite.agent_id == agent_id
        )
        query = select(SimulationCase).where(
            SimulationCase.workspace_id == self._workspace,
            or_(SimulationCase.base_agent_id == agent_id, SimulationCase.suite_id.in_(suites)),
        )
        order = (SimulationCase.created_at.desc(), SimulationCase.id)
        return (await self._session.execute(query.order_by(*order))).scalars().all()

    async def of_suites(self, suite_ids: Collection[UUID]) -> dict[UUID, list[SimulationCase]]:
        """The cases of each of these suites, in the order they were made."""
        found: dict[UUID, list[SimulationCase]] = {suite_id: [] for suite_id in suite_ids}
        query = select(SimulationCase).where(
            SimulationCase.workspace_id == self._workspace, SimulationCase.suite_id.in_(suite_ids)
        )
        rows = await self._session.execute(query.order_by(SimulationCase.created_at, SimulationCase.id))
        for case in rows.scalars():
            if case.suite_id is not None:
                found[case.suite_id].append(case)
        return found


class SuiteRepository(_Rows[SimulationSuite]):
    """The suites of one workspace."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        super().__init__(SimulationSuite, session, workspace_id)

    async def page(
        self, search: str | None, agents: Collection[UUID], period: Period, limit: int, offset: int
    ) -> tuple[list[SimulationSuite], int]:
        """Suites of these agents (of all if there are none), newest first, and how many there are."""
        wanted = period.holds(SimulationSuite.created_at)
        if search is not None:
            wanted.append(SimulationSuite.name.icontains(search, autoescape=True))
        if agents:
            wanted.append(SimulationSuite.agent_id.in_(agents))
        return await self._page(wanted, limit, offset)

    async def delete(self, row: SimulationSuite) -> None:
        """Remove a suite. Its cases stay, without one."""
        mine = SimulationCase.workspace_id == self._workspace, SimulationCase.suite_id == row.id
        await self._session.execute(update(SimulationCase).where(*mine).values(suite_id=None))
        await super().delete(row)


class ScenarioRepository(_Rows[SimulationScenario]):
    """The scenarios of one workspace."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        super().__init__(SimulationScenario, session, workspace_id)

    async def page(
        self, search: str | None, period: Period, limit: int, offset: int
    ) -> tuple[list[SimulationScenario], int]:
        """Scenarios, newest first, and how many there are."""
        wanted = period.holds(SimulationScenario.created_at)
        if search is not None:
            wanted.append(SimulationScenario.name.icontains(search, autoescape=True))
        return await self._page(wanted, limit, offset)


class SessionRepository(_Rows[SimulationSession]):
    """The sessions of one workspace."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        super().__init__(SimulationSession, session, workspace_id)

    async def page(
        self, agent_id: UUID | None, period: Period, limit: int, offset: int
    ) -> tuple[list[SimulationSession], int]:
        """Sessions that have a run of this agent in this period, newest first, and how many there are."""
        runs = period.holds(SimulationRun.created_at)
        if agent_id is not None:
            runs.append(SimulationRun.agent_id == agent_id)
        if not runs:
            return await self._page((), limit, offset)
        of_session = SimulationRun.session_id == SimulationSession.id
        mine = SimulationRun.workspace_id == self._workspace
        return await self._page(
            (select(SimulationRun.id).where(mine, of_session, *runs).exists(),), limit, offset
        )


class RunRepository(_Rows[SimulationRun]):
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
