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

_AURA = {
    "en": "amalthea andromeda apollo arcas aries asteria athena atlas aurora callista cora cordelia delia draco "
    "electra harmonia helena hera hermes hyperion iris janus juno jupiter luna mars minerva neptune odysseus ophelia "
    "orion orpheus pandora phoebe pluto saturn selene thalia theia vesta zeus",
    "es": "agustina alvaro antonia aquila carina celeste diana estrella gloria javier luciano nestor olivia selena "
    "silvia sirio valerio",
    "de": "aurelia elara fabian julius kara lara viktoria",
    "nl": "beatrix cornelia daphne hestia lars leda rhea roman sander",
    "fr": "agathe hector",
    "it": "cesare cinzia demetra dionisio elio flavio livia maia melia",
    "ja": "ama ebisu fujin izanami uzume",
}
_LANGUAGES = {
    "en": "english", "es": "spanish", "de": "german", "nl": "dutch", "fr": "french", "it": "italian",
    "ja": "japanese",
}  # fmt: skip
DEEPGRAM = tuple(
    NamedVoice(f"aura-2-{name}-{code}", name.capitalize(), languages=(_LANGUAGES[code], code))
    for code, names in _AURA.items()
    for name in names.split()
)
"""The voices of Deepgram's Aura 2."""

ELEVENLABS = (
    NamedVoice("21m00Tcm4TlvDq8ikWAM", "Rachel", "female"),
    NamedVoice("pNInz6obpgDQGcFmaJgB", "Adam", "male"),
    NamedVoice("EXAVITQu4vr4xnSDxMaL", "Sarah", "female"),
    NamedVoice("ErXwobaYiN019PkySvjV", "Antoni", "male"),
)
"""Voices that every account of ElevenLabs has; an agent may have any other of its account by its id."""

_NAMES = {voice.id: voice.name for voice in (*LOCAL, *OPENAI, *DEEPGRAM, *ELEVENLABS)}


def voices_of(*, endpoint: bool, deepgram: bool = False, elevenlabs: bool = False) -> tuple[NamedVoice, ...]:
    """The voices of an installation: of its endpoint or its own, and of the vendors that it has keys of."""
    own = OPENAI if endpoint else LOCAL
    return (*own, *(DEEPGRAM if deepgram else ()), *(ELEVENLABS if elevenlabs else ()))


def name_of(voice_id: str) -> str | None:
    """What a voice is called; None for an id that is not ours."""
    return _NAMES.get(voice_id)
