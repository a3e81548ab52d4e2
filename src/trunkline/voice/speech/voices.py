"""The voices that can be named: whose they are, and what is known of them. Light: no model is loaded for it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class NamedVoice:
    """A voice by the id that `Voice.id` takes. `gender` and `languages` are None where its maker does not say."""

    id: str
    name: str
    gender: Literal["male", "female", "neutral"] | None = None
    languages: tuple[str, ...] | None = None
    """By name and by code, as programs look for either."""


LOCAL = (NamedVoice("heart", "Heart", "female", ("english", "en")),)
"""What `hibari.LocalVoice` speaks with, whichever voice is asked of it: the one that comes with the package."""

OPENAI = tuple(
    NamedVoice(id_, id_.capitalize())
    for id_ in ("alloy", "ash", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer")
)
"""What `openai_tts.OpenAITextToSpeech` may ask for: the voices of the model tts-1. Other services with the same
interface take these names as well, and may have more."""

_NAMES = {voice.id: voice.name for voice in (*LOCAL, *OPENAI)}


def voices_of(*, endpoint: bool) -> tuple[NamedVoice, ...]:
    """The voices of an installation that speaks through an endpoint, or by itself."""
    return OPENAI if endpoint else LOCAL


def name_of(voice_id: str) -> str | None:
    """What a voice is called; None for an id that is not ours."""
    return _NAMES.get(voice_id)
