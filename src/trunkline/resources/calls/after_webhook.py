"""The post-call webhook: what it says of a call, and to whom (contract, section 14)."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.announced import HEADER
from trunkline.resources.calls.models import Call, CallEvent
from trunkline.resources.calls.privacy import without_personal_data
from trunkline.resources.calls.record import CUT_OFF, END_WORDS
from trunkline.resources.calls.wire import RecordingUrl
from trunkline.resources.webhooks import deliveries
from trunkline.voice.conversation.events import EndReason, Kind

UNDEFINED = "undefined"
_TIMEOUT = "timeout"
# Two ends are `timeout` in the record; which of them it was, the call's last note says.
_WORDS = {words.rest: words.webhook for words in (*END_WORDS.values(), CUT_OFF) if words.rest != _TIMEOUT}


async def tell(session: AsyncSession, call: Call, agent: Agent, recording_url: RecordingUrl) -> bool:
    """Have the call reported when the transaction commits; False where nobody wants to know, or it is already."""
    url = call.overrides.get("external_webhook_url") or agent.external_webhook_url
    if not url:
        return False
    payload = rendered(call, await end_word(session, call), recording_url(call))
    if call.redacts_pii:
        payload = without_personal_data(payload, call.name)
    added = await deliveries.add(
        session,
        workspace_id=call.workspace_id,
        kind="external_webhook",
        call_id=call.id,
        agent_id=call.agent_id,
        url=url,
        body=json.dumps(payload, ensure_ascii=False).encode(),
    )
    return added is not None


def rendered(call: Call, end_call_reason: str, recording_url: str | None) -> dict[str, Any]:
    """The payload. `end_call_reason` is in the webhook's own vocabulary."""
    custom = call.end_detail if call.end_reason == "custom_end_call" else None
    told = {
        "status": call.status,
        "end_call_reason": end_call_reason,
        "custom_end_call_reason": custom,
        "model_id": str(call.agent_id),
        "timezone": call.timezone,
        "call_id": str(call.id),
        "duration": call.duration_s or 0,
        "start_time": (call.started_at or call.created_at).isoformat(),
        "transcript": call.transcript or "",
        "recording_url": recording_url,
        "diversion": _header(call, "Diversion"),
        "external_id": _header(call, HEADER),
    }
    left_out = {name for name in ("custom_end_call_reason", "recording_url") if not told[name]}
    return {
        "status": call.status,
        "error_message": call.error_message or "",
        "lead": {
            "name": call.name,
            "phone_number": call.other_party,
            "prompt_variables": call.variables,
        },
        "call": {name: value for name, value in told.items() if name not in left_out},
        "executed_actions": call.executed_actions,
        "analysis": call.judge_results,
        "collected_variables": _collected(call.collected_variables),
    }


async def end_word(session: AsyncSession, call: Call) -> str:
    """What ended the call, in the webhook's vocabulary."""
    if call.end_reason != _TIMEOUT:
        return _WORDS.get(call.end_reason or "", UNDEFINED)
    mine = CallEvent.call_id == call.id, CallEvent.kind == Kind.ENDED
    query = select(CallEvent.data["reason"].astext).where(*mine).order_by(CallEvent.seq).limit(1)
    capped = await session.scalar(query) == EndReason.MAX_DURATION
    return END_WORDS[EndReason.MAX_DURATION if capped else EndReason.IDLE].webhook


def _header(call: Call, name: str) -> str:
    """A header of the INVITE that brought the call; "" for none."""
    held: Mapping[str, Any] = call.sip_headers or {}
    return next((str(value) for key, value in held.items() if key.lower() == name.lower()), "")


def _collected(by_agent: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Those that were collected, of all agents together."""
    return {
        name: shown
        for variables in by_agent.values()
        for name, shown in variables.items()
        if shown.get("collected") is True
    }
