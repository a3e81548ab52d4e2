"""Subaccounts: permissions, limits, members; secrets of a workspace; when a number was changed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from trunkline.platform.storage.policies import guard_by_workspace

revision = "0009"
down_revision = "0008"

_TIME = sa.DateTime(timezone=True)


def _columns() -> tuple[sa.Column[object], ...]:
    """New ones of `workspaces`."""
    return (
        sa.Column("revoked_permissions", ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=True),
        sa.Column("max_agents", sa.Integer(), nullable=True),
        sa.Column("max_minutes", sa.Integer(), nullable=True),
        sa.Column("max_workflow_runs", sa.Integer(), nullable=True),
        sa.Column("pricing_tiers", JSONB(), server_default="[]", nullable=False),
        sa.Column("subscription", JSONB(), server_default="{}", nullable=False),
        sa.Column("members", JSONB(), server_default="[]", nullable=False),
        sa.Column("deleted_at", _TIME, nullable=True),
    )


def upgrade() -> None:
    for column in _columns():
        op.add_column("workspaces", column)
    op.add_column("numbers", sa.Column("updated_at", _TIME, nullable=True))
    op.create_table(
        "workspace_secrets",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_workspace_secrets_workspace_id"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "name", name="pk_workspace_secrets"),
    )
    guard_by_workspace(op.get_bind(), "workspace_secrets")


def downgrade() -> None:
    op.drop_table("workspace_secrets")
    op.drop_column("numbers", "updated_at")
    for column in _columns():
        op.drop_column("workspaces", column.name)
