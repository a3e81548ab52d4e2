"""The request that brought a message of a chat, and how often a step after a call came to a fault."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("chat_messages", sa.Column("request", sa.Text(), nullable=True))
    op.add_column("after_call_steps", sa.Column("tries", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("after_call_steps", "tries")
    op.drop_column("chat_messages", "request")
