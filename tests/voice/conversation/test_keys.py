"""Keys that the caller presses, and those that the agent presses."""

from typing import Any

import pytest

from tests.voice.conversation.world import Utterance, World
from trunkline.voice.conversation.events import Digit, ReplyTool, SendDigits, StartReply
from trunkline.voice.conversation.profile import Keypad, Profile
from trunkline.voice.conversation.session import Session, State


def world(*utterances: Utterance, **changes: Any) -> World:
    base: dict[str, Any] = {"prompt": "You are a receptionist.", "greeting": "Hello there."}
    return World(Session(Profile(**(base | changes)), 8000), list(utterances))


def press(w: World, keys: str, gap: int = 10) -> None:
    for key in keys:
        w.feed(Digit(key))
        w.run(gap)


@pytest.mark.parametrize(
    ("keypad", "keys", "after_ms"),
    [
        (Keypad(), "12", 1500),
        (Keypad(), "12#", 20),
        (Keypad(timeout=3.0), "12", 3000),
        (Keypad(terminator="*"), "12*", 20),
        (Keypad(terminator=""), "12#", 1500),
        (Keypad(expected=4), "1234", 20),
        (Keypad(expected=4), "123", 1500),
    ],
)
def test_when_keys_are_a_turn(keypad: Keypad, keys: str, after_ms: int) -> None:
    w = world(keypad=keypad).run(100)
    press(w, keys[:-1])
    w.feed(Digit(keys[-1]))
    pressed = w.session.now_ms
    while w.session.state is not State.THINKING:
        w.step()
    assert after_ms - 20 <= w.session.now_ms - pressed <= after_ms
    w.run(300)
    assert f"human: [pressed {' '.join(keys)}]" in w.transcript


def test_a_key_makes_the_agent_fall_silent() -> None:
    w = world(greeting="For sales press one, for support press two, for anything else stay on the line.")
    w.run(60)
    press(w, "2#")
    w.run(300)
    assert w.transcript[1] == "human: [pressed 2 #]" and not w.transcript[0].endswith("line.")


def keyed(digits: Any, *before: str) -> Any:
    def answer(request: StartReply) -> list[Any]:
        return [*before, lambda reply: ReplyTool(reply, "c1", "send_digits", {"digits": digits})]

    return answer


def test_the_agent_presses_keys_and_waits_for_the_menu() -> None:
    w = world(Utterance(100, 150, "For sales, press 1."), can_send_digits=True)
    w.answer = keyed("1w2#")
    w.run(500)
    assert [request for request in w.requests if isinstance(request, SendDigits)] == [SendDigits("12#")]
    assert w.said("digits_sent") == [{"digits": "12#"}]
    assert w.session.state is State.LISTENING
    (reply,) = [request for request in w.requests if isinstance(request, StartReply)]
    assert [tool.name for tool in reply.tools] == ["end_call", "send_digits"]
    assert w.session.dialogue.history[-1]["content"] == "pressed 12#"


def test_keys_come_after_the_words() -> None:
    w = world(Utterance(100, 150, "For sales, press 1."), can_send_digits=True)
    w.answer = keyed("1", "One moment please, I am pressing one.")
    w.run(500)
    kinds = [note.kind for note in w.notes]
    assert kinds.index("digits_sent") > len(kinds) - 1 - kinds[::-1].index("agent_said")


def test_an_agent_that_may_not_presses_none() -> None:
    w = world(Utterance(100, 150, "For sales, press 1."))
    w.answer = keyed("1")
    w.run(500)
    assert not any(isinstance(request, SendDigits) for request in w.requests)
    (reply, *_) = [request for request in w.requests if isinstance(request, StartReply)]
    assert [tool.name for tool in reply.tools] == ["end_call"]
