"""Calls, the attempts to place them, and the events they are read from."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.platform.storage.database import Base


class Call(Base):
    """One call, from its acceptance to its record. `status` moves by `status.py` only."""

    __tablename__ = "calls"
    __table_args__ = (
        UniqueConstraint("workspace_id", "id"),  # what other tables' foreign keys point at
        ForeignKeyConstraint(["workspace_id", "agent_id"], ["agents.workspace_id", "agents.id"]),
        Index("ix_calls_created", "workspace_id", text("created_at DESC"), "id"),
        Index("ix_calls_agent", "workspace_id", "agent_id", text("created_at DESC"), "id"),
        Index("ix_calls_status", "workspace_id", "status", text("created_at DESC"), "id"),
        Index("ix_calls_duration", "workspace_id", "duration_s", text("created_at DESC"), "id"),
        Index(
            "ix_calls_batch",
            "workspace_id",
            "batch_call_id",
            text("created_at DESC"),
            postgresql_where=text("batch_call_id IS NOT NULL"),
        ),
        Index("ix_calls_other_party", "workspace_id", "other_party", text("created_at DESC"), "id"),
        Index("ix_calls_host", "host_id", postgresql_where=text("ended_at IS NULL")),
        Index("ix_calls_counted", "workspace_id", postgresql_where=text("counted AND ended_at IS NULL")),
        Index(
            "ix_calls_batch_open",
            "batch_call_id",
            postgresql_where=text("batch_call_id IS NOT NULL AND ended_at IS NULL"),
        ),
        Index("ix_calls_registered", "created_at", postgresql_where=text("status = 'registered'")),
        # What analytics count and sum, read from the indexes alone.
        Index(
            "ix_calls_figures",
            "workspace_id",
            "created_at",
            postgresql_include=["agent_id", "direction", "status", "end_reason", "duration_s", "id"],
        ),
        Index(
            "ix_calls_with_actions",
            "workspace_id",
            "created_at",
            postgresql_where=text("executed_actions <> '{}'::jsonb"),
        ),
        Index(
            "ix_calls_judged",
            "workspace_id",
            "created_at",
            postgresql_where=text("judge_results IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[UUID]
    direction: Mapped[str]
    """`inbound` or `outbound`."""
    status: Mapped[str]
    end_reason: Mapped[str | None]
    end_detail: Mapped[str | None]
    """Which condition ended it, where `end_reason` is a condition of the agent's own."""
    error_message: Mapped[str | None]

    name: Mapped[str] = mapped_column(server_default="", default="")
    other_party: Mapped[str] = mapped_column(server_default="", default="")
    """The lead's number or SIP address, whichever way the call went."""
    agent_number: Mapped[str] = mapped_column(server_default="", default="")
    number_from: Mapped[str] = mapped_column(server_default="", default="")
    number_to: Mapped[str] = mapped_column(server_default="", default="")
    campaign_type: Mapped[str | None]
    deployment_type: Mapped[str | None]
    timezone: Mapped[str] = mapped_column(server_default="Europe/Berlin", default="Europe/Berlin")
    labels: Mapped[list[Any]] = mapped_column(server_default="[]", default=list)
    variables: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    overrides: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    """What this call changes of its agent: prompt, greeting, webhook, lead_email, lead_timezone."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    ringing_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    duration_s: Mapped[int | None]
    ringing_ms: Mapped[int | None]
    telephony_ms: Mapped[int | None]

    hangup_by: Mapped[str | None]
    disconnect_reason: Mapped[str | None]
    sip_call_id: Mapped[str | None]
    sip_headers: Mapped[dict[str, Any] | None]
    host_id: Mapped[str | None]
    """The node that holds or held it."""
    agent_version: Mapped[str | None]
    batch_call_id: Mapped[UUID | None]
    counted: Mapped[bool] = mapped_column(server_default="false", default=False)
    """It holds a place among its workspace's concurrent calls until it ends (`resources/limits`)."""

    redacts_pii: Mapped[bool] = mapped_column(server_default="false", default=False)
    """Personal data goes out of what was said when the call ends (`privacy.py`); as its agent was when it began."""
    inbound_metadata: Mapped[dict[str, Any] | None]
    """What the inbound webhook gave along (`inbound_webhook.py`)."""
    transcript: Mapped[str | None]
    executed_actions: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    collected_variables: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    judge_results: Mapped[dict[str, Any] | None]
    agents_used: Mapped[list[Any]] = mapped_column(server_default="[]", default=list)
    recording_key: Mapped[str | None]
    """Key of the WAV in the blob store."""
    recording_s: Mapped[float | None]
    models: Mapped[list[Any]] = mapped_column(server_default="[]", default=list)
    """Names of the language models that really answered."""
    ledger: Mapped[list[Any]] = mapped_column(server_default="[]", default=list)
    """Where each turn's latency went."""


class CallAttempt(Base):
    """The hand-over of an outbound call to a host: pending → dialling → answered | failed, or revoked.

    Claimed and revoked by conditional updates, so nobody is dialled twice.
    """

    __tablename__ = "call_attempts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "call_id"], ["calls.workspace_id", "calls.id"], ondelete="CASCADE"
        ),
        Index(None, "host_id", "state"),
        Index("ix_call_attempts_pending", "created_at", postgresql_where=text("state = 'pending'")),
    )

    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    host_id: Mapped[str]
    state: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    claimed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class CallEvent(Base):
    """One event of a call, in order; everything told about the call is read off these."""

    __tablename__ = "call_events"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "call_id"], ["calls.workspace_id", "calls.id"], ondelete="CASCADE"
        ),
    )

    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    at_ms: Mapped[int]
    """Milliseconds since the line was up."""
    kind: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)


class AfterCall(Base):
    """What is to be done after a call has ended; its steps are rows of their own."""

    __tablename__ = "after_calls"
    __table_args__ = (
        UniqueConstraint("workspace_id", "call_id"),  # what the steps' foreign key points at
        ForeignKeyConstraint(
            ["workspace_id", "call_id"], ["calls.workspace_id", "calls.id"], ondelete="CASCADE"
        ),
        Index("ix_after_calls_untold", "tell_at", postgresql_where=text("NOT told")),
    )

    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    planned: Mapped[bool] = mapped_column(server_default="false", default=False)
    """Its steps are written down."""
    told: Mapped[bool] = mapped_column(server_default="false", default=False)
    """Its webhook is under way, or nobody wants one."""
    tell_at: Mapped[datetime]
    """Then the webhook goes, whatever is still missing."""


class AfterCallStep(Base):
    """One thing that is done after a call: pending → done | failed, by conditional updates that ask for the fence."""

    __tablename__ = "after_call_steps"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "call_id"],
            ["after_calls.workspace_id", "after_calls.call_id"],
            ondelete="CASCADE",
        ),
    )

    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)
    """`judge`, `memory`, or `evaluation:`, `extraction:`, `action:` with the action's id."""
    workspace_id: Mapped[UUID]
    state: Mapped[str]
    fence: Mapped[int] = mapped_column(server_default="0", default=0)
    """Grows with each begin; who began it last may write."""
    tries: Mapped[int] = mapped_column(server_default="0", default=0)
    """Begins that came to a fault, `error`, and not to an end."""
    result: Mapped[dict[str, Any] | None]
    """Entries of `executed_actions` that it added."""
    error: Mapped[str | None]
    began_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
