"""The floor, one rule a test."""

from typing import Any

import pytest

from tests.voice.conversation.world import Delays, Utterance, World
from trunkline.voice.conversation.events import (
    CancelReply,
    ClosedBy,
    Digit,
    Flush,
    HangUp,
    JudgeTurn,
    LineClosed,
    ReplyFailed,
    ReplyTool,
    RunTool,
    StartReply,
    Whisper,
)
from trunkline.voice.conversation.profile import GreetingMode, Profile, Tool
from trunkline.voice.conversation.session import Session, State


def profile(**changes: Any) -> Profile:
    base: dict[str, Any] = {"prompt": "You are a receptionist.", "greeting": "Hello there."}
    return Profile(**(base | changes))


def world(*utterances: Utterance, **changes: Any) -> World:
    return World(Session(profile(**changes), 8000), list(utterances))


def test_greets_listens_and_answers() -> None:
    w = world(Utterance(100, 150, "What are your hours?")).run(600)
    assert w.transcript == [
        "bot: Hello there.",
        "human: What are your hours?",
        "bot: You said What are your hours?.",
    ]
    assert w.session.state is State.LISTENING


def test_the_ledger_adds_up() -> None:
    w = World(Session(profile(), 8000, line_delay_ms=37), [Utterance(100, 150, "What are your hours?")]).run(
        600
    )
    (turn,) = w.said("turn")
    assert turn["heard_gap_ms"] == sum(turn["stages"].values())
    first_sound = next(tick for tick, _ in w.sent if tick > 150)
    assert turn["heard_gap_ms"] == (first_sound - 149) * 20 + 37


def test_waits_for_the_floor_that_patience_asks_for() -> None:
    gaps = {}
    for patience in ("low", "medium", "high"):
        w = world(Utterance(100, 150, "What are your hours?"), patience=patience)
        w.run(600)
        gaps[patience] = w.said("turn")[0]["commit_ms"] - w.said("turn")[0]["t0_ms"]
    assert gaps == {"low": 200, "medium": 300, "high": 600}


def test_an_open_sentence_gets_more_time() -> None:
    w = world(Utterance(100, 150, "My name is"), Utterance(200, 230, "Anna.")).run(700)
    assert "human: My name is Anna." in w.transcript


def test_a_reply_on_speculation_is_dropped_when_the_caller_goes_on() -> None:
    w = world(
        Utterance(100, 150, "I would like an appointment."),
        Utterance(168, 200, "On Tuesday."),
        patience="high",
    )
    w.run(700)
    assert any(isinstance(request, StartReply) and request.speculative for request in w.requests)
    assert any(isinstance(request, CancelReply) for request in w.requests)
    assert "human: I would like an appointment. On Tuesday." in w.transcript


def test_speculation_runs_no_tool_before_the_commit() -> None:
    tool = Tool("book", "Book it", {"type": "object", "properties": {}})

    def answer(request: StartReply) -> list[Any]:
        if request.messages[-1]["role"] == "tool":
            return ["It is booked."]
        return [lambda reply: ReplyTool(reply, "c1", "book", {})]

    w = world(Utterance(100, 150, "Book it."), tools=(tool,), patience="high")
    w.answer = answer
    w.run(700)
    ran = next(index for index, request in enumerate(w.requests) if isinstance(request, RunTool))
    commit = w.said("turn")[0]["commit_ms"]
    started = next(note.at_ms for note in w.notes if note.kind == "tool_started")
    assert started >= commit and ran > 0
    assert w.transcript[-2:] == ["human: Book it.", "bot: It is booked."]


def test_barge_in_pauses_and_yields_and_cuts_what_was_not_heard() -> None:
    w = world(Utterance(100, 130, "Tell me."), Utterance(260, 300, "stop please I mean the other one"))
    w.answer = lambda request: [
        "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen."
    ]
    w.run(270)
    assert w.states[259] is State.SPEAKING
    assert w.states[269] is State.PAUSED
    w.run(500)
    barge = w.said("barge_in")
    assert barge[0]["outcome"] == "yield"
    spoken = w.transcript[2]
    assert spoken.startswith("bot: One two") and not spoken.endswith("fifteen.")
    cut = [message["content"] for message in w.session.dialogue.history if message["role"] == "assistant"][1]
    assert "fifteen" not in cut and cut.endswith("[interrupted]")


def test_a_back_channel_resumes() -> None:
    w = world(Utterance(100, 130, "Tell me."), Utterance(220, 238, "mhm"))
    w.answer = lambda request: [
        "One two three four five six seven eight nine ten eleven twelve thirteen fourteen."
    ]
    w.run(900)
    assert w.said("barge_in")[0]["outcome"] == "resume"
    assert w.transcript[-1].endswith("fourteen.")


