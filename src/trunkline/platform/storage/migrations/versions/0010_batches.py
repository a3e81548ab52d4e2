"""Batch calls and their tasks; announced calls; how many calls a workspace may have and place."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from trunkline.platform.storage.database import APP_ROLE, SYSTEM_ROLE
from trunkline.platform.storage.policies import guard_by_workspace

revision = "0010"
down_revision = "0009"

_TIME = sa.DateTime(timezone=True)
_NOW = sa.text("now()")
_NEWEST: sa.ColumnClause[object] = sa.literal_column("created_at DESC")
_SEEN_OF_NODES = "id, role, capacity, active, draining, seen_at"
"""Enough to tell whether there is a free slot."""


def upgrade() -> None:
    _limits()
    _calls()
    _batches()
    _tasks()
    connection = op.get_bind()
    for table in ("batch_calls", "batch_tasks"):
        guard_by_workspace(connection, table)
    op.execute(f"GRANT SELECT ({_SEEN_OF_NODES}) ON nodes TO {APP_ROLE}")


def downgrade() -> None:
    op.execute(f"REVOKE SELECT ({_SEEN_OF_NODES}) ON nodes FROM {APP_ROLE}")  # noqa: S608 - of constants
    op.drop_table("batch_tasks")
    op.drop_table("batch_calls")
    for index in ("ix_calls_registered", "ix_calls_batch_open", "ix_calls_counted"):
        op.drop_index(index, "calls")
    op.drop_column("calls", "counted")
    op.drop_table("call_limits")


def _limits() -> None:
    op.create_table(
        "call_limits",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("concurrency", sa.Integer(), server_default="100", nullable=False),
        sa.Column("attempts_per_second", sa.Integer(), server_default="10", nullable=False),
        sa.Column("active", sa.Integer(), server_default="0", nullable=False),
        sa.Column("recent", ARRAY(_TIME), server_default="{}", nullable=False),
        sa.CheckConstraint("active >= 0", name="ck_call_limits_active"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_call_limits_workspace_id"),
        sa.PrimaryKeyConstraint("workspace_id", name="pk_call_limits"),
    )
    # A subaccount counts in its parent's row, and so has to reach it.
    own = "NULLIF(current_setting('app.workspace', true), '')::uuid"
    mine = f"SELECT unnest(ARRAY[id, parent_id]) FROM workspaces WHERE id = {own}"  # noqa: S608 - of constants
    pool = f"workspace_id IN ({mine})"
    for statement in (
        "ALTER TABLE call_limits ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE call_limits FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY app ON call_limits TO {APP_ROLE} USING ({pool}) WITH CHECK ({pool})",
        f"CREATE POLICY system ON call_limits TO {SYSTEM_ROLE} USING (true) WITH CHECK (true)",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON call_limits TO {APP_ROLE}, {SYSTEM_ROLE}",
    ):
        op.execute(statement)


def _calls() -> None:
    op.add_column("calls", sa.Column("counted", sa.Boolean(), server_default="false", nullable=False))
    op.create_index(
        "ix_calls_counted",
        "calls",
        ["workspace_id"],
        postgresql_where=sa.text("counted AND ended_at IS NULL"),
    )
    op.create_index(
        "ix_calls_batch_open",
        "calls",
        ["batch_call_id"],
        postgresql_where=sa.text("batch_call_id IS NOT NULL AND ended_at IS NULL"),
    )
    op.create_index(
        "ix_calls_registered", "calls", ["created_at"], postgresql_where=sa.text("status = 'registered'")
    )


def _batches() -> None:
    op.create_table(
        "batch_calls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("from_number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("trigger_at", _TIME, nullable=True),
        sa.Column("reserved_concurrency", sa.Integer(), nullable=True),
        sa.Column("weekly_hours", JSONB(), nullable=True),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("started_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "agent_id"],
            ["agents.workspace_id", "agents.id"],
            name="fk_batch_calls_workspace_id_agent_id",
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_batch_calls_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_batch_calls"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_batch_calls_workspace_id_id"),
    )
    op.create_index("ix_batch_calls_created", "batch_calls", ["workspace_id", _NEWEST, "id"])
    op.create_index(
        "ix_batch_calls_open",
        "batch_calls",
        ["created_at"],
        postgresql_where=sa.text("status IN ('scheduled', 'in_progress')"),
    )


def _tasks() -> None:
    op.create_table(
        "batch_tasks",
        sa.Column("seq", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("to_number", sa.Text(), nullable=False),
        sa.Column("lead_name", sa.Text(), server_default="", nullable=False),
        sa.Column("lead_email", sa.Text(), nullable=True),
        sa.Column("variables", JSONB(), server_default="{}", nullable=False),
        sa.Column("override_agent_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "batch_id"],
            ["batch_calls.workspace_id", "batch_calls.id"],
            name="fk_batch_tasks_workspace_id_batch_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "override_agent_id"],
            ["agents.workspace_id", "agents.id"],
            name="fk_batch_tasks_workspace_id_override_agent_id",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "call_id"],
            ["calls.workspace_id", "calls.id"],
            name="fk_batch_tasks_workspace_id_call_id",
        ),
        sa.PrimaryKeyConstraint("seq", name="pk_batch_tasks"),
        sa.UniqueConstraint(
            "workspace_id", "batch_id", "task_id", name="uq_batch_tasks_workspace_id_batch_id_task_id"
        ),
    )
    op.create_index("ix_batch_tasks_added", "batch_tasks", ["workspace_id", "batch_id", "seq"])
    op.create_index("ix_batch_tasks_status", "batch_tasks", ["workspace_id", "batch_id", "status", "seq"])
