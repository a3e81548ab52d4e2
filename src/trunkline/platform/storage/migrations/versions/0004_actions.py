"""Actions, what they are attached to, and logs of what went out."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from trunkline.platform.storage.policies import guard_by_workspace

revision = "0004"
down_revision = "0003"

_TIME = sa.DateTime(timezone=True)
_NOW = sa.text("now()")
_NEWEST: sa.ColumnClause[object] = sa.literal_column("created_at DESC")
_LATEST: sa.ColumnClause[object] = sa.literal_column("requested_at DESC")

_TABLES = ("actions", "agent_actions", "webhook_logs")


def upgrade() -> None:
    _actions()
    _agent_actions()
    _webhook_logs()
    for table in _TABLES:
        guard_by_workspace(op.get_bind(), table)


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)


def _actions() -> None:
    op.create_table(
        "actions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("settings", JSONB(), nullable=False),
        sa.Column("secrets_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("phone_book_id", sa.Uuid(), nullable=True),
        sa.Column("inline", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("updated_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("deleted_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_actions_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_actions"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_actions_workspace_id_id"),
    )
    op.create_index("ix_actions_created", "actions", ["workspace_id", _NEWEST, "id"])
    op.create_index("ix_actions_workspace_id_name", "actions", ["workspace_id", "name"])
    op.create_index(
        "ix_actions_phone_book",
        "actions",
        ["workspace_id", "phone_book_id"],
        postgresql_where=sa.text("phone_book_id IS NOT NULL"),
    )


def _agent_actions() -> None:
    op.create_table(
        "agent_actions",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("attachment_type", sa.Text(), server_default="during", nullable=False),
        sa.Column("trigger_condition", sa.Text(), nullable=True),
        sa.Column("input_variables_mapping", JSONB(), server_default="[]", nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "agent_id"],
            ["agents.workspace_id", "agents.id"],
            name="fk_agent_actions_workspace_id_agent_id",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "action_id"],
            ["actions.workspace_id", "actions.id"],
            name="fk_agent_actions_workspace_id_action_id",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "agent_id", "action_id", name="pk_agent_actions"),
    )
    op.create_index("ix_agent_actions_workspace_id_action_id", "agent_actions", ["workspace_id", "action_id"])


def _webhook_logs() -> None:
    op.create_table(
        "webhook_logs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("agent_id", sa.Uuid(), nullable=True),
        sa.Column("action_id", sa.Uuid(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("requested_at", _TIME, nullable=False),
        sa.Column("request_headers", JSONB(), nullable=False),
        sa.Column("request_payload", JSONB(), nullable=False),
        sa.Column("request_query", JSONB(), nullable=False),
        sa.Column("answered_at", _TIME, nullable=True),
        sa.Column("answer_status", sa.Integer(), nullable=True),
        sa.Column("answer_headers", JSONB(), nullable=True),
        sa.Column("answer_payload", JSONB(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("first_byte_ms", sa.Integer(), nullable=True),
        sa.Column("answer_bytes", sa.Integer(), nullable=True),
        sa.Column("body_bytes", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_webhook_logs_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_logs"),
    )
    op.create_index("ix_webhook_logs_requested", "webhook_logs", ["workspace_id", _LATEST, "id"])
    for name, column in (
        ("kind", "kind"),
        ("status", "status"),
        ("method", "method"),
        ("agent", "agent_id"),
        ("call", "call_id"),
    ):
        op.create_index(f"ix_webhook_logs_{name}", "webhook_logs", ["workspace_id", column, _LATEST, "id"])
