"""How a call's row is shown: one object for the list and for the single call, with two rules for what is empty."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from trunkline.resources.calls.models import Call
from trunkline.resources.calls.schemas import CallOut, InboundPrepared

RecordingUrl = Callable[[Call], str | None]

# Of what the contract declares for a single call only these two may be null there.
_NULLABLE_ALONE = frozenset({"recording_url", "custom_end_call_reason"})
_TEXTS_ALONE = frozenset(
    {
        "name",
        "lead_name",
        "lead_phone_number",
        "agent_phone_number",
        "phone_number_from",
        "phone_number_to",
        "campaign_type",
        "timezone",
        "transcript",
        "error_message",
        "telephony_start",
        "telephony_end",
    }
)
_LEFT_OUT_ALONE = frozenset(
    {
        "duration",
        "end_call_reason",
        "telephony_hangup",
        "telephony_disconnect_reason",
        "telephony_duration",
        "telephony_ringing_duration",
    }
)


def shown_in_list(call: Call, recording_url: RecordingUrl) -> CallOut:
    """A call in a list: what has no value is null."""
    return CallOut(**_members(call, recording_url))


def shown(call: Call, recording_url: RecordingUrl) -> CallOut:
    """A call by itself: a text without a value is "", an enum or number without one is left out."""
    members = _members(call, recording_url)
    for name in _TEXTS_ALONE:
        members[name] = members[name] or ""
    return CallOut(
        **{name: value for name, value in members.items() if not (value is None and name in _LEFT_OUT_ALONE)}
    )


def prepared(call: Call) -> InboundPrepared:
    """A call that was announced."""
    return InboundPrepared(
        call_status="registered",
        synthflow_call_id=str(call.id),
        direction="inbound",
        model_id=str(call.agent_id),
        workspace_id=str(call.workspace_id),
        from_number=call.number_from,
        to_number=call.number_to,
        custom_variables=call.variables,
    )


def _members(call: Call, recording_url: RecordingUrl) -> dict[str, Any]:
    return {
        "call_id": str(call.id),
        "model_id": str(call.agent_id),
        "status": call.status,
        "call_status": call.status,
        "type_of_call": call.direction,
        "name": call.name,
        "lead_name": call.name,
        "lead_phone_number": call.other_party,
        "agent_phone_number": call.agent_number,
        "phone_number_from": call.number_from,
        "phone_number_to": call.number_to,
        "campaign_type": call.campaign_type or "live",
        "deployment_type": call.deployment_type,
        "start_time": epoch_ms(call.started_at or call.created_at),
        "timezone": call.timezone,
        **_outcome(call),
        "recording_url": recording_url(call),
        "recording_duration": None if call.recording_s is None else str(round(call.recording_s)),
        "executed_actions": call.executed_actions,
        "prompt_variables": call.variables,
        "collected_variables": call.collected_variables,
        "judge_results": call.judge_results,
        "labels": call.labels,
        "agents_used": call.agents_used or [str(call.agent_id)],
        "assistant_version": call.agent_version,
        "telephony_hangup": call.hangup_by,
        "telephony_disconnect_reason": call.disconnect_reason,
        "telephony_duration": call.telephony_ms,
        "telephony_ringing_duration": call.ringing_ms,
        "telephony_start": _zoneless(call.started_at),
        "telephony_end": _zoneless(call.ended_at),
        "telephony_sip_headers": call.sip_headers,
    }


def _outcome(call: Call) -> dict[str, Any]:
    custom = call.end_reason == "custom_end_call"
    return {
        "duration": call.duration_s if call.ended_at is None else call.duration_s or 0,
        "end_call_reason": call.end_reason,
        "custom_end_call_reason": call.end_detail if custom else None,
        "error_message": call.error_message or None,
        "transcript": call.transcript or None,
    }


def epoch_ms(moment: datetime) -> str:
    """Milliseconds since 1970, as text."""
    return str(round(moment.timestamp() * 1000))


def _zoneless(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
