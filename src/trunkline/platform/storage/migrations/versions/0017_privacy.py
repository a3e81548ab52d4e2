"""Calls whose words are redacted, what the inbound webhook tells of a call, and up to when an agent's calls are forgotten."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("calls", sa.Column("redacts_pii", sa.Boolean(), nullable=False, server_default="false"))
    op.add_column("calls", sa.Column("inbound_metadata", JSONB(), nullable=True))
    op.add_column("agents", sa.Column("forgot_before", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("agents", "forgot_before")
    op.drop_column("calls", "inbound_metadata")
    op.drop_column("calls", "redacts_pii")
