"""First tables: workspaces and keys, agents, numbers, calls with attempts and events; nodes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from trunkline.platform.storage.policies import guard_by_workspace, guard_for_system

revision = "0001"
down_revision = None

_TIME = sa.DateTime(timezone=True)
_NOW = sa.text("now()")
_NEWEST: sa.ColumnClause[object] = sa.literal_column("created_at DESC")

_OF_THE_SYSTEM = ("installation", "nodes")
_OF_A_WORKSPACE = ("api_keys", "agents", "numbers", "number_agents", "calls", "call_attempts", "call_events")


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    _plumbing()
    _workspaces()
    _agents()
    _numbers()
    _calls()
    _call_parts()
    connection = op.get_bind()
    for table in _OF_THE_SYSTEM:
        guard_for_system(connection, table)
    guard_by_workspace(connection, "workspaces", "id")
    for table in _OF_A_WORKSPACE:
        guard_by_workspace(connection, table)


def downgrade() -> None:
    for table in (*reversed(_OF_A_WORKSPACE), "workspaces", *_OF_THE_SYSTEM):
        op.drop_table(table)


def _plumbing() -> None:
    op.create_table(
        "installation",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_installation"),
    )
    op.create_table(
        "nodes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("control_url", sa.Text(), nullable=False),
        sa.Column("sip_address", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("active", sa.Integer(), server_default="0", nullable=False),
        sa.Column("draining", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("started_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("seen_at", _TIME, server_default=_NOW, nullable=False),
        sa.CheckConstraint("active >= 0", name="ck_nodes_active"),
        sa.PrimaryKeyConstraint("id", name="pk_nodes"),
    )
    op.create_index("ix_nodes_role_seen_at", "nodes", ["role", "seen_at"])


def _workspaces() -> None:
    op.create_table(
        "workspaces",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["workspaces.id"], name="fk_workspaces_parent_id"),
        sa.PrimaryKeyConstraint("id", name="pk_workspaces"),
    )
    op.create_index("ix_workspaces_parent_id", "workspaces", ["parent_id"])
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", JSONB(), nullable=True),
        sa.Column("expires_at", _TIME, nullable=True),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("revoked_at", _TIME, nullable=True),
        sa.Column("last_used_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_api_keys_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
    )
    op.create_index("ix_api_keys_workspace_id_created_at", "api_keys", ["workspace_id", "created_at"])


def _agents() -> None:
    op.create_table(
        "agents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("settings", JSONB(), server_default="{}", nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("external_webhook_url", sa.Text(), nullable=True),
        sa.Column("inbound_call_webhook_url", sa.Text(), nullable=True),
        sa.Column("is_recording", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("max_duration", JSONB(), server_default="{}", nullable=False),
        sa.Column("voicemail_message", JSONB(), server_default="{}", nullable=False),
        sa.Column("extra", JSONB(), server_default="{}", nullable=False),
        sa.Column("phone_number", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("updated_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("deleted_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_agents_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_agents"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_agents_workspace_id_id"),
    )
    op.create_index("ix_agents_created", "agents", ["workspace_id", _NEWEST, "id"])


def _numbers() -> None:
    op.create_table(
        "numbers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("friendly_name", sa.Text(), nullable=True),
        sa.Column("provider_name", sa.Text(), server_default="custom", nullable=False),
        sa.Column("inbound_agent_id", sa.Uuid(), nullable=True),
        sa.Column("termination_uri", sa.Text(), nullable=True),
        sa.Column("trunk_username", sa.Text(), nullable=True),
        sa.Column("trunk_password_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("sip_transport", sa.Text(), nullable=True),
        sa.Column("sip_outbound_proxy", sa.Text(), nullable=True),
        sa.Column("uac_enabled", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("uac_register_expires", sa.Integer(), server_default="300", nullable=False),
        sa.Column("extra", JSONB(), server_default="{}", nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "inbound_agent_id"],
            ["agents.workspace_id", "agents.id"],
            name="fk_numbers_workspace_id_inbound_agent_id",
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_numbers_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_numbers"),
        sa.UniqueConstraint("number", name="uq_numbers_number"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_numbers_workspace_id_id"),
        sa.UniqueConstraint("workspace_id", "slug", name="uq_numbers_workspace_id_slug"),
    )
    op.create_index("ix_numbers_created", "numbers", ["workspace_id", _NEWEST, "id"])
    op.create_index(
        "ix_numbers_workspace_id_inbound_agent_id", "numbers", ["workspace_id", "inbound_agent_id"]
    )
    op.create_table(
        "number_agents",
        sa.Column("number_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "agent_id"],
            ["agents.workspace_id", "agents.id"],
            name="fk_number_agents_workspace_id_agent_id",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "number_id"],
            ["numbers.workspace_id", "numbers.id"],
            name="fk_number_agents_workspace_id_number_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("number_id", "agent_id", name="pk_number_agents"),
    )
    op.create_index("ix_number_agents_workspace_id_agent_id", "number_agents", ["workspace_id", "agent_id"])


def _calls() -> None:
    op.create_table(
        "calls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("end_detail", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("other_party", sa.Text(), server_default="", nullable=False),
        sa.Column("agent_number", sa.Text(), server_default="", nullable=False),
        sa.Column("number_from", sa.Text(), server_default="", nullable=False),
        sa.Column("number_to", sa.Text(), server_default="", nullable=False),
        sa.Column("campaign_type", sa.Text(), nullable=True),
        sa.Column("deployment_type", sa.Text(), nullable=True),
        sa.Column("timezone", sa.Text(), server_default="Europe/Berlin", nullable=False),
        sa.Column("labels", JSONB(), server_default="[]", nullable=False),
        sa.Column("variables", JSONB(), server_default="{}", nullable=False),
        sa.Column("overrides", JSONB(), server_default="{}", nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("started_at", _TIME, nullable=True),
        sa.Column("ringing_at", _TIME, nullable=True),
        sa.Column("answered_at", _TIME, nullable=True),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.Column("duration_s", sa.Integer(), nullable=True),
        sa.Column("ringing_ms", sa.Integer(), nullable=True),
        sa.Column("telephony_ms", sa.Integer(), nullable=True),
        sa.Column("hangup_by", sa.Text(), nullable=True),
        sa.Column("disconnect_reason", sa.Text(), nullable=True),
        sa.Column("sip_call_id", sa.Text(), nullable=True),
        sa.Column("sip_headers", JSONB(), nullable=True),
        sa.Column("host_id", sa.Text(), nullable=True),
        sa.Column("agent_version", sa.Text(), nullable=True),
        sa.Column("batch_call_id", sa.Uuid(), nullable=True),
        sa.Column("transcript", sa.Text(), nullable=True),
        sa.Column("executed_actions", JSONB(), server_default="{}", nullable=False),
        sa.Column("collected_variables", JSONB(), server_default="{}", nullable=False),
        sa.Column("judge_results", JSONB(), nullable=True),
        sa.Column("agents_used", JSONB(), server_default="[]", nullable=False),
        sa.Column("recording_key", sa.Text(), nullable=True),
        sa.Column("recording_s", sa.Double(), nullable=True),
        sa.Column("models", JSONB(), server_default="[]", nullable=False),
        sa.Column("ledger", JSONB(), server_default="[]", nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "agent_id"],
            ["agents.workspace_id", "agents.id"],
            name="fk_calls_workspace_id_agent_id",
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_calls_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_calls_workspace_id_id"),
    )
    op.create_index("ix_calls_agent", "calls", ["workspace_id", "agent_id", _NEWEST, "id"])
    op.create_index(
        "ix_calls_batch",
        "calls",
        ["workspace_id", "batch_call_id", _NEWEST],
        postgresql_where=sa.text("batch_call_id IS NOT NULL"),
    )
    op.create_index("ix_calls_created", "calls", ["workspace_id", _NEWEST, "id"])
    op.create_index("ix_calls_duration", "calls", ["workspace_id", "duration_s", _NEWEST, "id"])
    op.create_index("ix_calls_host", "calls", ["host_id"], postgresql_where=sa.text("ended_at IS NULL"))
    op.create_index(
        "ix_calls_other_party",
        "calls",
        ["other_party"],
        postgresql_using="gin",
        postgresql_ops={"other_party": "gin_trgm_ops"},
    )
    op.create_index("ix_calls_status", "calls", ["workspace_id", "status", _NEWEST, "id"])


def _call_parts() -> None:
    op.create_table(
        "call_attempts",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("claimed_at", _TIME, nullable=True),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "call_id"],
            ["calls.workspace_id", "calls.id"],
            name="fk_call_attempts_workspace_id_call_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("call_id", "n", name="pk_call_attempts"),
    )
    op.create_index("ix_call_attempts_host_id_state", "call_attempts", ["host_id", "state"])
    op.create_index(
        "ix_call_attempts_pending",
        "call_attempts",
        ["created_at"],
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "call_events",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("at_ms", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", JSONB(), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "call_id"],
            ["calls.workspace_id", "calls.id"],
            name="fk_call_events_workspace_id_call_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("call_id", "seq", name="pk_call_events"),
    )
