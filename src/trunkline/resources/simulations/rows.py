"""All rows that runs are made of, of one workspace and within one transaction."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.agent_versions.repository import AgentVersionRepository
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.simulations.repository import (
    CaseRepository,
    SessionRepository,
    SuiteRepository,
)
from trunkline.resources.simulations.run_repository import RunRepository


@dataclass(frozen=True)
class Rows:
    """Where each kind of them is found."""

    session: AsyncSession
    workspace_id: UUID
    runs: RunRepository
    sessions: SessionRepository
    cases: CaseRepository
    suites: SuiteRepository
    agents: AgentRepository
    versions: AgentVersionRepository

    @classmethod
    def of(cls, session: AsyncSession, workspace_id: UUID) -> "Rows":
        """Those of a workspace."""
        return cls(
            session,
            workspace_id,
            RunRepository(session, workspace_id),
            SessionRepository(session, workspace_id),
            CaseRepository(session, workspace_id),
            SuiteRepository(session, workspace_id),
            AgentRepository(session, workspace_id),
            AgentVersionRepository(session, workspace_id),
        )
