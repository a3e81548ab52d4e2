"""From an agent's settings to how it talks."""

from datetime import UTC, datetime
from typing import Any

import pytest

from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.profile import profile_of
from trunkline.resources.holes import fill_message, substitute
from trunkline.voice.conversation.phrases import phrases_of
from trunkline.voice.conversation.profile import (
    Background,
    ClosingMode,
    EndCondition,
    GreetingMode,
    Keypad,
    Patience,
    Profile,
    Voicemail,
)


def agent(settings: dict[str, Any] | None = None, **columns: Any) -> Agent:
    return Agent(name="A", type="outbound", settings=settings or {}, **{"max_duration": {}, **columns})


def test_every_setting_that_the_conversation_knows() -> None:
    settings = {
        "prompt": "Ask {name}.",
        "greeting_message": "Hi {{ name }}",
        "greeting_message_mode": "human",
        "greeting_message_human_talk_timeout": 4,
        "initial_pause_seconds": 2,
        "language": "de-DE",
        "llm": "gpt-5.2",
        "voice_id": "v",
        "voice_speed": 1.1,
        "patience_level": "high",
        "min_words_to_interrupt": "0",
        "interruptible": False,
        "interruption_fade_out": 5,
        "send_user_idle_reminders": True,
        "reminder_after_idle_time_seconds": 7,
        "reminder_after_idle_message": "Still there, {name}?",
        "allowed_idle_time_seconds": 12,
        "timezone": "Asia/Tokyo",
        "voice_volume": 1.5,
        "background_noise": {"enabled": True, "type": "cafe", "volume": 60},
        "realistic_filler_words": True,
        "synthesizer_filter_words": ["darn", {"word": "cheap", "replacement": "affordable"}, 3, {}],
        "transcriber_keywords": ["Xarelto"],
        "end_call_reasons_v2": [
            {"reason": "They are rude", "closing_message_mode": "prompt", "closing_message": "Tell <name>"},
            {"reason": "Sold", "closing_message": "Bye {name}"},
            {"reason": "Wrong number", "closing_message_mode": "none", "closing_message": "x"},
            {"reason": "No time"},
        ],
    }
    profile = profile_of(
        agent(settings, max_duration={"duration_seconds": 60, "is_enabled": True}),
        {},
        {"name": "Ann", "n": 3, "list": ["é"]},
        now=datetime(2026, 11, 22, 17, 5, tzinfo=UTC),
    )
    german = phrases_of("de-DE")
    assert profile == Profile(
        prompt="Ask Ann.",
        greeting="Hi Ann",
        greeting_mode=GreetingMode.HUMAN,
        human_talk_timeout=4.0,
        initial_pause=2.0,
        language="de-DE",
        model="gpt-5.2",
        voice_id="v",
        voice_speed=1.1,
        patience=Patience.HIGH,
        min_words_to_interrupt=0,
        interruptible=False,
        interruption_fade_out=5,
        reminder_after_idle=7.0,
        reminder_message="Still there, Ann?",
        hello=german.hello,
        closing=german.closing,
        apology=german.apology,
        farewell_on_fault=german.farewell_on_fault,
        fillers=german.fillers,
        began="Monday, November 23, 2026, at 02:05 (Asia/Tokyo)",
        voice_volume=1.5,
        background=Background("cafe", 60),
        filter_words=(("darn", ""), ("cheap", "affordable")),
        keywords=("Xarelto",),
        end_conditions=(
            EndCondition("They are rude", ClosingMode.PROMPT, "Tell Ann"),
            EndCondition("Sold", ClosingMode.STATIC, "Bye Ann"),
            EndCondition("Wrong number", ClosingMode.NONE, "x"),
            EndCondition("No time"),
        ),
        allowed_idle=12.0,
        max_duration=60.0,
        variables={"name": "Ann", "n": "3", "list": '["é"]'},
    )


def test_an_agent_that_says_nothing_talks_by_the_defaults() -> None:
    profile = profile_of(agent(), {}, {})
    default = Profile(prompt="")
    assert profile.reminder_after_idle is None
    for name in (
        "greeting_mode",
        "patience",
        "min_words_to_interrupt",
        "allowed_idle",
        "max_duration",
        "language",
    ):
        assert getattr(profile, name) == getattr(default, name)


def test_a_call_may_change_prompt_and_greeting() -> None:
    profile = profile_of(
        agent({"prompt": "P", "greeting_message": "G"}), {"prompt": "{x}", "greeting": "Y"}, {"x": "X"}
    )
    assert (profile.prompt, profile.greeting) == ("X", "Y")


