"""Simulations: cases, suites, scenarios, sessions, runs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from trunkline.platform.storage.policies import guard_by_workspace

revision = "0007"
down_revision = "0006"

_TIME = sa.DateTime(timezone=True)
_NOW = sa.text("now()")
_NEWEST: sa.ColumnClause[object] = sa.literal_column("created_at DESC")

_TABLES = (
    "simulation_suites",
    "simulation_cases",
    "simulation_scenarios",
    "simulation_sessions",
    "simulation_runs",
)


def upgrade() -> None:
    _suites()
    _cases()
    _scenarios()
    _sessions()
    _runs()
    connection = op.get_bind()
    for table in _TABLES:
        guard_by_workspace(connection, table)


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)


def _suites() -> None:
    op.create_table(
        "simulation_suites",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("updated_at", _TIME, server_default=_NOW, nullable=False),
        *_of_a_workspace("simulation_suites"),
        _to("simulation_suites", "agent_id", "agents"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_simulation_suites_workspace_id_id"),
    )
    op.create_index("ix_simulation_suites_created", "simulation_suites", ["workspace_id", _NEWEST, "id"])
    op.create_index(
        "ix_simulation_suites_agent", "simulation_suites", ["workspace_id", "agent_id", _NEWEST, "id"]
    )


def _cases() -> None:
    op.create_table(
        "simulation_cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("suite_id", sa.Uuid(), nullable=True),
        sa.Column("base_agent_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("success_criteria", JSONB(), nullable=False),
        sa.Column("call_success_type", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("updated_at", _TIME, server_default=_NOW, nullable=False),
        *_of_a_workspace("simulation_cases"),
        _to("simulation_cases", "suite_id", "simulation_suites"),
        _to("simulation_cases", "base_agent_id", "agents"),
    )
    op.create_index("ix_simulation_cases_created", "simulation_cases", ["workspace_id", _NEWEST, "id"])
    op.create_index(
        "ix_simulation_cases_suite", "simulation_cases", ["workspace_id", "suite_id", _NEWEST, "id"]
    )
    op.create_index(
        "ix_simulation_cases_base_agent", "simulation_cases", ["workspace_id", "base_agent_id", _NEWEST, "id"]
    )


def _scenarios() -> None:
    op.create_table(
        "simulation_scenarios",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("updated_at", _TIME, server_default=_NOW, nullable=False),
        *_of_a_workspace("simulation_scenarios"),
    )
    op.create_index(
        "ix_simulation_scenarios_created", "simulation_scenarios", ["workspace_id", _NEWEST, "id"]
    )


def _sessions() -> None:
    op.create_table(
        "simulation_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        *_of_a_workspace("simulation_sessions"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_simulation_sessions_workspace_id_id"),
    )
    op.create_index("ix_simulation_sessions_created", "simulation_sessions", ["workspace_id", _NEWEST, "id"])


def _runs() -> None:
    op.create_table(
        "simulation_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("case_name", sa.Text(), nullable=False),
        sa.Column("case_prompt", sa.Text(), nullable=False),
        sa.Column("success_criteria", JSONB(), nullable=False),
        sa.Column("call_success_type", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("max_turns", sa.Integer(), nullable=False),
        sa.Column("variables", JSONB(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("timeline", JSONB(), nullable=True),
        sa.Column("analysis", JSONB(), nullable=True),
        sa.Column("error", JSONB(), nullable=True),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("updated_at", _TIME, server_default=_NOW, nullable=False),
        *_of_a_workspace("simulation_runs"),
        _to("simulation_runs", "session_id", "simulation_sessions"),
        _to("simulation_runs", "agent_id", "agents"),
    )
    for name, column in (("session", "session_id"), ("agent", "agent_id"), ("status", "status")):
        op.create_index(
            f"ix_simulation_runs_{name}", "simulation_runs", ["workspace_id", column, _NEWEST, "id"]
        )
    op.create_index("ix_simulation_runs_created", "simulation_runs", ["workspace_id", _NEWEST, "id"])


def _of_a_workspace(table: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=f"fk_{table}_workspace_id"),
    )


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace_id", column],
        [f"{other}.workspace_id", f"{other}.id"],
        name=f"fk_{table}_workspace_id_{column}",
    )
