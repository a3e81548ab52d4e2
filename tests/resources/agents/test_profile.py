"""From an agent's settings to how it talks."""

from typing import Any

import pytest

from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.profile import profile_of
from trunkline.resources.holes import substitute
from trunkline.voice.conversation.profile import GreetingMode, Patience, Profile


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
    }
    profile = profile_of(
        agent(settings, max_duration={"duration_seconds": 60, "is_enabled": True}),
        {},
        {"name": "Ann", "n": 3, "list": ["é"]},
    )
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
