"""Actions as they are written: by themselves, in the body of an agent, and attached to one."""

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, Discriminator, Field, Tag, model_validator

from trunkline.platform.http.wire import WireInput, example
from trunkline.resources.actions.bodies import (
    Booking,
    BookingUpdate,
    CustomEval,
    Extractor,
    ExtractorUpdate,
    IncallSms,
    IncallSmsUpdate,
    IncallWhatsapp,
    IncallWhatsappUpdate,
    LiveTransfer,
    SendSms,
    SendSmsUpdate,
)
from trunkline.resources.actions.custom_body import CustomAction, CustomActionUpdate
from trunkline.resources.agents.vocabulary import DEFAULT_TIMEZONE

ActionType = Literal[
    "REAL_TIME_BOOKING",
    "INFORMATION_EXTRACTOR",
    "LIVE_TRANSFER",
    "SEND_SMS",
    "INCALL_SMS",
    "INCALL_WHATSAPP",
    "CUSTOM_ACTION",
    "CUSTOM_EVAL",
]
TYPES: tuple[ActionType, ...] = get_args(ActionType)
AttachmentType = Literal["before", "during", "after"]
MOST = 200
"""Actions in one body."""
Ids = Annotated[list[str], Field(max_length=MOST)]


def one_type(value: Any, types: tuple[str, ...]) -> Any:
    """The body of a write, if exactly one of its members is a type. Raises ValueError."""
    if not isinstance(value, dict):
        return value
    sent = [key for key, member in value.items() if key.isupper() and member is not None]
    for key in sent:
        if key not in types:
            raise ValueError(f"{key} is no type of action that can be written here; use {', '.join(types)}")
    if len(sent) != 1:
        raise ValueError(f"send exactly one of {', '.join(types)}")
    return value


class ActionWrite(WireInput):
    """What the bodies of writes have in common."""

    name: str | None = None
    """Ours: what it is called, for types whose body has no name."""

    @property
    def kind(self) -> ActionType:
        """The type that was sent."""
        return next(each for each in TYPES if getattr(self, each, None) is not None)

    @property
    def body(self) -> BaseModel:
        """The type's body."""
        body: BaseModel = getattr(self, self.kind)
        return body


class ActionCreate(ActionWrite):
    """A new action: exactly one type."""

    model_config = example(
        CUSTOM_ACTION={
            "name": "look_up",
            "description": "Looks an order up.",
            "http_mode": "GET",
            "url": "https://example.com/orders/<order>",
            "variables_during_the_call": [
                {"name": "order", "description": "The number of the order", "type": "string"}
            ],
        }
    )

    REAL_TIME_BOOKING: Booking | None = None
    INFORMATION_EXTRACTOR: Extractor | None = None
    LIVE_TRANSFER: LiveTransfer | None = None
    SEND_SMS: SendSms | None = None
    INCALL_SMS: IncallSms | None = None
    INCALL_WHATSAPP: IncallWhatsapp | None = None
    CUSTOM_ACTION: CustomAction | None = None
    CUSTOM_EVAL: CustomEval | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_type(cls, value: Any) -> Any:
        return one_type(value, TYPES)


class ActionUpdate(ActionWrite):
    """What may be written of an action, under its own type. What is left out keeps its value."""

    model_config = example(SEND_SMS={"content": "Your order {order} is ready."})

    REAL_TIME_BOOKING: BookingUpdate | None = None
    INFORMATION_EXTRACTOR: ExtractorUpdate | None = None
    LIVE_TRANSFER: LiveTransfer | None = None
    SEND_SMS: SendSmsUpdate | None = None
    INCALL_SMS: IncallSmsUpdate | None = None
    INCALL_WHATSAPP: IncallWhatsappUpdate | None = None
    CUSTOM_ACTION: CustomActionUpdate | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_type(cls, value: Any) -> Any:
        return one_type(value, tuple(each for each in TYPES if each != "CUSTOM_EVAL"))


class LlmConfig(WireInput):
    """How the model is told of an input."""

    description: str | None = None
    example: str | None = None
    required: bool | None = None


class VariableMapping(WireInput):
    """Where the value of an input comes from."""

    variable_name: str
    source: Literal["llm", "hardcoded"]
    hardcoded_value: str | None = None
    llm_config: LlmConfig | None = None


class AttachmentSettings(WireInput):
    """How an action is attached. A condition that is absent stays, an empty one is cleared."""

    attachment_type: AttachmentType = "during"
    trigger_condition: str | None = None
    """In plain words, when to run it; custom actions only."""
    input_variables_mapping: list[VariableMapping] | None = None


class InlineAction(AttachmentSettings, ActionCreate):
    """An action in the body of an agent: `{"type": T, "name": "…", "<T>": {…}}`."""

    type: ActionType

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, value: Any) -> Any:
        """Members of the body that stand beside it, or that have a default."""
        if not isinstance(value, dict) or value.get("type") not in TYPES:
            return value
        body = value.get(value["type"], {})
        if not isinstance(body, dict):
            return value
        match value["type"]:
            case "CUSTOM_ACTION":
                defaults = {"name": value.get("name")}
            case "REAL_TIME_BOOKING":
                defaults = {"timezone": DEFAULT_TIMEZONE}
            case _:
                defaults = {}
        sent = {key: member for key, member in body.items() if member is not None}
        return {**value, value["type"]: {**defaults, **sent}}


def _form(value: Any) -> str:
    return "id" if isinstance(value, str) else "action"


AgentActions = Annotated[
    list[Annotated[Annotated[str, Tag("id")] | Annotated[InlineAction, Tag("action")], Discriminator(_form)]],
    Field(max_length=MOST),
]
"""The actions of an agent, as its body gives them: a text is the id of an action to keep."""


class AttachItem(AttachmentSettings):
    """An action to attach: exactly one of `action_id` and `slug`."""

    action_id: str | None = None
    slug: str | None = None
    """Its name (ours)."""

    @model_validator(mode="after")
    def _one_name(self) -> Self:
        if (self.action_id is None) == (self.slug is None):
            raise ValueError("send exactly one of action_id and slug")
        return self


class ActionAttach(WireInput):
    """Exactly one of `actions` and `items`."""

    model_config = example(
        model_id="0b7d3a4e-6a0e-4c5f-9a58-2c1f8f7f6f10", actions=["5f0c8a52-9a55-4b0e-8d3a-1f6b8a2c7e90"]
    )

    model_id: str
    actions: Ids | None = None
    items: Annotated[list[AttachItem], Field(max_length=MOST)] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.actions is None) == (self.items is None):
            raise ValueError("send exactly one of actions and items")
        return self


class ActionDetach(WireInput):
    """Actions to take from an agent."""

    model_config = example(
        model_id="0b7d3a4e-6a0e-4c5f-9a58-2c1f8f7f6f10", actions=["5f0c8a52-9a55-4b0e-8d3a-1f6b8a2c7e90"]
    )

    model_id: str
    actions: Ids | None = None
