"""The closed lists that an agent's settings are taken from, with what history has added and taken away."""

from functools import cache
from zoneinfo import available_timezones

from trunkline.errors import BadInput

LANGUAGES = (
    "multi", "en-US", "bg", "cs", "de-DE", "el", "fi", "fr-FR", "es-ES", "he", "hu", "it", "fr", "pt-BR", "nl-NL",
    "hi", "zh-CN", "no", "sv-SE", "da", "da-DK", "id", "ja", "ko", "ms", "ro", "ru", "sk", "tr", "uk", "vi", "th",
    "pl",
)  # fmt: skip
DEFAULT_LANGUAGE = "en-US"

# The union of what the API took over time, so that agents written at any time still load.
LANGUAGE_MODELS = (
    "gpt-4o", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-5", "gpt-5-chat", "gpt-5-mini", "gpt-5-nano",
    "gpt-5.1", "gpt-5.2", "gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano", "synthflow",
)  # fmt: skip

DEFAULT_TIMEZONE = "Europe/Berlin"


def language(value: str) -> str:
    """A language of the list. Raises ValueError that names the way out."""
    if value == "en":
        return DEFAULT_LANGUAGE
    if value == "es":
        raise ValueError("'es' was removed; use 'es-ES' for Spanish")
    if value not in LANGUAGES:
        raise ValueError(f"'{value}' is not a language; use one of {', '.join(LANGUAGES)}")
    return value


@cache
def _timezones() -> frozenset[str]:
    # Every name of the contract's closed list is among them, retired ones included.
    return frozenset(available_timezones())


def timezone(value: str) -> str:
    """A name of the time-zone database. Raises ValueError."""
    if value not in _timezones():
        raise ValueError(
            f"'{value}' is not a time zone; use a name such as Europe/Berlin or America/New_York"
        )
    return value


def language_model(value: str, configured: frozenset[str]) -> str:
    """The canonical spelling of a model's name; `configured` are names the operator has given routes to.

    Raises:
        BadInput: nobody knows it.
    """
    names = {name.lower(): name for name in (*LANGUAGE_MODELS, *sorted(configured))}
    try:
        return names[value.lower()]
    except KeyError:
        known = ", ".join(names.values())
        raise BadInput(f"agent.llm: '{value}' is not a known model; use one of {known}") from None
