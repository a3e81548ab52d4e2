"""Chats on the wire."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from trunkline.platform.http.wire import Wire, WireInput, example
from trunkline.resources.calls import phone
from trunkline.resources.calls.schemas import Variables

Status = Literal["ongoing", "completed", "cancelled"]
Number = Annotated[str, AfterValidator(phone.e164)]


def _written(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty; send the user's words")
    return text


class ChatCreate(WireInput):
    """A chat to begin."""

    model_config = example(
        model_id="0b7d3a4e-6a0e-4c5f-9a58-2c1f8f7f6f10", custom_variables={"order": "4711"}
    )

    model_id: str
    metadata: dict[str, Any] | None = None
    """Fills the agent's prompt like custom variables."""
    custom_variables: Variables | None = None


class MessageCreate(WireInput):
    """What the user writes."""

    model_config = example(message="When do you open?")

    message: Annotated[str, AfterValidator(_written)]


class Template(WireInput):
    """An approved message that may open a WhatsApp conversation."""

    content_sid: Annotated[str, Field(pattern=r"^HX[0-9a-fA-F]{32}$")]
    variables: dict[str, Any] | None = None


class OutboundChatCreate(WireInput):
    """A conversation by SMS or WhatsApp that the agent begins."""

    model_config = example(
        agent_id="0b7d3a4e-6a0e-4c5f-9a58-2c1f8f7f6f10",
        channel="sms",
        to_number="+14155552671",
        from_number="+14155550100",
        initial_message="Your order is ready.",
    )

    agent_id: str
    channel: Literal["sms", "whatsapp"]
    to_number: Number
    from_number: Number
    initial_message: str | None = None
    template: Template | None = None
    custom_variables: Variables | None = None


class OutboundChat(Wire):
    """A conversation that was begun."""

    conversation_id: str


class ChatMessageOut(Wire):
    """One message. `agent_id` is `user` for the person; `current_state` is the flow's, "" without a flow."""

    agent_id: str
    current_state: str
    message: str
    timestamp: str
    turn_number: int


class ChatReply(Wire):
    """What the agent wrote."""

    agent_message: str
    current_state: str
    timestamp: str
    turn_number: int


class ChatListItem(Wire):
    """A chat in a list."""

    chat_id: str
    chat_status: Status
    start_timestamp: str


class ChatOut(ChatListItem):
    """One chat."""

    conversation_history: list[ChatMessageOut]
    initial_message: ChatReply | None
    transcript: str
    fsm_log: dict[str, Any] | None


class ChatPage(Wire):
    """A page of chats; `next_cursor` is "" on the last one."""

    chats: list[ChatListItem]
    has_more: bool
    next_cursor: str
