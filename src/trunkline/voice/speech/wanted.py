"""What an agent asks of speech. Light: no model and no vendor's SDK is loaded for it."""

from dataclasses import dataclass, field

ELEVENLABS_MODEL = "eleven_flash_v2_5"


@dataclass(frozen=True)
class Style:
    """How a voice of ElevenLabs speaks; None leaves it to the voice."""

    model: str = ELEVENLABS_MODEL
    stability: float | None = None
    similarity: float | None = None
    style: float | None = None
    speaker_boost: bool | None = None
    latency: int | None = None
    """0 to 4: quality given for speed."""
    tags: str = ""
    """Audio tags such as `[calm]` before each sentence; `eleven_v3` alone reads them."""

    def settings(self, speed: float) -> dict[str, float | bool]:
        """As the vendor names them."""
        named = {
            "stability": self.stability,
            "similarity_boost": self.similarity,
            "style": self.style,
            "use_speaker_boost": self.speaker_boost,
            "speed": None if speed == 1.0 else speed,
        }
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True)
class Keys:
    """Of the vendors; empty where there is none."""

    deepgram: str = field(default="", repr=False)
    elevenlabs: str = field(default="", repr=False)

    def or_else(self, others: "Keys") -> "Keys":
        """These, and the others' where these are empty."""
        return Keys(self.deepgram or others.deepgram, self.elevenlabs or others.elevenlabs)


@dataclass(frozen=True)
class Wanted:
    """What an agent asks of speech."""

    language: str = "en-US"
    transcriber: str = ""
    """The setting transcriber_provider; empty: the installation chooses."""
    voice_id: str = ""
    style: Style = field(default_factory=Style)
    fallback_voice_id: str = ""
    fallback_provider: str = ""
    fallback_model: str = ""
    suppression: float = 0.0
    """The most that noise is turned down by for the recogniser, in dB; 0: it hears the line as it is."""
    keys: Keys = field(default_factory=Keys)
    """The workspace's own, which go before those of the installation."""
