"""What agents are tested with: suites of cases, scenarios, and the runs of a case, grouped in sessions."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.platform.storage.database import Base

_AGENT = ("agents.workspace_id", "agents.id")
_VERSION = ("agent_versions.workspace_id", "agent_versions.agent_id", "agent_versions.n")
_SUITE = ("simulation_suites.workspace_id", "simulation_suites.id")
_SESSION = ("simulation_sessions.workspace_id", "simulation_sessions.id")


class Owned(Base):
    """What every row here has."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SimulationSuite(Owned):
    """Cases for one agent, in one language."""

    __tablename__ = "simulation_suites"
    __table_args__ = (
        UniqueConstraint("workspace_id", "id"),
        ForeignKeyConstraint(["workspace_id", "agent_id"], _AGENT),
        Index("ix_simulation_suites_created", "workspace_id", text("created_at DESC"), "id"),
        Index("ix_simulation_suites_agent", "workspace_id", "agent_id", text("created_at DESC"), "id"),
    )

    agent_id: Mapped[UUID]
    name: Mapped[str]
    language: Mapped[str]
    """What the persona speaks."""
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class SimulationCase(Owned):
    """A persona, and what the agent must do for it."""

    __tablename__ = "simulation_cases"
    __table_args__ = (
        ForeignKeyConstraint(["workspace_id", "suite_id"], _SUITE),
        ForeignKeyConstraint(["workspace_id", "base_agent_id"], _AGENT),
        Index("ix_simulation_cases_created", "workspace_id", text("created_at DESC"), "id"),
        Index("ix_simulation_cases_suite", "workspace_id", "suite_id", text("created_at DESC"), "id"),
        Index(
            "ix_simulation_cases_base_agent", "workspace_id", "base_agent_id", text("created_at DESC"), "id"
        ),
    )

    suite_id: Mapped[UUID | None]
    base_agent_id: Mapped[UUID | None]
    """The agent it was written for."""
    name: Mapped[str]
    prompt: Mapped[str]
    """The persona."""
    type: Mapped[str]
    """`custom` or `agent_based`."""
    success_criteria: Mapped[list[Any]]
    """Plain sentences."""
    call_success_type: Mapped[str]
    """`all` or `any` of them must hold."""
    details: Mapped[dict[str, Any] | None]
    """What goes beyond the contract, as `details.CaseDetails` holds it."""
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class SimulationScenario(Owned):
    """What generated cases shall cover."""

    __tablename__ = "simulation_scenarios"
    __table_args__ = (
        Index("ix_simulation_scenarios_created", "workspace_id", text("created_at DESC"), "id"),
    )

    name: Mapped[str]
    description: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class SimulationSession(Owned):
    """A group of runs."""

    __tablename__ = "simulation_sessions"
    __table_args__ = (
        UniqueConstraint("workspace_id", "id"),
        Index("ix_simulation_sessions_created", "workspace_id", text("created_at DESC"), "id"),
    )

    settings: Mapped[dict[str, Any] | None]
    """As `session_schemas.SessionSettings` holds them; None for one that was opened by the contract's paths."""
    cancelled_at: Mapped[datetime | None]


class SimulationRun(Owned):
    """One talk between a case's persona and an agent, and the verdict on it. `status` moves by `status.py` only.

    What the case said is copied, so that the run reads the same when the case is changed or deleted.
    """

    __tablename__ = "simulation_runs"
    __table_args__ = (
        ForeignKeyConstraint(["workspace_id", "session_id"], _SESSION),
        ForeignKeyConstraint(["workspace_id", "agent_id"], _AGENT),
        ForeignKeyConstraint(["workspace_id", "agent_id", "agent_version"], _VERSION),
        Index("ix_simulation_runs_created", "workspace_id", text("created_at DESC"), "id"),
        Index("ix_simulation_runs_session", "workspace_id", "session_id", text("created_at DESC"), "id"),
        Index("ix_simulation_runs_agent", "workspace_id", "agent_id", text("created_at DESC"), "id"),
        Index("ix_simulation_runs_status", "workspace_id", "status", text("created_at DESC"), "id"),
        Index(
            "ix_simulation_runs_kept",
            "workspace_id",
            "agent_id",
            "created_at",
            postgresql_where=text("forgotten_at IS NULL"),
        ),
    )

    session_id: Mapped[UUID]
    agent_id: Mapped[UUID]
    """The agent tested."""
    agent_version: Mapped[int | None]
    """The version of it, as it was when the run was started or as was asked for; None before versions were kept."""
    case_id: Mapped[UUID]
    """No foreign key: the case may be gone."""
    case_name: Mapped[str]
    case_prompt: Mapped[str]
    success_criteria: Mapped[list[Any]]
    call_success_type: Mapped[str]
    language: Mapped[str]
    """What the persona speaks."""
    max_turns: Mapped[int]
    """The longest talk: so often persona and agent may each speak."""
    variables: Mapped[dict[str, Any] | None]
    plan: Mapped[dict[str, Any] | None]
    """All that decides it, as `running.Plan` holds it; None in rows from before there were plans."""
    replays: Mapped[UUID | None]
    """The run that it repeats, from the answers kept of that one."""
    status: Mapped[str]
    fence: Mapped[int] = mapped_column(server_default="0", default=0)
    """How often a worker has begun it. Only the last one may write."""
    timeline: Mapped[list[Any] | None]
    """What happened, in the shape of the wire; grows while the run is on."""
    analysis: Mapped[dict[str, Any] | None]
    """The verdicts, in the shape of the wire."""
    error: Mapped[dict[str, Any] | None]
    """Why it failed, in the shape of the wire."""
    trial: Mapped[dict[str, Any] | None]
    """What came of it, as `trials.Trial` holds it."""
    prompt_tokens: Mapped[int] = mapped_column(server_default="0", default=0)
    completion_tokens: Mapped[int] = mapped_column(server_default="0", default=0)
    provider_calls: Mapped[int] = mapped_column(server_default="0", default=0)
    """Questions that a language model was asked, in all tries together."""
    answers_key: Mapped[str | None]
    """What they answered, in the blob store."""
    recording_key: Mapped[str | None]
    """Its sound, in the blob store."""
    executed_actions: Mapped[dict[str, Any] | None]
    """What was really run, in the shape of the wire (contract, section 5.5), of all tries; None: nothing was."""
    forgotten_at: Mapped[datetime | None]
    """When its words were deleted (`forgetting.py`)."""
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