def test_a_noise_resumes_and_is_no_turn() -> None:
    w = world(Utterance(100, 130, "Tell me."), Utterance(220, 228, ""))
    w.answer = lambda request: [
        "One two three four five six seven eight nine ten eleven twelve thirteen fourteen."
    ]
    w.run(900)
    assert w.said("barge_in")[0]["outcome"] == "resume"
    assert len([line for line in w.transcript if line.startswith("human")]) == 1


def test_yes_after_a_question_is_an_answer() -> None:
    w = world(Utterance(100, 130, "Hello."), Utterance(225, 240, "yes"), greeting="")
    w.answer = lambda request: [
        "Shall I book it? ",
        "I can do Tuesday or Wednesday or Thursday or Friday next week.",
    ]
    w.run(900)
    assert w.said("barge_in")[0]["outcome"] == "yield"


def test_not_interruptible_keeps_the_words_for_the_next_turn() -> None:
    w = world(Utterance(100, 130, "Tell me."), Utterance(220, 250, "and parking too?"), interruptible=False)
    w.answer = lambda request: ["One two three four five six seven eight nine ten eleven twelve."]
    w.run(900)
    assert not w.said("barge_in")
    assert "human: and parking too?" in w.transcript


def test_min_words_zero_yields_on_voice_alone() -> None:
    w = world(Utterance(100, 130, "Tell me."), Utterance(220, 300, ""), min_words_to_interrupt=0)
    w.answer = lambda request: [
        "One two three four five six seven eight nine ten eleven twelve thirteen fourteen."
    ]
    w.run(250)
    assert w.said("barge_in")[0]["outcome"] == "yield"


def test_human_greets_first_and_gets_the_greeting() -> None:
    w = world(Utterance(50, 70, "Hello?"), greeting_mode=GreetingMode.HUMAN).run(400)
    assert w.transcript == ["human: Hello?", "bot: Hello there."]


def test_human_mode_begins_after_the_timeout() -> None:
    w = world(greeting_mode=GreetingMode.HUMAN, human_talk_timeout=2.0)
    w.run(99)
    assert not w.sent
    w.run(100)
    assert w.transcript == ["bot: Hello there."]


def test_idle_reminds_then_ends() -> None:
    w = world(reminder_after_idle=3.0, allowed_idle=8.0).run(2000)
    assert len(w.said("idle_reminder")) == 2
    assert w.said("ended") == [{"reason": "idle", "detail": ""}]


def test_longest_duration_ends() -> None:
    w = world(max_duration=4.0).run(2000)
    assert w.said("ended")[0]["reason"] == "max_duration"
    assert w.now <= 202


def test_the_agent_ends_the_call_after_its_last_word() -> None:
    w = world(Utterance(100, 130, "Thanks, goodbye."))
    w.answer = lambda request: ["Goodbye, take care.", lambda reply: ReplyTool(reply, "c", "end_call", {})]
    w.run(900)
    assert w.transcript[-1] == "bot: Goodbye, take care."
    assert w.said("ended")[0]["reason"] == "agent_ended"
    assert w.session.ended


def test_last_words_before_the_caller_hangs_up_are_kept() -> None:
    w = world(Utterance(100, 150, "Never mind, bye."))
    w.run(152)
    w.feed(LineClosed(ClosedBy.REMOTE))
    w.run(100)
    assert w.transcript[-1] == "human: Never mind, bye."
    assert w.said("ended")[0]["reason"] == "human_ended"


def test_the_model_failing_is_spoken_of_and_twice_ends_the_call() -> None:
    w = world(Utterance(100, 130, "One."), Utterance(400, 430, "Two."))
    w.answer = lambda request: [lambda reply: ReplyFailed(reply, "500")]
    w.run(1500)
    bot = [line for line in w.transcript if line.startswith("bot")]
    assert bot[1].startswith("bot: I am sorry, I did not manage") and "call again later" in bot[2]
    assert w.said("ended")[0]["reason"] == "error"


def test_control_hangs_up_at_once() -> None:
    w = world().run(50)
    w.feed(HangUp("user_canceled"))
    assert w.session.ended
    assert w.said("ended") == [{"reason": "user_canceled", "detail": ""}]


def test_keys_are_a_turn() -> None:
    w = world().run(100)
    for digit in "12#":
        w.feed(Digit(digit))
    w.run(300)
    assert "human: [pressed 1 2 #]" in w.transcript


