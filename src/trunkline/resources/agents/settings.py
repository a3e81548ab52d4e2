"""The `agent` object: how an agent talks. Every member may be left out; what is sent is stored as sent."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema

from trunkline.platform.http.wire import Json, Wire, WireInput
from trunkline.resources.agents import vocabulary
from trunkline.resources.weekly_hours import WeeklyHours


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Language = Annotated[
    str,
    AfterValidator(vocabulary.language),
    Field(json_schema_extra={"enum": [*vocabulary.LANGUAGES, "en"]}),
]
Timezone = Annotated[str, AfterValidator(vocabulary.timezone), Field(examples=["Europe/Berlin"])]
Model = Annotated[
    str,
    WithJsonSchema({"anyOf": [{"type": "string", "enum": vocabulary.LANGUAGE_MODELS}, {"type": "string"}]}),
]
"""A language model of the list, in any case of letters, or one that the operator has given a route to."""
GreetingMode = Literal["human", "agent_static", "agent_dynamic"]
Unit = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[int, Field(ge=0, le=86_400)]


class BackgroundNoise(WireInput):
    """Sound behind the agent's voice."""

    enabled: bool | None = None
    type: Literal["cafe", "office"] | None = None
    volume: int | None = None


class EndCallCondition(WireInput):
    """A reason, in plain words, for which the agent ends the call."""

    reason: str
    closing_message_mode: Literal["static", "prompt", "none"] | None = None
    closing_message: str | None = None


class Keypad(WireInput):
    """When the keys that a caller presses are a whole turn (ours)."""

    expected_digits: Annotated[int, Field(ge=1, le=64)] | None = None
    """As many keys as make it up; without it any number."""
    terminator: Literal["#", "*", ""] | None = None
    """The key that ends it, by default #; an empty text for none."""
    timeout_seconds: Annotated[float, Field(ge=0.5, le=30)] | None = None
    """Wait for the next key, by default 1.5 s."""


class AgentSettings(WireInput):
    """How an agent talks."""

    prompt: str | None = None
    greeting_message: str | None = None
    greeting_message_mode: GreetingMode | None = None
    greeting_message_human_talk_timeout: Seconds | None = None
    """Seconds to wait for the other side, with mode `human`."""
    llm: Model | None = None
    language: Language | None = None
    timezone: Timezone | None = None

    voice_id: str | None = None
    voice_prompt: str | None = None
    voice_synthesizer: (
        Literal[
            "eleven_multilingual_v2",
            "eleven_turbo_v2",
            "eleven_turbo_v2_5",
            "eleven_flash_v2",
            "eleven_flash_v2_5",
            "eleven_v3",
        ]
        | None
    ) = None
    global_audio_tags: str | None = None
    """Only with eleven_v3."""
    voice_stability: Unit | None = None
    voice_similarity_boost: Unit | None = None
    voice_style: Unit | None = None
    voice_use_speaker_boost: bool | None = None
    voice_optimise_streaming_latency: Annotated[int, Field(ge=0, le=4)] | None = None
    voice_speed: Annotated[float, Field(ge=0.7, le=1.2)] | None = None
    voice_volume: float | None = None
    fallback_voice_id: str | None = None
    fallback_provider: Literal["elevenlabs", "deepgram", "synthflow"] | None = None
    fallback_model: str | None = None
    synthesizer_filter_words: list[Json] | None = None
    background_noise: BackgroundNoise | None = None
    realistic_filler_words: bool | None = None

    transcriber_provider: Literal["deepgram", "deepgram-nova-3", "synthflow-stt"] | None = None
    transcriber_speech_recognition: Literal["faster", "high_accuracy"] | None = None
    transcriber_keywords: list[str] | None = None
    noise_cancellation: Literal["standard", "advanced"] | None = None
    suppression_level: Annotated[float, Field(ge=0)] | None = None
    is_transcript_disabled: bool | None = None
    redact_pii: bool | None = None

    patience_level: Literal["low", "medium", "high"] | None = None
    min_words_to_interrupt: (
        Annotated[Literal["0", "1", "2", "3", "4", "5"], BeforeValidator(_as_text)] | None
    ) = None
    interruptible: bool | None = None
    """Ours: false makes the agent finish what it says."""
    interruption_fade_out: Annotated[int, Field(ge=0, le=100)] | None = None
    """Frames of 20 ms."""
    initial_pause_seconds: Seconds | None = None
    ring_pause_seconds: Seconds | None = None
    allowed_idle_time_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None
    send_user_idle_reminders: bool | None = None
    reminder_after_idle_time_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None
    reminder_after_idle_message: str | None = None
    keypad: Keypad | None = None
    """Ours: when the keys that a caller presses are a whole turn."""
    can_send_digits: bool | None = None
    """Ours: lets the agent press keys itself, in a phone menu."""
    default_agent_id: str | None = None
    """Ours: who takes a call when `inbound_call_webhook_url` gives no answer; without one it is hung up."""
    retention_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """Ours: words, recordings and the other parties' numbers are deleted so many days after a call or chat began."""
    business_hours: WeeklyHours | None = None
    """Ours: outside these hours, in the agent's time zone, calls are neither taken nor placed."""

    is_consent_enabled: bool | None = None
    consent_message: str | None = None
    end_call_reasons: list[str] | None = None
    """Deprecated; `end_call_reasons_v2` wins."""
    end_call_reasons_v2: list[EndCallCondition] | None = None

    def sent(self) -> dict[str, Any]:
        """The members that were given, as JSON."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class MaxDuration(WireInput):
    """A hard cap on a call's length."""

    duration_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None
    is_enabled: bool | None = None


class VoicemailMessage(WireInput):
    """What to do at a voicemail."""

    enabled: bool | None = None
    mode: Literal["exact_message", "prompt"] | None = None
    exact_message: str | None = None
    prompt: str | None = None


class ShownSettings(Wire):
    """The `agent` object as it is read: what was set, over the defaults; other members as stored."""

    model_config = ConfigDict(extra="allow")

    prompt: str = ""
    greeting_message: str = ""
    greeting_message_mode: GreetingMode = "agent_static"
    language: str = vocabulary.DEFAULT_LANGUAGE
    timezone: str = vocabulary.DEFAULT_TIMEZONE
    voice_id: str = ""
    voice_name: str = ""
    send_user_idle_reminders: bool = False
