"""What memories are made of: the facts, and the talks they come from."""

import sqlalchemy as sa
from alembic import op

from trunkline.platform.storage.policies import guard_by_workspace

revision = "0016"
down_revision = "0015"

_TIME = sa.DateTime(timezone=True)
_MEMORY = ["workspace_id", "memory_store_id", "contact_id"]


def upgrade() -> None:
    op.create_unique_constraint("uq_memories_workspace_id_memory_store_id_contact_id", "memories", _MEMORY)
    op.drop_index(
        "ix_memories_workspace_id_memory_store_id", "memories"
    )  # that constraint's index serves as well
    _talks()
    _facts()
    connection = op.get_bind()
    for table in ("memory_talks", "memory_facts"):
        guard_by_workspace(connection, table)


def downgrade() -> None:
    op.drop_table("memory_facts")
    op.drop_table("memory_talks")
    op.create_index(
        "ix_memories_workspace_id_memory_store_id", "memories", ["workspace_id", "memory_store_id"]
    )
    op.drop_constraint("uq_memories_workspace_id_memory_store_id_contact_id", "memories")


def _talks() -> None:
    op.create_table(
        "memory_talks",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("memory_store_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("upto", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            _MEMORY,
            [f"memories.{column}" for column in _MEMORY],
            name="fk_memory_talks_workspace_id_memory_store_id_contact_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(*_MEMORY, "source", name="pk_memory_talks"),
    )
    op.create_index("ix_memory_talks_workspace_id_source", "memory_talks", ["workspace_id", "source"])


def _facts() -> None:
    op.create_table(
        "memory_facts",
        sa.Column("seq", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("memory_store_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("said_at", _TIME, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            [*_MEMORY, "source"],
            [f"memory_talks.{column}" for column in (*_MEMORY, "source")],
            name="fk_memory_facts_workspace_id_memory_store_id_contact_id_source",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("seq", name="pk_memory_facts"),
    )
    op.create_index("ix_memory_facts_of_contact", "memory_facts", [*_MEMORY, "source"])
