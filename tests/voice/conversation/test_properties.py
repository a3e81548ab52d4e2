"""What must hold for any order of ticks and events (hypothesis prints the failing case and its seed)."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations, groupby, pairwise
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.voice.conversation.world import BEEP, FRAME, RATE, VOICE, Delays, Utterance, World
from trunkline.voice.conversation.dialogue import CUT_MARK
from trunkline.voice.conversation.events import (
    AskWords,
    CancelReply,
    CancelSpeech,
    ClosedBy,
    Digit,
    DropHearing,
    Event,
    FinishHearing,
    HangUp,
    HearingFailed,
    Held,
    LineClosed,
    ReplyDone,
    ReplyFailed,
    ReplyTool,
    Request,
    Resumed,
    RunTool,
    Say,
    Speak,
    SpeechAudio,
    SpeechFailed,
    StartHearing,
    StartReply,
    ToolResult,
    Words,
)
from trunkline.voice.conversation.profile import GreetingMode, Keypad, Patience, Profile, Tool, Voicemail
from trunkline.voice.conversation.session import _LAST_WORDS_TICKS, Session, State

_LETTER = 65 * RATE // 1000
_TEXTS = (
    "yes",
    "mhm",
    "",
    "stop",
    "what are your hours",
    "my name is",
    "no wait",
    "I see",
    "book it please",
    "okay",
    "please leave a message after the tone",
)
_VOICEMAILS = (Voicemail(), Voicemail(message="Please call us back."), Voicemail(prompt="Ask to call back."))
_BOOK = Tool("book", "Book it", {"type": "object", "properties": {}})


class Recorder(World):
    """Each sentence sounds at a level of its own, so that what was heard of it can be counted on the line."""

    texts: dict[int, str]
    sent_at: list[tuple[Request, State]]

    def _do(self, request: Request) -> None:
        self.sent_at.append((request, self.session.state))
        if isinstance(request, Speak):
            self.texts[request.sentence] = request.text
            if request.sentence % 7 == 5:
                self.later(self.delays.sound, SpeechFailed(request.sentence, "planted"))
                return
            pcm = np.full(max(1, len(request.text)) * _LETTER, 100 * request.sentence, "<i2").tobytes()
            half = len(pcm) // 4 * 2
            self.later(self.delays.sound, SpeechAudio(request.sentence, pcm[:half], last=False))
            self.later(self.delays.sound + 3, SpeechAudio(request.sentence, pcm[half:], last=True))
            return
        if isinstance(request, FinishHearing) and request.segment % 9 == 4:
            self.later(self.delays.words, HearingFailed(request.segment, "planted"))
            return
        super()._do(request)

    def samples_heard(self, sentence: int) -> int:
        return int((np.frombuffer(bytes(self.heard), "<i2") == 100 * sentence).sum())


@dataclass
class Case:
    profile: Profile
    utterances: list[Utterance]
    delays: Delays
    verdict: float | None
    replies: list[int]
    events: dict[int, Event]
    partials: bool


def _answers(kinds: list[int]) -> Callable[[StartReply], list[Any]]:
    def answer(request: StartReply) -> list[Any]:
        kind = kinds[request.reply % len(kinds)]
        if request.messages[-1]["role"] == "tool":
            return ["That is done."]
        answers: list[list[Any]] = [
            [
                "We are open from nine to five on weekdays. ",
                "Is there anything else that you would like to know?",
            ],
            ["One moment. ", lambda reply: ReplyTool(reply, f"c{reply}", "book", {"day": reply % 2})],
            [lambda reply: ReplyFailed(reply, "planted")],
            ["Goodbye. ", lambda reply: ReplyTool(reply, f"e{reply}", "end_call", {})],
            [lambda reply: ReplyTool(reply, f"k{reply}", "send_digits", {"digits": "12#"})],
            [],
        ]
        return answers[kind]

    return answer


@st.composite
def cases(draw: st.DrawFn) -> Case:
    at = 0
    utterances = []
    for _ in range(draw(st.integers(0, 6))):
        at += draw(st.integers(1, 150))
        length = draw(st.integers(1, 90))
        sound = draw(st.sampled_from([VOICE, VOICE, VOICE, BEEP]))
        utterances.append(Utterance(at, at + length, draw(st.sampled_from(_TEXTS)), sound))
        at += length
    events: dict[int, Event] = {}
    kinds: list[Event] = [
        Digit("5"),
        Digit("#"),
        Held(),
        Resumed(),
        Say("One more thing."),
        ToolResult("nobody", "x"),
    ]
    kinds += [LineClosed(ClosedBy.REMOTE), LineClosed(ClosedBy.FAULT), HangUp("user_canceled")]
    for _ in range(draw(st.integers(0, 4))):
        events[draw(st.integers(1, 600))] = draw(st.sampled_from(kinds))
    profile = Profile(
        prompt="You are a receptionist.",
        greeting=draw(st.sampled_from(["", "Hello, how can I help you today?"])),
        greeting_mode=draw(st.sampled_from(list(GreetingMode))),
        human_talk_timeout=2.0,
        patience=draw(st.sampled_from(list(Patience))),
        min_words_to_interrupt=draw(st.integers(0, 3)),
        interruptible=draw(st.sampled_from([True, True, True, False])),
        interruption_fade_out=draw(st.integers(0, 4)),
        reminder_after_idle=draw(st.sampled_from([None, 2.0])),
        allowed_idle=draw(st.sampled_from([4.0, 30.0])),
        tools=(_BOOK,),
        thinking_deadline=2.0,
        consent_message=draw(st.sampled_from(["", "", "May we record this call?"])),
        voicemail=draw(st.sampled_from([None, None, *_VOICEMAILS])),
        keypad=draw(st.sampled_from([Keypad(), Keypad(expected=1), Keypad(terminator="", timeout=0.5)])),
        can_send_digits=draw(st.booleans()),
    )
    delays = Delays(*(draw(st.integers(1, most)) for most in (40, 20, 120, 30, 60, 7)))
    replies = draw(st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 4, 5]), min_size=1, max_size=4))
    verdict = draw(st.sampled_from([0.9, 0.9, 0.1, None]))
    return Case(profile, utterances, delays, verdict, replies, events, draw(st.booleans()))


def play(case: Case, ticks: int = 700) -> Recorder:
    """The whole case, with an end forced at its last tick."""
    session = Session(case.profile, RATE, has_partials=case.partials)
    world = Recorder(session, case.utterances, case.delays, _answers(case.replies), case.verdict)
    world.texts, world.sent_at = {}, []
    for _ in range(ticks):
        if session.ended:
            break
        world.step()
        if (event := case.events.get(world.now)) is not None:
            world.feed(event)
    world.feed(LineClosed(ClosedBy.REMOTE))
    world.run(200)
    return world


def _open_requests(world: Recorder) -> set[tuple[str, int | str]]:
    """Requests that want an answer and were neither answered nor cancelled."""
    wanting: set[tuple[str, int | str]] = set()
    for request, _ in world.sent_at:
        match request:
            case StartHearing(segment):
                wanting.add(("segment", segment))
            case StartReply(reply=reply):
                wanting.add(("reply", reply))
            case Speak(sentence):
                wanting.add(("sentence", sentence))
            case _:
                pass
    return wanting - world_closed(world)


def world_closed(world: Recorder) -> set[tuple[str, int | str]]:
    closed: set[tuple[str, int | str]] = set()
    for request, _ in world.sent_at:
        match request:
            case DropHearing(segment):
                closed.add(("segment", segment))
            case CancelReply(reply):
                closed.add(("reply", reply))
            case CancelSpeech(sentence):
                closed.add(("sentence", sentence))
            case _:
                pass
    for event in world.fed:
        match event:
            case Words(segment, _, True) | HearingFailed(segment):
                closed.add(("segment", segment))
            case ReplyDone(reply) | ReplyFailed(reply):
                closed.add(("reply", reply))
            case SpeechAudio(sentence, _, True) | SpeechFailed(sentence):
                closed.add(("sentence", sentence))
            case _:
                pass
    return closed


_many = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)


@_many
@given(cases())
def test_any_order_of_ticks_and_events(case: Case) -> None:
    world = play(case)
    session = world.session

    # One end, once, and nothing is applied after it.
    assert session.ended
    assert [note.kind for note in world.notes].count("ended") == 1
    assert world.notes[-1].kind == "ended"
    assert session.tick(None, 0.9, 0) == (b"", []) and session.feed(Digit("1")) == []

    # Every request is answered, cancelled or void.
    assert _open_requests(world) == set()
    asked = [request.segment for request, _ in world.sent_at if isinstance(request, FinishHearing)]
    assert len(asked) == len(set(asked))
    assert all(isinstance(request, AskWords) is False or not case.partials for request, _ in world.sent_at)

    # No effect before commit.
    for request, state in world.sent_at:
        if isinstance(request, RunTool):
            assert state in (State.THINKING, State.SPEAKING, State.PAUSED, State.AWAY)

    # A pause is decided within 1.2 s (a hold suspends it; a talk that ends in one still waits for the last words).
    runs = [(state, len(list(ticks))) for state, ticks in groupby(world.states)]
    for (state, ticks), (following, _) in pairwise(runs):
        if state is State.PAUSED:
            assert ticks <= 60 + (_LAST_WORDS_TICKS if following is State.ENDED else 0)

    # Transcript order is the order heard: nothing stands after what began only when it was over. (An agent that may
    # not be interrupted takes up the words in its next turn.)
    said = [note.data for note in world.notes if note.kind in ("agent_said", "caller_said")]
    if case.profile.interruptible:
        assert not any(later["end_ms"] < earlier["start_ms"] for earlier, later in combinations(said, 2))

    _history_holds_only_what_was_heard(world)


def _history_holds_only_what_was_heard(world: Recorder) -> None:
    spoken = " ".join(
        text[: world.samples_heard(sentence) // _LETTER + 1] for sentence, text in sorted(world.texts.items())
    )
    for message in world.session.dialogue.history:
        if message["role"] == "assistant" and message["content"]:
            for word in message["content"].removesuffix(CUT_MARK).split():
                assert word.strip(".,?! ") in spoken, (word, spoken)


@_many
@given(cases())
def test_the_line_is_kept_within_its_bounds_and_silent_when_nothing_is_said(case: Case) -> None:
    session = Session(case.profile, RATE, has_partials=case.partials)
    world = Recorder(session, case.utterances, case.delays, _answers(case.replies), case.verdict)
    world.texts, world.sent_at = {}, []
    for _ in range(400):
        if session.ended:
            break
        world.step()
        assert len(world._line) <= 100 * RATE // 1000 * 2 + FRAME
        # (What ends a call may come behind the sound of the same tick.)
        if session.state in (State.CALLER, State.DECIDING):
            assert not world.sent or world.sent[-1][0] < world.now


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_the_same_ticks_and_events_give_the_same_bytes(case: Case) -> None:
    one, other = play(case, 300), play(case, 300)
    assert one.heard == other.heard
    assert one.notes == other.notes
    assert one.requests == other.requests
