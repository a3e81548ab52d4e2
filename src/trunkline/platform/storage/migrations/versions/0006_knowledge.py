"""Knowledge bases: sources and their chunks."""

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import VECTOR
from sqlalchemy.dialects.postgresql import TSVECTOR

from trunkline.platform.storage.extensions import require_extension
from trunkline.platform.storage.policies import guard_by_workspace

revision = "0006"
down_revision = "0005"

_TIME = sa.DateTime(timezone=True)
_NOW = sa.text("now()")
_NEWEST: sa.ColumnClause[object] = sa.literal_column("created_at DESC")

_TABLES = ("knowledge_bases", "knowledge_base_agents", "knowledge_sources", "knowledge_chunks")


def upgrade() -> None:
    connection = op.get_bind()
    require_extension(connection, "vector", "pgvector 0.7 or later (on Debian: postgresql-18-pgvector)")
    _bases()
    _sources()
    _chunks()
    for table in _TABLES:
        guard_by_workspace(connection, table)


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)


def _bases() -> None:
    op.create_table(
        "knowledge_bases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("rag_use_condition", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("updated_at", _TIME, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_knowledge_bases_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_knowledge_bases"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_knowledge_bases_workspace_id_id"),
    )
    op.create_index("ix_knowledge_bases_created", "knowledge_bases", ["workspace_id", _NEWEST, "id"])
    op.create_table(
        "knowledge_base_agents",
        sa.Column("knowledge_base_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "agent_id"],
            ["agents.workspace_id", "agents.id"],
            name="fk_knowledge_base_agents_workspace_id_agent_id",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "knowledge_base_id"],
            ["knowledge_bases.workspace_id", "knowledge_bases.id"],
            name="fk_knowledge_base_agents_workspace_id_knowledge_base_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("knowledge_base_id", "agent_id", name="pk_knowledge_base_agents"),
    )
    op.create_index(
        "ix_knowledge_base_agents_workspace_id_agent_id",
        "knowledge_base_agents",
        ["workspace_id", "agent_id"],
    )


def _sources() -> None:
    op.create_table(
        "knowledge_sources",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("knowledge_base_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("url", sa.Text(), server_default="", nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("preview", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("chunk_count", sa.Integer(), nullable=True),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("updated_at", _TIME, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "knowledge_base_id"],
            ["knowledge_bases.workspace_id", "knowledge_bases.id"],
            name="fk_knowledge_sources_workspace_id_knowledge_base_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_knowledge_sources"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_knowledge_sources_workspace_id_id"),
    )
    op.create_index(
        "ix_knowledge_sources_created",
        "knowledge_sources",
        ["workspace_id", "knowledge_base_id", _NEWEST, "id"],
    )


def _chunks() -> None:
    op.create_table(
        "knowledge_chunks",
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("knowledge_base_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column(
            "words",
            TSVECTOR(),
            sa.Computed("to_tsvector('english'::regconfig, text)", persisted=True),
            nullable=False,
        ),
        sa.Column("embedding", VECTOR(384), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "source_id"],
            ["knowledge_sources.workspace_id", "knowledge_sources.id"],
            name="fk_knowledge_chunks_workspace_id_source_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("source_id", "position", name="pk_knowledge_chunks"),
    )
    op.create_index(
        "ix_knowledge_chunks_workspace_id_knowledge_base_id",
        "knowledge_chunks",
        ["workspace_id", "knowledge_base_id"],
    )
