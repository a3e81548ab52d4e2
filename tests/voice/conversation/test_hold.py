"""The other side puts us on hold and comes back."""

from typing import Any

from tests.voice.conversation.world import Utterance, World
from trunkline.voice.conversation.events import ComeBack, Held, Resumed, Say, StepAside
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.conversation.session import Session, State

LONG = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen."


def world(*utterances: Utterance, **changes: Any) -> World:
    base: dict[str, Any] = {"prompt": "You are a receptionist.", "greeting": "Hello there."}
    return World(Session(Profile(**(base | changes)), 8000), list(utterances))


def test_a_hold_counts_as_no_idle_time_and_says_nothing() -> None:
    w = world(reminder_after_idle=3.0, allowed_idle=8.0).run(150)
    w.feed(Held())
    sent = len(w.sent)
    w.run(3000)
    assert w.session.state is State.AWAY and len(w.sent) == sent
    assert not w.said("ended") and w.said("held") == [{}]
    w.feed(Resumed())
    w.run(100)
    assert not w.said("idle_reminder") and w.said("resumed") == [{}]
    w.run(2000)
    assert len(w.said("idle_reminder")) == 2 and w.said("ended")[0]["reason"] == "idle"


def test_music_of_the_hold_is_no_turn() -> None:
    w = world(Utterance(150, 900, "never gonna give you up")).run(120)
    w.feed(Held())
    w.run(800)
    w.feed(Resumed())
    w.run(200)
    assert w.transcript == ["bot: Hello there."]


def test_what_was_being_said_goes_on_after_the_hold() -> None:
    w = world(greeting=LONG).run(80)
    w.feed(Held())
    w.run(500)
    sent = len(w.sent)
    w.feed(Resumed())
    w.run(400)
    assert len(w.sent) > sent and w.transcript == [f"bot: {LONG}"]


def test_a_reply_that_comes_during_the_hold_is_said_after_it() -> None:
    w = world(Utterance(100, 150, "What are your hours?"))
    w.delays.token = 100
    w.run(190)
    assert w.session.state is State.THINKING
    w.feed(Held())
    w.run(500)
    assert len(w.transcript) == 1
    w.feed(Resumed())
    w.run(300)
    assert w.transcript[1:] == ["human: What are your hours?", "bot: You said What are your hours?."]


def test_what_control_says_during_the_hold_waits() -> None:
    w = world().run(100)
    w.feed(Held())
    w.feed(Say("One more thing."))
    w.run(200)
    assert len(w.transcript) == 1
    w.feed(Resumed())
    w.run(200)
    assert w.transcript[1:] == ["bot: One more thing."]


def test_the_longest_duration_holds_on_hold_as_well() -> None:
    w = world(max_duration=5.0).run(100)
    w.feed(Held())
    w.run(500)
    assert w.said("ended")[0]["reason"] == "max_duration"


def test_the_agent_steps_aside_when_it_has_finished_and_no_hold_of_theirs_brings_it_back() -> None:
    w = world(greeting="One moment, I put you through.").run(30)
    w.feed(StepAside())
    w.run(10)
    assert w.session.state.value == "speaking"
    w.run(300)
    assert w.session.state.value == "away" and w.said("stepped_aside") == [{}]
    w.feed(Held())
    w.feed(Resumed())
    assert w.session.state.value == "away"
    sent = len(w.sent)
    w.run(2000)
    assert len(w.sent) == sent and not w.said("idle_reminder")
    w.feed(ComeBack())
    w.feed(Say("They are not there."))
    w.run(200)
    assert w.said("came_back") == [{}]
    assert w.transcript == ["bot: One moment, I put you through.", "bot: They are not there."]


def test_stepping_aside_in_silence_and_in_a_hold_is_at_once() -> None:
    for before in ([], [Held()]):
        w = world().run(200)
        for event in before:
            w.feed(event)
        w.feed(StepAside())
        w.run(2)
        assert w.said("stepped_aside") == [{}] and w.session.state.value == "away"
        w.feed(ComeBack())
        assert w.session.state.value == "listening"


def test_who_speaks_as_the_agent_leaves_is_heard_when_it_is_back() -> None:
    w = world(Utterance(150, 190, "Are you there?")).run(140)
    w.feed(StepAside())
    w.run(100)
    w.feed(ComeBack())
    w.run(200)
    assert w.session.state.value != "away"
