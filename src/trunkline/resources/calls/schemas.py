"""Calls on the wire."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from trunkline.platform.http.pagination import Pagination
from trunkline.platform.http.wire import Wire, WireInput, example
from trunkline.resources.agents.schemas import WebAddress
from trunkline.resources.agents.settings import Timezone
from trunkline.resources.calls import phone


def variables_of(value: Any) -> Any:
    """Variables from either form: an object, or an array of `{"key", "value"}`. Raises ValueError."""
    if not isinstance(value, list):
        return value
    variables: dict[str, Any] = {}
    for item in value:
        if not isinstance(item, dict) or not isinstance(item.get("key"), str):
            raise ValueError('must be an object, or an array of {"key": "name", "value": "text"}')
        variables[item["key"]] = item.get("value", "")
    return variables


Variables = Annotated[dict[str, Any], BeforeValidator(variables_of)]
Target = Annotated[str, AfterValidator(phone.target)]


class CallCreate(WireInput):
    """A call to place now."""

    model_config = example(
        model_id="0b7d3a4e-6a0e-4c5f-9a58-2c1f8f7f6f10",
        phone="+14155552671",
        name="Ann",
        from_phone_number="+14155550100",
        custom_variables={"order": "4711"},
    )

    model_id: str
    phone: Target
    name: str
    from_phone_number: str | None = None
    custom_variables: Variables | None = None
    lead_email: str | None = None
    lead_timezone: Timezone | None = None
    prompt: str | None = None
    greeting: str | None = None
    external_webhook_url: WebAddress | None = None


class CallPlaced(Wire):
    """A call was accepted; it is placed as soon as a line is free."""

    answer: Literal["ok"]
    call_id: str


Number = Annotated[str, Field(max_length=phone.LONGEST)]


class InboundPrepare(WireInput):
    """A call that somebody's switch will send here."""

    model_config = example(
        model_id="0b7d3a4e-6a0e-4c5f-9a58-2c1f8f7f6f10",
        from_number="+14155552671",
        to_number="+14155550100",
        custom_variables={"order": "4711"},
    )

    model_id: str
    from_number: Number = ""
    to_number: Number = ""
    """One of the two numbers is required."""
    workspace_id: str = ""
    custom_variables: Variables | None = None


class InboundPrepared(Wire):
    """The call is expected: its INVITE must hold the id in the header X-EI."""

    call_status: Literal["registered"]
    synthflow_call_id: str
    direction: Literal["inbound"]
    model_id: str
    workspace_id: str
    from_number: str
    to_number: str
    custom_variables: dict[str, Any]


class CallOut(Wire):
    """One call: in a list every member is there, of a single call those that have a value."""

    call_id: str
    model_id: str
    status: str
    call_status: str
    type_of_call: str
    name: str | None = None
    lead_name: str | None = None
    lead_phone_number: str | None = None
    agent_phone_number: str | None = None
    phone_number_from: str | None = None
    phone_number_to: str | None = None
    campaign_type: str | None = None
    deployment_type: str | None = None
    start_time: str
    """Epoch milliseconds, as text."""
    timezone: str | None = None
    duration: int | None = None
    """Seconds."""
    end_call_reason: str | None = None
    custom_end_call_reason: str | None = None
    error_message: str | None = None
    transcript: str | None = None
    recording_url: str | None = None
    recording_duration: str | None = None
    executed_actions: dict[str, Any]
    prompt_variables: dict[str, Any]
    collected_variables: dict[str, Any]
    judge_results: dict[str, Any] | None = None
    labels: list[str]
    agents_used: list[str]
    assistant_version: str | None = None
    telephony_hangup: str | None = None
    telephony_disconnect_reason: str | None = None
    telephony_duration: int | None = None
    """Milliseconds."""
    telephony_ringing_duration: int | None = None
    """Milliseconds."""
    telephony_start: str | None = None
    telephony_end: str | None = None
    telephony_sip_headers: dict[str, Any] | None = None


class CallPage(Wire):
    """A page of calls."""

    pagination: Pagination
    calls: list[CallOut]


class Transcript(Wire):
    """What was said."""

    transcript: str


class TranscriptAnswer(Wire):
    """The transcript, where either kind of reader looks for it."""

    status: Literal["ok"]
    response: Transcript
    transcript: str


class Ledger(Wire):
    """Where each turn's latency went, which models answered, and what the inbound webhook gave along."""

    turns: list[dict[str, Any]]
    models: list[str]
    inbound_metadata: dict[str, Any] | None
    """The member `metadata` of its answer; null for none."""
