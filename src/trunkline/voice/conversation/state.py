"""The states of a conversation."""

from enum import StrEnum


class State(StrEnum):
    """Who has the floor."""

    LISTENING = "listening"
    """Nobody speaks."""
    CALLER = "caller"
    """The caller speaks."""
    DECIDING = "deciding"
    """Has the caller finished?"""
    THINKING = "thinking"
    """The turn is ours, nothing sent yet."""
    SPEAKING = "speaking"
    """Our sound is on the line."""
    PAUSED = "paused"
    """We fell silent, not knowing why they spoke."""
    AWAY = "away"
    """Held, or the caller is left to others."""
    VOICEMAIL = "voicemail"
    """A machine answered; we wait for its beep, or speak."""
    ENDED = "ended"
    """Never left."""
