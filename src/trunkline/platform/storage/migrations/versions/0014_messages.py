"""Messages between agents and people."""

import sqlalchemy as sa
from alembic import op

from trunkline.platform.storage.policies import guard_by_workspace

revision = "0014"
down_revision = "0013"

_TIME = sa.DateTime(timezone=True)
_NEWEST: sa.ColumnClause[object] = sa.literal_column("created_at DESC")


def upgrade() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("number_from", sa.Text(), nullable=False),
        sa.Column("number_to", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("talk_id", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_messages_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.UniqueConstraint("workspace_id", "run_id", name="uq_messages_workspace_id_run_id"),
        sa.UniqueConstraint("workspace_id", "provider_id", name="uq_messages_workspace_id_provider_id"),
    )
    op.create_index("ix_messages_between", "messages", ["workspace_id", "number_from", "number_to", _NEWEST])
    guard_by_workspace(op.get_bind(), "messages")


def downgrade() -> None:
    op.drop_table("messages")
