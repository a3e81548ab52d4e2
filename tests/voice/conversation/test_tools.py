"""Tools while they run: what is said and heard meanwhile, what is given up, what the model is told. On the tick clock."""

import json
from typing import Any

import numpy as np
import pytest

from tests.voice.conversation.test_session import world
from tests.voice.conversation.world import FRAME, Delays, Utterance, World
from trunkline.voice.conversation.background import SOUNDS
from trunkline.voice.conversation.events import CancelTool, ReplyTool, RunTool, StartReply, ToolResult
from trunkline.voice.conversation.profile import Tool, ToolManner
from trunkline.voice.conversation.session import State

ASK = Utterance(100, 150, "Book it.")
LONG_AGO = 10_000
PARAMETERS = {"type": "object", "properties": {"day": {"type": "string"}}, "additionalProperties": False}


def booking(*utterances: Utterance, tool_ticks: int = 20, **manner: Any) -> World:
    """A call in which the model calls one tool and then says what it gave."""
    tool = Tool("book", "Book it", PARAMETERS, ToolManner(**manner))
    w = world(ASK, *utterances, tools=(tool,))
    w.delays = Delays(tool=tool_ticks)
    w.answer = _books
    return w


def _books(request: StartReply) -> list[Any]:
    last = request.messages[-1]
    if last["role"] == "system":
        return ["Still at it."]
    if last["role"] == "tool":
        return ["It failed." if "error" in last["content"] else "It is booked."]
    if "Book" in last["content"]:
        return [lambda reply: ReplyTool(reply, "c1", "book", {"day": "Monday", "admin": True})]
    return ["Yes."]


def said(w: World) -> list[str]:
    """What the agent said since the caller asked."""
    return [line.removeprefix("bot: ") for line in w.transcript if line.startswith("bot: ")][1:]


def asked(w: World) -> list[StartReply]:
    return [each for each in w.requests if isinstance(each, StartReply) and not each.speculative]


def test_arguments_that_a_tool_does_not_declare_are_dropped_before_anything_happens() -> None:
    w = booking().run(700)
    (ran,) = [each for each in w.requests if isinstance(each, RunTool)]
    assert ran.arguments == {"day": "Monday"}
    assert w.said("tool_started")[0]["arguments"] == {"day": "Monday"}


def test_what_is_dropped_does_not_make_a_call_another_one() -> None:
    w = booking()
    w.answer = lambda request: [
        lambda reply: ReplyTool(reply, "c1", "book", {"day": "Monday", "n": 1}),
        lambda reply: ReplyTool(reply, "c2", "book", {"day": "Monday", "n": 2}),
    ]
    w.run(300)
    assert len(w.said("tool_started")) == 1


@pytest.mark.parametrize("again", [True, False], ids=["the same again", "another each time"])
def test_a_model_that_calls_for_ever_says_something_in_the_end(again: bool) -> None:
    w = booking()
    calls = 0

    def answer(request: StartReply) -> list[Any]:
        nonlocal calls
        if not request.tools:
            return ["Here it is."]
        calls += 1
        call, day = f"c{calls}", "Monday" if again else f"day {calls}"
        return [lambda reply: ReplyTool(reply, call, "book", {"day": day})]

    w.answer = answer
    w.run(1200)
    assert said(w) == ["Here it is."]
    assert len(w.said("tool_started")) == (1 if again else 4)


def test_a_phrase_at_the_start_is_heard_while_the_tool_runs() -> None:
    w = booking(start="One moment please.", tool_ticks=200).run(900)
    assert said(w) == ["One moment please.", "It is booked."]
    ran, ended = (w.said(kind)[0] for kind in ("tool_started", "tool_finished"))
    assert ran["call"] == ended["call"]
    spoken = w.said("agent_said")[1]
    finished = next(note.at_ms for note in w.notes if note.kind == "tool_finished")
    assert spoken["start_ms"] < finished


