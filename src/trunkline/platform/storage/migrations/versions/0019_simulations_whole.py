"""Simulations with rules, levels and versions: what a case, a session and a run hold beyond the contract."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0019"
down_revision = "0017"


def _of_a_run() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("agent_version", sa.Integer(), nullable=True),
        sa.Column("plan", JSONB(), nullable=True),
        sa.Column("replays", sa.Uuid(), nullable=True),
        sa.Column("trial", JSONB(), nullable=True),
        sa.Column("prompt_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("completion_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("provider_calls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("answers_key", sa.Text(), nullable=True),
        sa.Column("recording_key", sa.Text(), nullable=True),
    )


_VERSION = "fk_simulation_runs_workspace_id_agent_id_agent_version"


def upgrade() -> None:
    op.add_column("simulation_cases", sa.Column("details", JSONB(), nullable=True))
    op.add_column("simulation_sessions", sa.Column("settings", JSONB(), nullable=True))
    op.add_column("simulation_sessions", sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))
    for column in _of_a_run():
        op.add_column("simulation_runs", column)
    of_agent = ["workspace_id", "agent_id"]
    op.create_foreign_key(
        _VERSION,
        "simulation_runs",
        "agent_versions",
        [*of_agent, "agent_version"],
        [*of_agent, "n"],
    )


def downgrade() -> None:
    op.drop_constraint(_VERSION, "simulation_runs", type_="foreignkey")
    for column in reversed(_of_a_run()):
        op.drop_column("simulation_runs", column.name)
    op.drop_column("simulation_sessions", "cancelled_at")
    op.drop_column("simulation_sessions", "settings")
    op.drop_column("simulation_cases", "details")
