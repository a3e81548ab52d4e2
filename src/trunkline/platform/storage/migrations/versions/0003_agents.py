"""Versions of agents: those that exist begin with what they are now."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from trunkline.platform.storage.policies import guard_by_workspace

revision = "0003"
down_revision = "0002"

_CONTENT = (
    "name",
    "type",
    "description",
    "settings",
    "external_webhook_url",
    "inbound_call_webhook_url",
    "is_recording",
    "max_duration",
    "voicemail_message",
)


def upgrade() -> None:
    op.add_column("agents", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.create_table(
        "agent_versions",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("restored_from", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "agent_id"],
            ["agents.workspace_id", "agents.id"],
            name="fk_agent_versions_workspace_id_agent_id",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "agent_id", "n", name="pk_agent_versions"),
    )
    members = ", ".join(f"'{name}', {name}" for name in _CONTENT)
    op.execute(
        "INSERT INTO agent_versions (workspace_id, agent_id, n, content, created_at) "  # noqa: S608 - our names
        f"SELECT workspace_id, id, 1, jsonb_build_object({members}), updated_at FROM agents"
    )
    op.alter_column("agents", "version", server_default="0")
    guard_by_workspace(op.get_bind(), "agent_versions")


def downgrade() -> None:
    op.drop_table("agent_versions")
    op.drop_column("agents", "version")