def test_no_phrase_before_the_turn_is_ours() -> None:
    w = booking(start="One moment please.")
    w.run(700)
    commit = w.said("turn")[0]["commit_ms"]
    assert w.said("agent_said")[1]["start_ms"] >= commit
    assert w.said("turn")[0]["filler"]


def test_no_tool_runs_before_the_turn_is_ours() -> None:
    """A reply that was begun on suspicion calls it early; it runs when the turn is known to be over."""
    w = booking()
    w.delays = Delays(token=2)
    while not any(isinstance(event, ReplyTool) for event in w.fed):
        w.step()
    called_ms = w.now * 20
    w.run(700)
    commit = w.said("turn")[0]["commit_ms"]
    (begun,) = [note.at_ms for note in w.notes if note.kind == "tool_started"]
    assert called_ms < commit <= begun


def test_a_delay_is_told_once_and_only_when_it_is_one() -> None:
    slow = booking(delay="Still looking.", delay_after=2.0, tool_ticks=400).run(1200)
    assert said(slow) == ["Still looking.", "It is booked."]
    late, began = slow.said("agent_said")[1]["start_ms"], slow.notes_of("tool_started")[0].at_ms
    assert 2000 <= late - began <= 2300
    quick = booking(delay="Still looking.", delay_after=2.0, tool_ticks=50).run(900)
    assert said(quick) == ["It is booked."]


def test_a_tool_is_given_up_on_the_tick_clock() -> None:
    w = booking(timeout=3.0, failure="That did not work.", tool_ticks=LONG_AGO).run(900)
    (given_up,) = [each for each in w.requests if isinstance(each, CancelTool)]
    assert given_up.call == "c1"
    began, ended = w.notes_of("tool_started")[0], w.notes_of("tool_finished")[0]
    assert ended.at_ms - began.at_ms == 3000
    assert (ended.data["ok"], ended.data["error"]) == (False, "no answer within 3 s")
    assert json.loads(ended.data["result"])["error"] == "timeout"
    told = asked(w)[-1].messages[-1]
    assert told["role"] == "tool"
    assert told["content"].startswith('{"error": "timeout"')
    assert "You have just told the caller: That did not work." in told["content"]
    assert said(w) == ["That did not work. It failed."] or said(w) == ["That did not work.", "It failed."]
    assert w.session.state is State.LISTENING, "the call goes on"


def test_what_the_caller_wrote_meanwhile_is_on_the_record() -> None:
    w = booking(tool_ticks=LONG_AGO).run(300)
    w.feed(ToolResult("c1", '{"reply": "Yes"}', wrote="Yes"))
    w.run(300)
    assert w.said("caller_wrote") == [{"text": "Yes"}]
    assert said(w) == ["It is booked."]


def test_an_outcome_that_comes_after_all_is_not_taken() -> None:
    w = booking(timeout=1.0, tool_ticks=LONG_AGO).run(700)
    before = list(w.notes)
    w.feed(ToolResult("c1", "late"))
    assert w.notes == before


def test_the_model_has_its_whole_time_after_a_long_tool() -> None:
    w = booking(tool_ticks=1000)
    w.delays.token = 100
    w.run(2000)
    assert said(w) == ["It is booked."]
    assert not w.said("fault")


def test_a_failure_is_told_in_our_words_and_the_model_knows_it() -> None:
    w = booking(failure="That did not work.", tool_ticks=LONG_AGO)
    w.run(300)
    w.feed(ToolResult("c1", '{"error": "refused"}', ok=False, error="The address answered 500."))
    w.run(400)
    assert said(w)[0].startswith("That did not work.")
    assert w.said("tool_finished")[0]["error"] == "The address answered 500."


