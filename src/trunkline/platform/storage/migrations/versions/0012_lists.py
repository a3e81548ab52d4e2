"""Calls by the other party's number: looked for as a whole, within a workspace."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_NEWEST: sa.ColumnClause[object] = sa.literal_column("created_at DESC")


def upgrade() -> None:
    op.drop_index("ix_calls_other_party", "calls")
    op.create_index("ix_calls_other_party", "calls", ["workspace_id", "other_party", _NEWEST, "id"])


def downgrade() -> None:
    op.drop_index("ix_calls_other_party", "calls")
    op.create_index(
        "ix_calls_other_party",
        "calls",
        ["other_party"],
        postgresql_using="gin",
        postgresql_ops={"other_party": "gin_trgm_ops"},
    )
