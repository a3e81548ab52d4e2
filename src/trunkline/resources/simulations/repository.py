"""Cases, suites, scenarios and sessions in the database; runs are in `run_repository.py`."""

from collections.abc import Collection, Mapping, Sequence
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

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

Row = TypeVar("Row", bound=Owned)


class OwnedRows(Generic[Row]):
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


class CaseRepository(OwnedRows[SimulationCase]):
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


class SuiteRepository(OwnedRows[SimulationSuite]):
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


class ScenarioRepository(OwnedRows[SimulationScenario]):
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


class SessionRepository(OwnedRows[SimulationSession]):
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