def test_the_queue_stays_within_its_bounds() -> None:
    w = world()
    w.session = Session(
        profile(greeting="A long greeting that goes on for quite some time, to be sure."), 8000
    )
    depths = []
    for _ in range(200):
        w.step()
        depths.append(len(w._line) // 16)
    assert max(depths) <= 100


@pytest.mark.parametrize("flush", [1, 2, 6, 50])
def test_a_late_or_missing_report_of_the_flush_does_not_hang_the_pause(flush: int) -> None:
    w = world(Utterance(100, 130, "Tell me."), Utterance(220, 300, "stop stop stop"))
    w.delays = Delays(flush=flush)
    w.answer = lambda request: [
        "One two three four five six seven eight nine ten eleven twelve thirteen fourteen."
    ]
    w.run(900)
    assert w.said("barge_in")[0]["outcome"] == "yield"
    assert sum(isinstance(request, Flush) for request in w.requests) == 1


def test_speculation_does_not_wait_for_the_verdict_where_the_text_is_whole() -> None:
    first_token = {}
    for text in ("I need an appointment.", "I need an appointment"):
        w = world(Utterance(100, 150, text))
        w.delays = Delays(verdict=12)
        (turn,) = w.run(600).said("turn")
        first_token[text] = turn["token_ms"]
    assert first_token["I need an appointment."] < first_token["I need an appointment"]


@pytest.mark.parametrize(("patience", "question"), [("low", 0), ("medium", 1), ("high", 1)])
def test_the_turn_model_is_asked_once_a_pause_and_not_in_vain(patience: str, question: int) -> None:
    asked = {}
    for text in ("I need an appointment.", "What are your hours?", "My name is"):
        w = world(Utterance(100, 150, text), patience=patience)
        w.delays = Delays(words=1)
        w.run(600)
        asked[text] = sum(isinstance(request, JudgeTurn) for request in w.requests)
    assert asked == {"I need an appointment.": 1, "What are your hours?": question, "My name is": 0}


@pytest.mark.parametrize(("verdict", "waits"), [(0.99, 300), (0.95, 700), (0.6, 1200), (None, 300)], ids=str)
def test_a_question_is_taken_as_the_turn_model_hears_it(verdict: float | None, waits: int) -> None:
    w = world(Utterance(100, 150, "What are your hours?"))
    w.verdict = verdict
    (turn,) = w.run(600).said("turn")
    assert turn["commit_ms"] - turn["t0_ms"] == waits


def test_a_question_waits_for_a_verdict_that_is_on_its_way() -> None:
    w = world(Utterance(100, 150, "What are your hours?"))
    w.delays = Delays(words=1, verdict=20)
    (turn,) = w.run(600).said("turn")
    assert turn["commit_ms"] == turn["verdict_ms"] > turn["t0_ms"] + 300


NOTE = "The caller is a member."


def _told(request: StartReply) -> bool:
    return any(message == {"role": "system", "content": NOTE} for message in request.messages)


def test_a_whisper_is_read_by_the_next_reply_and_never_heard() -> None:
    w = world(Utterance(100, 150, "What are your hours?"), Utterance(400, 450, "Thank you."))
    w.run(300)
    w.feed(Whisper(NOTE))
    w.run(600)
    before, *after = [request for request in w.requests if isinstance(request, StartReply)]
    assert not _told(before) and after and all(map(_told, after))
    assert not any(NOTE in line for line in w.transcript)
    assert w.said("whisper") == [{"text": NOTE}]


def test_a_reply_on_speculation_that_did_not_read_the_whisper_is_made_anew() -> None:
    w = world(Utterance(100, 150, "What are your hours?"), patience="high")
    while not any(isinstance(request, StartReply) for request in w.requests):
        w.step()
    w.feed(Whisper(NOTE))
    w.run(300)
    replies = [request for request in w.requests if isinstance(request, StartReply)]
    assert [_told(reply) for reply in replies] == [False, True]
    assert w.transcript.count("human: What are your hours?") == 1


def test_a_whisper_while_thinking_stays_when_the_turn_is_taken_back() -> None:
    w = world(
        Utterance(100, 150, "I would like an appointment."),
        Utterance(172, 200, "On Tuesday."),
        patience="low",
    )
    w.run(100)
    w.delays = Delays(token=60)
    while w.session.state is not State.THINKING:
        w.step()
    w.feed(Whisper(NOTE))
    w.run(500)
    history = [message["role"] for message in w.session.dialogue.history]
    assert history == ["assistant", "system", "user", "assistant"]


def test_a_whisper_may_make_the_agent_speak() -> None:
    w = world().run(100)
    w.feed(Whisper(NOTE, reply=True))
    w.run(200)
    assert len(w.transcript) == 2 and w.transcript[1].startswith("bot: ")
    assert w.session.state is State.LISTENING


def test_a_transfer_that_came_about_ends_the_talk() -> None:
    w = world().run(100)
    w.feed(LineClosed(ClosedBy.TRANSFER, "transferred"))
    assert w.said("ended") == [{"reason": "transferred", "detail": "transferred"}]