def test_a_greeting_that_a_call_brings_is_said_even_where_the_model_writes_them() -> None:
    dynamic = {"greeting_message_mode": "agent_dynamic", "greeting_message": "G"}
    assert profile_of(agent(dynamic), {}, {}).greeting_mode is GreetingMode.AGENT_DYNAMIC
    profile = profile_of(agent(dynamic), {"greeting": "Hi"}, {})
    assert (profile.greeting, profile.greeting_mode) == ("Hi", GreetingMode.AGENT_STATIC)
    human = profile_of(agent({"greeting_message_mode": "human"}), {"greeting": "Hi"}, {})
    assert human.greeting_mode is GreetingMode.HUMAN


@pytest.mark.parametrize(("stored", "volume"), [(-1, 0.0), (0.3, 0.3), (5, 2.0), (None, 1.0)])
def test_the_volume_is_held_between_nothing_and_twice(stored: float | None, volume: float) -> None:
    settings = {} if stored is None else {"voice_volume": stored}
    assert profile_of(agent(settings), {}, {}).voice_volume == volume


@pytest.mark.parametrize(
    ("stored", "background"),
    [
        ({"type": "office"}, Background("office", 30)),
        ({"type": "cafe", "volume": 500}, Background("cafe", 100)),
        ({"type": "cafe", "enabled": False}, None),
        ({"enabled": True}, None),
        ({}, None),
    ],
)
def test_a_background_is_a_place(stored: dict[str, Any], background: Background | None) -> None:
    assert profile_of(agent({"background_noise": stored}), {}, {}).background == background


def test_reasons_of_the_first_version_count_where_there_are_none_of_the_second() -> None:
    both = {"end_call_reasons": ["old"], "end_call_reasons_v2": [{"reason": "new"}]}
    assert profile_of(agent({"end_call_reasons": ["old"]}), {}, {}).end_conditions == (EndCondition("old"),)
    assert profile_of(agent(both), {}, {}).end_conditions == (EndCondition("new"),)


def test_messages_take_all_three_spellings_and_fill_each_once() -> None:
    known = {"a": "<b> {b}", "b": "2"}
    assert fill_message("<a> {b} {{ b }} < b > <c> {c}", known) == "<b> {b} 2 2 2 <c> {c}"
    assert substitute("<a> {b}", known) == "<a> 2"


def test_a_cap_that_is_off_is_none() -> None:
    off = {"duration_seconds": 60, "is_enabled": False}
    assert profile_of(agent(max_duration=off), {}, {}).max_duration is None


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{a} {{a}} {{ a }} { a }", "1 1 1 1"),
        ("{unknown} {{unknown}}", "{unknown} {{unknown}}"),
        ('{"a": {a}}', '{"a": 1}'),
        ("{b}", "{a}"),
        ("{two words}", "2"),
        ("{}{{}}", "{}{{}}"),
    ],
)
def test_holes_are_filled_once(text: str, filled: str) -> None:
    assert substitute(text, {"a": "1", "b": "{a}", "two words": "2"}) == filled


@pytest.mark.parametrize(
    ("stored", "voicemail"),
    [
        ({}, Voicemail()),
        ({"enabled": False, "mode": "exact_message", "exact_message": "Call {name}"}, Voicemail()),
        (
            {"enabled": True, "mode": "exact_message", "exact_message": "Call {name}", "prompt": "x"},
            Voicemail(message="Call Ann"),
        ),
        ({"enabled": True, "mode": "prompt", "exact_message": "x", "prompt": "For {name}"}, Voicemail(prompt="For Ann")),
        ({"enabled": True, "prompt": "For {name}"}, Voicemail(prompt="For Ann")),
    ],
)  # fmt: skip
def test_what_a_voicemail_is_left(stored: dict[str, Any], voicemail: Voicemail) -> None:
    called = agent(voicemail_message=stored)
    assert profile_of(called, {}, {"name": "Ann"}, outbound=True).voicemail == voicemail
    assert profile_of(called, {}, {"name": "Ann"}).voicemail is None


def test_consent_is_asked_for_only_where_it_is_recorded() -> None:
    asks = {"is_consent_enabled": True, "consent_message": "Record, {name}?"}
    assert profile_of(agent(asks, is_recording=True), {}, {"name": "Ann"}).consent_message == "Record, Ann?"
    assert profile_of(agent(asks, is_recording=False), {}, {}).consent_message == ""
    assert profile_of(agent({"consent_message": "x"}, is_recording=True), {}, {}).consent_message == ""
    german = {"is_consent_enabled": True, "language": "de-DE"}
    assert "aufgezeichnet" in profile_of(agent(german, is_recording=True), {}, {}).consent_message


def test_keys() -> None:
    assert profile_of(agent(), {}, {}).keypad == Keypad()
    keys = {"expected_digits": 4, "terminator": "", "timeout_seconds": 3}
    profile = profile_of(agent({"keypad": keys, "can_send_digits": True}), {}, {})
    assert (profile.keypad, profile.can_send_digits) == (Keypad(4, "", 3.0), True)
