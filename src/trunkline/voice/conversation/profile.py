"""How one agent talks on one call: the settings that the conversation reads, all plain values."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from trunkline.voice.conversation.phrases import ENGLISH


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
class ToolManner:
    """How the agent bears itself while a tool runs. Times are in seconds."""

    start: str = ""
    """Said when it starts."""
    delay: str = ""
    """Said when it takes longer than `delay_after`."""
    delay_after: float = 3.0
    failure: str = ""
    """Said when it fails or is given up."""
    natural: bool = False
    """The phrases tell the model what to say; otherwise they are said word for word."""
    sound: str = ""
    """A name of `background.SOUNDS`, heard while it runs; "": silence."""
    timeout: float | None = None
    """After this it is given up; None: whoever runs it watches the time."""


@dataclass(frozen=True)
class Tool:
    """Something the model may call; `parameters` is a JSON schema object."""

    name: str
    description: str
    parameters: dict[str, Any]
    manner: ToolManner = ToolManner()
    record: dict[str, Any] = field(default_factory=dict)
    """What the record of a run says beside its name and arguments."""

    def bound(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments that it declares; whatever else a model was talked into is dropped."""
        declared = self.parameters.get("properties")
        if declared is None or self.parameters.get("additionalProperties"):
            return arguments
        return {name: value for name, value in arguments.items() if name in declared}


END_CALL = Tool(
    name="end_call",
    description="End the call after saying goodbye. Use it only when the caller has said goodbye or is done.",
    parameters={"type": "object", "properties": {}, "additionalProperties": False},
)


class ClosingMode(StrEnum):
    """What is said before the agent hangs up for a reason of its own."""

    STATIC = "static"
    """The closing message, word for word."""
    PROMPT = "prompt"
    """What the model makes of the closing message."""
    NONE = "none"
    """Nothing more."""


@dataclass(frozen=True)
class EndCondition:
    """A reason, in plain words, for which the agent ends the call."""

    reason: str
    closing_mode: ClosingMode | None = None
    """None: the model's own goodbye, or the agent's usual closing where it says none."""
    closing_message: str = ""


@dataclass(frozen=True)
class Background:
    """Sound of a room behind the agent's voice and its silence."""

    place: str
    """A name of `background.PLACES`."""
    volume: int = 30
    """0 to 100; 100 is loud: -26 dB of full scale (RMS)."""


SEND_DIGITS = Tool(
    name="send_digits",
    description=(
        "Press keys of the phone, for a menu or an extension. Use it only when the other side asks for keys."
    ),
    parameters={
        "type": "object",
        "properties": {
            "digits": {
                "type": "string",
                "description": "The keys, such as 1 or 204#",
                "pattern": "^[0-9*#]{1,32}$",
            }
        },
        "required": ["digits"],
        "additionalProperties": False,
    },
)


@dataclass(frozen=True)
class Keypad:
    """When the keys that the caller presses are a whole turn."""

    expected: int | None = None
    """This many keys are it; None: any number."""
    terminator: str = "#"
    """A key that ends it; "" for none."""
    timeout: float = 1.5
    """Seconds after the last key that end it."""


@dataclass(frozen=True)
class Voicemail:
    """What a machine that answers is left: these words, or what the model makes of a prompt; neither: nothing."""

    message: str = ""
    prompt: str = ""
    menus: bool = False
    """A phone menu is a machine too; else the agent may find its way through it."""


@dataclass(frozen=True)
class Profile:
    """One agent on one call. Times are in seconds."""

    prompt: str
    medium: Medium = Medium.CALL
    greeting: str = ""
    greeting_mode: GreetingMode = GreetingMode.AGENT_STATIC
    human_talk_timeout: float = 10.0
    """With mode `human`: the longest wait before the agent begins."""
    greeting_timeout: float = 5.0
    """With mode `agent_dynamic`: the longest wait for the model's first sound before `greeting`, or `hello`, is said."""
    hello: str = ENGLISH.hello
    """Said in place of the model's greeting when it fails and there is no `greeting`."""
    initial_pause: float = 0.0
    language: str = "en-US"
    model: str = ""
    """The language model's name as the agent asks for it; routes map it to what is run."""
    voice_id: str = ""
    voice_speed: float = 1.0
    voice_instructions: str = ""
    """How to speak, in plain words."""
    voice_volume: float = 1.0
    """Factor of the voice's amplitude, 0 to 2."""
    background: Background | None = None
    fillers: tuple[str, ...] = ()
    """Said in turn when the agent thinks for long; () for an agent that uses none."""
    filter_words: tuple[tuple[str, str], ...] = ()
    """Words or phrases that are never spoken, each with what is said in its place ("" for nothing)."""
    keywords: tuple[str, ...] = ()
    """Names and terms that the recogniser shall expect."""
    began: str = ""
    """When the talk began, in words and in the agent's time zone; the model is told. "": it is not."""
    memory: str = ""
    """What is known of the other party, as a paragraph; "" for nothing, and where the prompt holds it already."""
    patience: Patience = Patience.MEDIUM
    min_words_to_interrupt: int = 1
    """0: yield on voice alone."""
    interruptible: bool = True
    interruption_fade_out: int = 0
    """Frames of 20 ms. A SIP line puts one silent frame between a flush and what follows it, so a fade is heard as an
    afterthought there, and makes the agent fall silent 20 ms later for each frame and 20 for the gap."""
    reminder_after_idle: float | None = None
    """None: no reminders."""
    reminder_message: str = ENGLISH.reminder_message
    max_reminders: int = 2
    allowed_idle: float = 30.0
    max_duration: float | None = 1800.0
    can_end_call: bool = True
    end_conditions: tuple[EndCondition, ...] = ()
    can_send_digits: bool = False
    keypad: Keypad = Keypad()
    consent_message: str = ""
    """The question whether the call may be recorded, asked before anything else; "": it is not asked."""
    voicemail: Voicemail | None = None
    """None: nobody looks for a machine (a call that came in)."""
    tools: tuple[Tool, ...] = ()
    closing: str = ENGLISH.closing
    """Spoken when the agent ends the call and has said nothing in that turn."""
    apology: str = ENGLISH.apology
    """Spoken once when the model fails; a second failure in a row speaks `farewell_on_fault` and ends the call."""
    farewell_on_fault: str = ENGLISH.farewell_on_fault
    thinking_deadline: float = 8.0
    """Seconds from commit to the first sound after which the apology is spoken."""
    variables: dict[str, str] = field(default_factory=dict)
