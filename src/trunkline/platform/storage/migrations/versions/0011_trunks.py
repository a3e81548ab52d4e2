"""Registrations of trunks."""

import sqlalchemy as sa
from alembic import op

from trunkline.platform.storage.policies import guard_by_workspace

revision = "0011"
down_revision = "0010"

_TABLE = "trunk_registrations"


def upgrade() -> None:
    op.create_table(
        _TABLE,
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("number_id", sa.Uuid(), nullable=False),
        sa.Column("host_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "number_id"],
            ["numbers.workspace_id", "numbers.id"],
            name="fk_trunk_registrations_workspace_id_number_id",
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["host_id"], ["nodes.id"], name="fk_trunk_registrations_host_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "number_id", name="pk_trunk_registrations"),
    )
    op.create_index("ix_trunk_registrations_host_id", _TABLE, ["host_id"])
    op.create_index(
        "ix_numbers_registering", "numbers", ["workspace_id", "id"], postgresql_where=sa.text("uac_enabled")
    )
    guard_by_workspace(op.get_bind(), _TABLE)


def downgrade() -> None:
    op.drop_index("ix_numbers_registering", "numbers")
    op.drop_table(_TABLE)
