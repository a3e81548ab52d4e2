"""Batch calls; announced calls; slots and attempts of a workspace."""

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
