"""From an agent's row to the profile that a conversation reads."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from trunkline.resources.actions.offering import offered
from trunkline.resources.agents import vocabulary
from trunkline.resources.agents.equipment import Equipment
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.wire import MAX_DURATION
from trunkline.resources.holes import as_texts, fill_message, has_hole, substitute
from trunkline.voice.conversation.phrases import phrases_of
from trunkline.voice.conversation.profile import (
    Background,
    ClosingMode,
    EndCondition,
    GreetingMode,
    Keypad,
    Patience,
    Profile,
    Tool,
    ToolManner,
    Voicemail,
)

MEMORY = "memory"
"""The hole of a prompt that takes what is known of the other party; without one it comes after the prompt."""
REMINDER_SECONDS = 10.0
"""For an agent that wants reminders and does not say when."""
MOST_VOLUME = 2.0
"""`voice_volume` is a factor of the amplitude, 0 to this; what is outside counts as the nearer end."""


def in_words(moment: datetime, timezone: str) -> str:
    """A moment as the model is told it; names come from the C locale, which nobody sets: English everywhere."""
    there = moment.astimezone(ZoneInfo(timezone))
    return f"{there:%A, %B} {there.day}, {there:%Y, at %H:%M} ({timezone})"


def profile_of(
    agent: Agent,
    overrides: Mapping[str, Any],
    variables: Mapping[str, Any],
    outbound: bool = False,
    now: datetime | None = None,
    equipment: Equipment | None = None,
) -> Profile:
    """How `agent` talks on one call.

    `overrides` are what the call changes (`prompt`, `greeting`); `variables` those of the call and of the system,
    the latter last. `outbound`: we call, so a machine may answer. `now`: when the talk begins; None: nobody tells.
    `equipment`: what the agent may use; None: nothing.
    """
    settings = agent.settings
    filled = as_texts(variables)
    prompt, memory = _prompt(settings, overrides, filled, equipment)
    stock = phrases_of(settings.get("language", vocabulary.DEFAULT_LANGUAGE))
    return replace(
        _manner(settings),
        prompt=prompt,
        memory=memory,
        greeting=substitute(overrides.get("greeting") or settings.get("greeting_message", ""), filled),
        greeting_mode=_greeting_mode(settings, overrides),
        hello=stock.hello,
        fillers=stock.fillers if settings.get("realistic_filler_words") else (),
        began=in_words(now, settings.get("timezone", vocabulary.DEFAULT_TIMEZONE)) if now else "",
        reminder_message=fill_message(
            settings.get("reminder_after_idle_message") or stock.reminder_message, filled
        ),
        max_duration=_max_duration(agent.max_duration),
        end_conditions=_end_conditions(settings, filled),
        closing=stock.closing,
        apology=stock.apology,
        farewell_on_fault=stock.farewell_on_fault,
        consent_message=_consent(agent, filled, stock.consent_message),
        voicemail=_voicemail(agent.voicemail_message, filled) if outbound else None,
        variables=filled,
        tools=_tools(equipment, filled) if equipment else (),
    )


def _prompt(
    settings: Mapping[str, Any],
    overrides: Mapping[str, Any],
    filled: Mapping[str, str],
    equipment: Equipment | None,
) -> tuple[str, str]:
    """The prompt with its holes filled, and what is known of the other party where no hole of it takes that."""
    prompt = overrides.get("prompt") or settings.get("prompt", "")
    memory = equipment.memory if equipment else ""
    with_memory = {**filled, MEMORY: memory or filled.get(MEMORY, "")}
    return substitute(prompt, with_memory), "" if has_hole(prompt, MEMORY) else memory


def _tools(equipment: Equipment, filled: Mapping[str, str]) -> tuple[Tool, ...]:
    """What the model may call, the phrases of each with their holes filled."""
    tools = (each.tool for each in offered(equipment.actions).values())
    return tuple(replace(each, manner=_worded(each.manner, filled)) for each in tools)


def _worded(manner: ToolManner, filled: Mapping[str, str]) -> ToolManner:
    start, delay, failure = (
        fill_message(each, filled) for each in (manner.start, manner.delay, manner.failure)
    )
    return replace(manner, start=start, delay=delay, failure=failure)


def _manner(settings: Mapping[str, Any]) -> Profile:
    """What the settings alone decide, the same on every call: how it hears, speaks and waits."""
    default = Profile(prompt="")
    reminds = bool(settings.get("send_user_idle_reminders"))
    return Profile(
        prompt="",
        human_talk_timeout=float(
            settings.get("greeting_message_human_talk_timeout", default.human_talk_timeout)
        ),
        initial_pause=float(settings.get("initial_pause_seconds", default.initial_pause)),
        language=settings.get("language", vocabulary.DEFAULT_LANGUAGE),
        model=settings.get("llm", ""),
        voice_id=settings.get("voice_id", ""),
        voice_speed=settings.get("voice_speed", default.voice_speed),
        voice_instructions=settings.get("voice_prompt") or "",
        voice_volume=min(MOST_VOLUME, max(0.0, float(settings.get("voice_volume", default.voice_volume)))),
        background=_background(settings.get("background_noise") or {}),
        filter_words=_filter_words(settings.get("synthesizer_filter_words") or []),
        keywords=tuple(settings.get("transcriber_keywords") or ()),
        patience=Patience(settings.get("patience_level", default.patience)),
        min_words_to_interrupt=int(settings.get("min_words_to_interrupt", default.min_words_to_interrupt)),
        interruptible=settings.get("interruptible", default.interruptible),
        interruption_fade_out=settings.get("interruption_fade_out", default.interruption_fade_out),
        reminder_after_idle=(
            float(settings.get("reminder_after_idle_time_seconds", REMINDER_SECONDS)) if reminds else None
        ),
        allowed_idle=float(settings.get("allowed_idle_time_seconds", default.allowed_idle)),
        can_send_digits=bool(settings.get("can_send_digits")),
        keypad=_keypad(settings.get("keypad") or {}),
    )


def _greeting_mode(settings: Mapping[str, Any], overrides: Mapping[str, Any]) -> GreetingMode:
    """A greeting that a call brings along is meant to be said, so the model does not write another."""
    mode = GreetingMode(settings.get("greeting_message_mode", GreetingMode.AGENT_STATIC))
    own = bool(overrides.get("greeting"))
    return GreetingMode.AGENT_STATIC if own and mode is GreetingMode.AGENT_DYNAMIC else mode


def _background(stored: Mapping[str, Any]) -> Background | None:
    """`enabled` left out counts as yes: whoever names a place means it."""
    if not stored.get("type") or stored.get("enabled") is False:
        return None
    volume = stored.get("volume")
    return Background(stored["type"], Background.volume if volume is None else min(100, max(0, volume)))


def _filter_words(stored: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    """A text is a word that is not spoken; `{"word", "replacement"}` one that is replaced. Others are passed over."""
    pairs = [each if isinstance(each, Mapping) else {"word": each} for each in stored]
    return tuple(
        (each["word"], str(each.get("replacement") or ""))
        for each in pairs
        if isinstance(each.get("word"), str) and each["word"].strip()
    )


def _end_conditions(settings: Mapping[str, Any], filled: Mapping[str, str]) -> tuple[EndCondition, ...]:
    """Those of the second version, else the plain reasons of the first."""
    stored = settings.get("end_call_reasons_v2")
    if stored is None:
        stored = [{"reason": each} for each in settings.get("end_call_reasons") or ()]
    return tuple(_end_condition(each, filled) for each in stored if each["reason"].strip())


def _end_condition(stored: Mapping[str, Any], filled: Mapping[str, str]) -> EndCondition:
    """A message without a mode is said as it stands."""
    message = fill_message(stored.get("closing_message") or "", filled)
    mode = stored.get("closing_message_mode") or (ClosingMode.STATIC if message else None)
    return EndCondition(stored["reason"].strip(), ClosingMode(mode) if mode else None, message)


def _max_duration(stored: Mapping[str, Any]) -> float | None:
    cap = {**MAX_DURATION, **stored}
    return float(cap["duration_seconds"]) if cap["is_enabled"] else None


def _keypad(settings: Mapping[str, Any]) -> Keypad:
    default = Keypad()
    terminator = settings.get("terminator")
    return Keypad(
        expected=settings.get("expected_digits"),
        terminator=default.terminator if terminator is None else terminator,
        timeout=float(settings.get("timeout_seconds") or default.timeout),
    )


def _consent(agent: Agent, filled: Mapping[str, str], stock: str) -> str:
    """The question before a recording; "" where none is asked for, or nothing is recorded."""
    if not agent.is_recording or not agent.settings.get("is_consent_enabled"):
        return ""
    return substitute(agent.settings.get("consent_message") or stock, filled)


def _voicemail(stored: Mapping[str, Any], filled: Mapping[str, str]) -> Voicemail:
    """What a machine is left; without a mode the exact message wins."""
    exact = substitute(stored.get("exact_message") or "", filled)
    prompt = substitute(stored.get("prompt") or "", filled)
    if not stored.get("enabled"):
        return Voicemail()
    if stored.get("mode") == "prompt":
        return Voicemail(prompt=prompt)
    return Voicemail(message=exact, prompt="" if stored.get("mode") else prompt)
