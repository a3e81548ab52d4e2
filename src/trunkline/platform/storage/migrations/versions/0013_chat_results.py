"""What actions gave in a chat."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("chats", sa.Column("results", JSONB(), server_default="{}", nullable=False))


def downgrade() -> None:
    op.drop_column("chats", "results")
