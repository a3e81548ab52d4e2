"""Subaccounts: permissions, limits, members; secrets of a workspace."""

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
