"""The post-call webhook: what it says of a call, and to whom (contract, section 14)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Select, Uuid, any_, bindparam, exists, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.after import MEMORY, StepState
from trunkline.resources.calls.announced import HEADER
from trunkline.resources.calls.models import AfterCall, AfterCallStep, Call, CallEvent
from trunkline.resources.calls.privacy import without_personal_data
from trunkline.resources.calls.record import CUT_OFF, END_WORDS
from trunkline.resources.calls.wire import RecordingUrl
from trunkline.resources.webhooks import deliveries
from trunkline.resources.webhooks.deliveries import Wanted
from trunkline.voice.conversation.events import EndReason, Kind

UNDEFINED = "undefined"
_TIMEOUT = "timeout"
# Two ends are `timeout` in the record; which of them it was, the call's last note says.
_WORDS = {words.rest: words.webhook for words in (*END_WORDS.values(), CUT_OFF) if words.rest != _TIMEOUT}


async def tell(
    session: AsyncSession, calls: Sequence[UUID], recording_url: RecordingUrl, *, late: bool = False
) -> int:
    """Have those of the calls reported when the transaction commits that are ready to be and are not reported yet.

    A call is ready when no step is to be done but the memory, or when it is `late`. The work after them is held.
    How many deliveries there are that were not there before.
    """
    found = await session.execute(_TO_TELL, {"calls": calls, "late": late})
    wanted = [_wanted(*row, recording_url) for row in found]
    return await deliveries.add(session, [each for each in wanted if each is not None])


def _wanted(
    call: Call, agents_url: str | None, ended_by: str | None, recording_url: RecordingUrl
) -> Wanted | None:
    """What is to be delivered of a call; None where nobody is to be told. `ended_by`: as for `end_word`."""
    url = call.overrides.get("external_webhook_url") or agents_url
    if not url:
        return None
    payload = rendered(call, end_word(call, ended_by), recording_url(call))
    if call.redacts_pii:
        payload = without_personal_data(payload, call.name)
    body = json.dumps(payload, ensure_ascii=False).encode()
    return Wanted(call.workspace_id, "external_webhook", call.id, call.agent_id, url, body)


def _marking() -> Select[Call, str | None, str | None]:
    """Marks calls as told, and reads them, in one statement."""
    mine = AfterCallStep.call_id == AfterCall.call_id, AfterCallStep.state == StepState.PENDING
    waits = exists().where(*mine, AfterCallStep.step != MEMORY).correlate(AfterCall)
    named = AfterCall.call_id == any_(bindparam("calls", type_=ARRAY(Uuid())))
    marked = (
        update(AfterCall)
        .where(named, ~AfterCall.told, bindparam("late", type_=Boolean()) | ~waits)
        .values(told=True)
        .returning(AfterCall.call_id)
        .cte("marked")
    )
    noted = CallEvent.call_id == Call.id, CallEvent.kind == Kind.ENDED, Call.end_reason == _TIMEOUT
    ended_by = select(CallEvent.data["reason"].astext).where(*noted).order_by(CallEvent.seq).limit(1)
    return (
        select(Call, Agent.external_webhook_url, ended_by.correlate(Call).scalar_subquery())
        .join(marked, marked.c.call_id == Call.id)
        .join(Agent, Agent.id == Call.agent_id)
        .options(defer(Call.ledger))
        .execution_options(populate_existing=True)
    )


_TO_TELL = _marking()  # once: to put it together takes longer than to run it


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


def end_word(call: Call, ended_by: str | None) -> str:
    """What ended the call, in the webhook's vocabulary; `ended_by` is the reason on its last note."""
    if call.end_reason != _TIMEOUT:
        return _WORDS.get(call.end_reason or "", UNDEFINED)
    capped = ended_by == EndReason.MAX_DURATION
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
