"""How one agent talks on one call: the settings that the conversation reads, all plain values."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class GreetingMode(StrEnum):
    """Who speaks first and with what words."""

    AGENT_STATIC = "agent_static"
    AGENT_DYNAMIC = "agent_dynamic"
    HUMAN = "human"


class Medium(StrEnum):
    """What a conversation is held in."""

    CALL = "call"
    CHAT = "chat"


class Patience(StrEnum):
    """How long a pause must be before the turn is taken."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True)
class Tool:
    """Something the model may call; `parameters` is a JSON schema object."""

    name: str
    description: str
    parameters: dict[str, Any]


END_CALL = Tool(
    name="end_call",
    description="End the call after saying goodbye. Use it only when the caller has said goodbye or is done.",
    parameters={"type": "object", "properties": {}, "additionalProperties": False},
)


@dataclass(frozen=True)
class Profile:
    """One agent on one call. Times are in seconds."""

    prompt: str
    medium: Medium = Medium.CALL
    greeting: str = ""
    greeting_mode: GreetingMode = GreetingMode.AGENT_STATIC
    human_talk_timeout: float = 10.0
    """With mode `human`: the longest wait before the agent begins."""
    initial_pause: float = 0.0
    language: str = "en-US"
    model: str = ""
    """The language model's name as the agent asks for it; routes map it to what is run."""
    voice_id: str = ""
    voice_speed: float = 1.0
    patience: Patience = Patience.MEDIUM
    min_words_to_interrupt: int = 1
    """0: yield on voice alone."""
    interruptible: bool = True
    interruption_fade_out: int = 0
    """Frames of 20 ms. A SIP line puts one silent frame between a flush and what follows it, so a fade is heard as an
    afterthought there, and makes the agent fall silent 20 ms later for each frame and 20 for the gap."""
    reminder_after_idle: float | None = None
    """None: no reminders."""
    reminder_message: str = "Are you still there?"
    max_reminders: int = 2
    allowed_idle: float = 30.0
    max_duration: float | None = 1800.0
    can_end_call: bool = True
    tools: tuple[Tool, ...] = ()
    closing: str = "Goodbye."
    """Spoken when the agent ends the call and has said nothing in that turn."""
    apology: str = "I am sorry, I did not manage that. Could you say it again?"
    """Spoken once when the model fails; a second failure in a row speaks `farewell_on_fault` and ends the call."""
    farewell_on_fault: str = "I am sorry, I cannot help right now. Please call again later."
    thinking_deadline: float = 8.0
    """Seconds from commit to the first sound after which the apology is spoken."""
    variables: dict[str, str] = field(default_factory=dict)
