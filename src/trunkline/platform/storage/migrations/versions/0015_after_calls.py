"""What is done after a call, deliveries that have to arrive, and the secrets that sign them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from trunkline.platform.storage.policies import guard_by_workspace

revision = "0015"
down_revision = "0014"

_TIME = sa.DateTime(timezone=True)
_NOW = sa.text("now()")
_NEWEST: sa.ColumnClause[object] = sa.literal_column("created_at DESC")
_TABLES = ("after_calls", "after_call_steps", "deliveries", "signing_secrets")


def upgrade() -> None:
    _after_calls()
    _deliveries()
    op.create_table(
        "signing_secrets",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("former", sa.LargeBinary(), nullable=True),
        sa.Column("rotated_at", _TIME, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_signing_secrets_workspace_id"),
        sa.PrimaryKeyConstraint("workspace_id", name="pk_signing_secrets"),
    )
    connection = op.get_bind()
    for table in _TABLES:
        guard_by_workspace(connection, table)


def downgrade() -> None:
    for table in ("signing_secrets", "deliveries", "after_call_steps", "after_calls"):
        op.drop_table(table)


def _after_calls() -> None:
    op.create_table(
        "after_calls",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("planned", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("told", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("tell_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "call_id"],
            ["calls.workspace_id", "calls.id"],
            name="fk_after_calls_workspace_id_call_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("call_id", name="pk_after_calls"),
        sa.UniqueConstraint("workspace_id", "call_id", name="uq_after_calls_workspace_id_call_id"),
    )
    op.create_index("ix_after_calls_untold", "after_calls", ["tell_at"], postgresql_where=sa.text("NOT told"))
    op.create_table(
        "after_call_steps",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("result", JSONB(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("began_at", _TIME, nullable=True),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "call_id"],
            ["after_calls.workspace_id", "after_calls.call_id"],
            name="fk_after_call_steps_workspace_id_call_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("call_id", "step", name="pk_after_call_steps"),
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("agent_id", sa.Uuid(), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts_before", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("give_up_at", _TIME, nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("attempted_at", _TIME, nullable=True),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.Column("answer_status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_deliveries_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    op.create_index(
        "ix_deliveries_due", "deliveries", ["host", "due_at"], postgresql_where=sa.text("state = 'pending'")
    )
    op.create_index(
        "ix_deliveries_call",
        "deliveries",
        ["call_id", "kind"],
        unique=True,
        postgresql_where=sa.text("call_id IS NOT NULL"),
    )
    op.create_index("ix_deliveries_newest", "deliveries", ["workspace_id", _NEWEST, "id"])
    op.create_index("ix_deliveries_state", "deliveries", ["workspace_id", "state", _NEWEST, "id"])
    op.create_index(
        "ix_deliveries_ended", "deliveries", ["ended_at"], postgresql_where=sa.text("ended_at IS NOT NULL")
    )