def test_a_model_that_words_it_itself_is_told_and_nothing_is_said_for_it() -> None:
    w = booking(
        natural=True,
        start="Start words.",
        delay="Delay words.",
        delay_after=1.0,
        failure="Failure words.",
        timeout=5.0,
        tool_ticks=LONG_AGO,
    ).run(1200)
    assert said(w) == ["Still at it.", "It failed."]
    aside = next(each for each in asked(w) if each.messages[-1]["role"] == "system")
    assert "Delay words." in aside.messages[-1]["content"]
    assert aside.tools == ()
    assert "Failure words." in asked(w)[-1].messages[-1]["content"]


def test_an_outcome_that_comes_while_the_model_words_the_delay_is_gone_on_with() -> None:
    w = booking(natural=True, delay="Delay words.", delay_after=1.0, tool_ticks=55).run(900)
    assert said(w)[-1].endswith("It is booked.")


def test_a_word_in_between_that_fails_is_no_fault_of_the_talk() -> None:
    w = booking(natural=True, delay="Delay words.", delay_after=1.0, tool_ticks=300)
    w.answer = lambda request: [] if request.messages[-1]["role"] == "system" else _books(request)
    w.run(1200)
    assert said(w) == ["It is booked."]


def test_the_caller_is_not_talked_over() -> None:
    w = booking(Utterance(300, 420, "And one more thing that I have to say now"), tool_ticks=LONG_AGO)
    w.session._agent._tools.offered["book"] = Tool(
        "book", "", PARAMETERS, ToolManner(delay="Still looking.", delay_after=3.0)
    )
    w.run(430)
    assert said(w) == []


# ---- sound ----


def levels(sound: bytes) -> "np.ndarray[Any, Any]":
    frames = np.frombuffer(sound[: len(sound) // FRAME * FRAME], "<i2").reshape(-1, FRAME // 2).astype(float)
    found: np.ndarray[Any, Any] = np.sqrt((frames**2).mean(axis=1))
    return found


@pytest.mark.parametrize("sound", ["typing", "ambient-background", "modern-jazz"])
def test_work_is_heard_while_the_tool_runs_and_no_longer(sound: str) -> None:
    with_it, without = (booking(sound=each, tool_ticks=150).run(700) for each in (sound, ""))
    assert said(with_it) == said(without) == ["It is booked."]
    ran, ended = (with_it.notes_of(kind)[0].at_ms // 20 for kind in ("tool_started", "tool_finished"))
    heard = levels(bytes(with_it.heard))
    assert (heard[ran + 5 : ended] > 10).sum() > 20
    assert not heard[150 : ran - 2].any()
    assert not heard[-40:].any()
    assert not levels(bytes(without.heard))[ran + 5 : ended].any()


def test_work_is_silent_while_the_caller_speaks() -> None:
    w = booking(Utterance(260, 330, "Are you there?"), sound="ambient-background", tool_ticks=400).run(700)
    speaking = [at for at, state in enumerate(w.states) if state is State.CALLER and at > 250]
    assert speaking
    heard = levels(bytes(w.heard))
    assert not heard[speaking[0] + 6 : speaking[-1]].any()
    assert heard[speaking[0] - 20 : speaking[0] - 8].all()


@pytest.mark.parametrize("sound", sorted(SOUNDS))
def test_every_sound_is_sound(sound: str) -> None:
    made = SOUNDS[sound](8000)
    assert np.isfinite(made).all() and np.abs(made).max() > 0


# ---- variables ----


def test_what_a_tool_gave_fills_holes_that_the_prompt_still_has() -> None:
    w = booking(tool_ticks=LONG_AGO)
    w.session.dialogue.profile = w.session.profile
    object.__setattr__(w.session.profile, "prompt", "Say {results.slot} and {{ later }}.")
    w.run(300)
    w.feed(ToolResult("c1", "{}", variables={"results.slot": "nine", "other": "x"}))
    w.run(300)
    notes = [each["content"] for each in w.session.dialogue.history if each["role"] == "system"]
    assert notes == ["In your instructions, {results.slot} now stands for: nine"]
