"""Chats and tool servers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from trunkline.platform.storage.policies import guard_by_workspace

revision = "0008"
down_revision = "0007"

_TIME = sa.DateTime(timezone=True)
_NOW = sa.text("now()")
_NEWEST: sa.ColumnClause[object] = sa.literal_column("created_at DESC")

_TABLES = ("chats", "chat_messages", "tool_configs")


def upgrade() -> None:
    _chats()
    _tool_configs()
    connection = op.get_bind()
    for table in _TABLES:
        guard_by_workspace(connection, table)


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)


def _chats() -> None:
    op.create_table(
        "chats",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("variables", JSONB(), server_default="{}", nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("claim", sa.Uuid(), nullable=True),
        sa.Column("claimed_until", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_chats_workspace_id"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "agent_id"],
            ["agents.workspace_id", "agents.id"],
            name="fk_chats_workspace_id_agent_id",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_chats"),
    )
    op.create_index("ix_chats_created", "chats", ["workspace_id", _NEWEST, "id"])
    op.create_index("ix_chats_agent", "chats", ["workspace_id", "agent_id", _NEWEST, "id"])
    op.create_table(
        "chat_messages",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("chat_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("message", JSONB(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "chat_id"],
            ["chats.workspace_id", "chats.id"],
            name="fk_chat_messages_workspace_id_chat_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "chat_id", "seq", name="pk_chat_messages"),
    )


def _tool_configs() -> None:
    op.create_table(
        "tool_configs",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("servers", JSONB(), server_default="[]", nullable=False),
        sa.Column("headers_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("updated_at", _TIME, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_tool_configs_workspace_id"),
        sa.PrimaryKeyConstraint("workspace_id", name="pk_tool_configs"),
    )
