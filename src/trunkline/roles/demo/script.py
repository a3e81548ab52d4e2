"""Who takes part in the demo call and what the caller says.

The prompt is short on purpose: the local model reads about fifty tokens a second before its first answer.
"""

from dataclasses import dataclass
from typing import Any

NUMBER = "+12025550142"
"""202-555-01xx is reserved for fiction."""
CALLER = "+12025550187"

AGENT: dict[str, Any] = {
    "type": "inbound",
    "name": "Demo receptionist",
    "description": "Made by `trunkline demo`; change it as you like, the next demo sets it back.",
    "agent": {
        "greeting_message_mode": "agent_static",
        "greeting_message": "Willow Street Clinic, how can I help you?",
        "language": "en-US",
        "ring_pause_seconds": 3,  # meanwhile the local model reads the prompt
        "prompt": (
            "You are the receptionist of Willow Street Clinic. Use only these facts.\n"
            "Open Monday to Friday, nine to five; on Tuesday until seven in the evening.\n"
            "Parking is free, behind the building.\n"
            "For a first visit bring an identity card, the insurance card, a list of your medicines and earlier "
            "test results, and come fifteen minutes early to fill in the forms."
        ),
    },
}


@dataclass(frozen=True)
class Turn:
    """One thing that the caller says."""

    say: str
    key_word: str
    """Must be in what the agent's ear made of it (compared by letters and digits only)."""
    interrupts: bool = False
    """Said while the agent is still speaking."""


SCRIPT = (
    Turn("Hello. What are your opening hours?", "hours"),
    Turn("How late are you open on Tuesday?", "tuesday"),
    Turn("What do I need to bring to my first visit?", "visit"),
    Turn("Wait, please. Is there parking at the clinic?", "parking", interrupts=True),
    Turn("Thank you very much. Goodbye.", "bye"),
)


def heard(key_word: str, text: str) -> bool:
    """Whether the key word is in a text, whatever its case, spaces and punctuation."""
    return _letters(key_word) in _letters(text)


def _letters(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())
