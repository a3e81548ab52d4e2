"""What a simulation really did, and when what was said in it was forgotten."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0021"
down_revision = "0020"

_RUNS = "simulation_runs"
_KEPT = "ix_simulation_runs_kept"


def upgrade() -> None:
    op.add_column(_RUNS, sa.Column("executed_actions", JSONB(), nullable=True))
    op.add_column(_RUNS, sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        _KEPT,
        _RUNS,
        ["workspace_id", "agent_id", "created_at"],
        postgresql_where=sa.text("forgotten_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index(_KEPT, _RUNS)
    op.drop_column(_RUNS, "forgotten_at")
    op.drop_column(_RUNS, "executed_actions")
