"""Contacts, memory stores, phone books; what analytics read of calls."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from trunkline.platform.storage.policies import guard_by_workspace

revision = "0005"
down_revision = "0004"

_TIME = sa.DateTime(timezone=True)
_NOW = sa.text("now()")
_NEWEST: sa.ColumnClause[object] = sa.literal_column("created_at DESC")

_TABLES = (
    "contacts",
    "memory_stores",
    "memory_store_agents",
    "memories",
    "phone_books",
    "phone_book_entries",
)


def upgrade() -> None:
    _contacts()
    _memory_stores()
    _memories()
    _phone_books()
    _call_figures()
    connection = op.get_bind()
    for table in _TABLES:
        guard_by_workspace(connection, table)


def downgrade() -> None:
    for index in ("ix_calls_figures", "ix_calls_with_actions", "ix_calls_judged"):
        op.drop_index(index, "calls")
    for table in reversed(_TABLES):
        op.drop_table(table)


def _contacts() -> None:
    op.create_table(
        "contacts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone_number", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("contact_metadata", JSONB(), server_default="{}", nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("updated_at", _TIME, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_contacts_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_contacts"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_contacts_workspace_id_id"),
        sa.UniqueConstraint("workspace_id", "phone_number", name="uq_contacts_workspace_id_phone_number"),
    )
    op.create_index("ix_contacts_created", "contacts", ["workspace_id", _NEWEST, "id"])


def _memory_stores() -> None:
    op.create_table(
        "memory_stores",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("updated_at", _TIME, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_memory_stores_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_memory_stores"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_memory_stores_workspace_id_id"),
    )
    op.create_index("ix_memory_stores_created", "memory_stores", ["workspace_id", _NEWEST, "id"])
    op.create_table(
        "memory_store_agents",
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("memory_store_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        _of_a_store("memory_store_agents"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "agent_id"],
            ["agents.workspace_id", "agents.id"],
            name="fk_memory_store_agents_workspace_id_agent_id",
        ),
        sa.PrimaryKeyConstraint("agent_id", name="pk_memory_store_agents"),
    )
    op.create_index(
        "ix_memory_store_agents_workspace_id_memory_store_id",
        "memory_store_agents",
        ["workspace_id", "memory_store_id"],
    )


def _memories() -> None:
    op.create_table(
        "memories",
        sa.Column("memory_store_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("memory", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("updated_at", _TIME, server_default=_NOW, nullable=False),
        _of_a_store("memories"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["contacts.workspace_id", "contacts.id"],
            name="fk_memories_workspace_id_contact_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("memory_store_id", "contact_id", name="pk_memories"),
    )
    op.create_index(
        "ix_memories_workspace_id_memory_store_id", "memories", ["workspace_id", "memory_store_id"]
    )
    op.create_index("ix_memories_workspace_id_contact_id", "memories", ["workspace_id", "contact_id"])


def _of_a_store(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace_id", "memory_store_id"],
        ["memory_stores.workspace_id", "memory_stores.id"],
        name=f"fk_{table}_workspace_id_memory_store_id",
        ondelete="CASCADE",
    )


def _phone_books() -> None:
    op.create_table(
        "phone_books",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_phone_books_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_phone_books"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_phone_books_workspace_id_id"),
    )
    op.create_index("ix_phone_books_created", "phone_books", ["workspace_id", _NEWEST, "id"])
    op.create_table(
        "phone_book_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("phone_book_id", sa.Uuid(), nullable=False),
        sa.Column("phone_number", sa.Text(), nullable=False),
        sa.Column("transfer_condition", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "phone_book_id"],
            ["phone_books.workspace_id", "phone_books.id"],
            name="fk_phone_book_entries_workspace_id_phone_book_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_phone_book_entries"),
        sa.UniqueConstraint(
            "workspace_id",
            "phone_book_id",
            "phone_number",
            name="uq_phone_book_entries_workspace_id_phone_book_id_phone_number",
        ),
    )
    op.create_index(
        "ix_phone_book_entries_created",
        "phone_book_entries",
        ["workspace_id", "phone_book_id", _NEWEST, "id"],
    )


def _call_figures() -> None:
    # Analytics count and sum over months of calls: from an index alone, without the wide rows.
    op.create_index(
        "ix_calls_figures",
        "calls",
        ["workspace_id", "created_at"],
        postgresql_include=["agent_id", "direction", "status", "end_reason", "duration_s", "id"],
    )
    op.create_index(
        "ix_calls_with_actions",
        "calls",
        ["workspace_id", "created_at"],
        postgresql_where=sa.text("executed_actions <> '{}'::jsonb"),
    )
    op.create_index(
        "ix_calls_judged",
        "calls",
        ["workspace_id", "created_at"],
        postgresql_where=sa.text("judge_results IS NOT NULL"),
    )
