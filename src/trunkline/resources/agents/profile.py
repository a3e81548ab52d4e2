"""From an agent's row to the profile that a conversation reads."""

from collections.abc import Mapping
from typing import Any

from trunkline.resources.agents import vocabulary
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.wire import MAX_DURATION
from trunkline.resources.holes import as_texts, substitute
from trunkline.voice.conversation.profile import GreetingMode, Patience, Profile

REMINDER_SECONDS = 10.0
"""For an agent that wants reminders and does not say when."""


def profile_of(agent: Agent, overrides: Mapping[str, Any], variables: Mapping[str, Any]) -> Profile:
    """How `agent` talks on one call.

    `overrides` are what the call changes (`prompt`, `greeting`); `variables` those of the call and of the system,
    the latter last.
    """
    settings = agent.settings
    filled = as_texts(variables)
    default = Profile(prompt="")
    reminds = bool(settings.get("send_user_idle_reminders"))
    return Profile(
        prompt=substitute(overrides.get("prompt") or settings.get("prompt", ""), filled),
        greeting=substitute(overrides.get("greeting") or settings.get("greeting_message", ""), filled),
        greeting_mode=GreetingMode(settings.get("greeting_message_mode", default.greeting_mode)),
        human_talk_timeout=float(
            settings.get("greeting_message_human_talk_timeout", default.human_talk_timeout)
        ),
        initial_pause=float(settings.get("initial_pause_seconds", default.initial_pause)),
        language=settings.get("language", vocabulary.DEFAULT_LANGUAGE),
        model=settings.get("llm", ""),
        voice_id=settings.get("voice_id", ""),
        voice_speed=settings.get("voice_speed", default.voice_speed),
        patience=Patience(settings.get("patience_level", default.patience)),
        min_words_to_interrupt=int(settings.get("min_words_to_interrupt", default.min_words_to_interrupt)),
        interruptible=settings.get("interruptible", default.interruptible),
        interruption_fade_out=settings.get("interruption_fade_out", default.interruption_fade_out),
        reminder_after_idle=(
            float(settings.get("reminder_after_idle_time_seconds", REMINDER_SECONDS)) if reminds else None
        ),
        reminder_message=substitute(
            settings.get("reminder_after_idle_message") or default.reminder_message, filled
        ),
        allowed_idle=float(settings.get("allowed_idle_time_seconds", default.allowed_idle)),
        max_duration=_max_duration(agent.max_duration),
        variables=filled,
    )


def _max_duration(stored: Mapping[str, Any]) -> float | None:
    cap = {**MAX_DURATION, **stored}
    return float(cap["duration_seconds"]) if cap["is_enabled"] else None
