"""Agents on the wire ("assistants")."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from trunkline.platform.http.pagination import Pagination
from trunkline.platform.http.wire import Wire, WireInput, example
from trunkline.resources.actions.schemas import AgentActionInputs
from trunkline.resources.actions.writes import AgentActions
from trunkline.resources.agents.settings import AgentSettings, MaxDuration, ShownSettings, VoicemailMessage

AgentType = Literal["outbound", "inbound", "widget"]

# Settings that programs of other times send at the top level or under another name (contract, 4.1).
_LIFTED = {
    "prompt": "prompt",
    "llm": "llm",
    "language": "language",
    "greeting_message": "greeting_message",
    "voice_id": "voice_id",
    "is_transcript_disabled": "is_transcript_disabled",
    "is_consent_enabled": "is_consent_enabled",
    "consent_message": "consent_message",
    "consent_recording": "is_consent_enabled",
    "consent_text": "consent_message",
}


def web_address(value: str) -> str:
    """An http or https address, or "" for none. Raises ValueError."""
    value = value.strip()
    if value and not (value.startswith(("http://", "https://")) and len(value) <= 2048 and " " not in value):
        raise ValueError("must be an address that begins with http:// or https://, or empty for none")
    return value


WebAddress = Annotated[str, AfterValidator(web_address)]
Name = Annotated[str, Field(min_length=1, max_length=1000)]


class AgentUpdate(WireInput):
    """What may be written. What is left out keeps its value."""

    model_config = example(name="Front desk, weekends", agent={"greeting_message": "We are closed today."})

    type: AgentType | None = None
    name: Name | None = None
    agent: AgentSettings | None = None
    description: str | None = None
    phone_number: str | None = None
    """A number of the workspace; it is attached and shown. Empty counts as left out."""
    external_webhook_url: WebAddress | None = None
    inbound_call_webhook_url: WebAddress | None = None
    is_recording: bool | None = None
    max_duration: MaxDuration | None = None
    voicemail_message: VoicemailMessage | None = None
    actions: AgentActions | None = None
    """Replaces the whole list; a text is the id of an action to keep."""

    @model_validator(mode="before")
    @classmethod
    def _lift(cls, value: Any) -> Any:
        return lift(value) if isinstance(value, dict) else value


class AgentCreate(AgentUpdate):
    """A new agent."""

    model_config = example(
        type="inbound",
        name="Front desk",
        agent={
            "prompt": "You answer the telephone of a bakery.",
            "greeting_message": "Bakery Miller, good morning!",
            "language": "en-US",
        },
    )

    type: AgentType
    name: Name
    agent: AgentSettings


def lift(body: dict[str, Any]) -> dict[str, Any]:
    """Move settings of older programs to where they live now; what is named properly wins."""
    settings = body.get("agent")
    if settings is not None and not isinstance(settings, dict):
        return body
    lifted: dict[str, Any] = {}
    for place in (body, settings or {}):
        lifted |= {new: place[old] for old, new in _LIFTED.items() if place.get(old) is not None}
    for name in _LIFTED.values():
        if settings and settings.get(name) is not None:
            lifted[name] = settings[name]
    body = dict(body)
    if lifted:
        body["agent"] = {**(settings or {}), **lifted}
    caller_id = body.get("caller_id_number") or (settings or {}).get("caller_id_number")
    if caller_id and not body.get("phone_number"):
        body["phone_number"] = caller_id
    return body


class AttachNumbers(WireInput):
    """Exactly one of the two."""

    model_config = example(phone_numbers=["+14155550100"])

    phone_numbers: list[str] | None = None
    phone_number_slugs: list[str] | None = None

    @model_validator(mode="after")
    def _one(self) -> "AttachNumbers":
        if (self.phone_numbers is None) == (self.phone_number_slugs is None):
            raise ValueError("send exactly one of phone_numbers and phone_number_slugs")
        return self


class AgentId(Wire):
    """Which agent was written."""

    model_id: str


class Attached(Wire):
    """What an agent now has: the number it shows and its voice."""

    phone: str
    voice: str


class AgentWritten(Wire):
    """The answer to create and update."""

    status: Literal["ok"]
    response: AgentId
    details: Attached


class AgentListItem(Wire):
    """An agent in a list."""

    model_id: str
    type: str
    name: str
    description: str
    phone_number: str
    external_webhook_url: str
    inbound_call_webhook_url: str
    is_recording: bool
    max_duration: dict[str, Any]
    voicemail_message: dict[str, Any]
    end_call_reasons: list[str]
    agent: ShownSettings
    actions: list[str]
    created_at: str


class AttachedNumber(Wire):
    """A number of an agent."""

    number: str
    sid: str | None
    slug: str


class AgentOut(AgentListItem):
    """One agent."""

    attached_phone_numbers: list[AttachedNumber]
    input_variables: list[AgentActionInputs]


class AgentPage(Wire):
    """A page of agents."""

    pagination: Pagination
    assistants: list[AgentListItem]


class SingleAgent(Wire):
    """One agent, in the shape of a page."""

    pagination: Pagination
    assistants: list[AgentOut]
