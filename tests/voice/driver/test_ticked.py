"""Simulated calls: due times on the call's clock, and the same bytes whatever the providers' real speed."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from tests.voice.driver.stubs import Pipe
from trunkline.voice.conversation.events import (
    CancelSpeech,
    Event,
    Kind,
    Note,
    ReplyDone,
    ReplyText,
    Request,
    RunTool,
    Speak,
    SpeechAudio,
    StartReply,
    ToolResult,
)
from trunkline.voice.conversation.profile import GreetingMode, Profile, Tool
from trunkline.voice.conversation.session import Session
from trunkline.voice.driver import job as jobs
from trunkline.voice.driver.latency import PACES, Latency, Pace, SeededLatency
from trunkline.voice.driver.ports import ToolAnswer
from trunkline.voice.driver.ticked import Talk, TickDriver, run
from trunkline.voice.language.ports import DonePart, ReplyPart, TextPart, ToolPart
from trunkline.voice.lines.loopback import Impairments, Loopback, LoopbackLine
from trunkline.voice.speech.ports import Hearing, Voice
from trunkline.voice.speech.twins import FixedTurn, LevelActivity, ToneEars, ToneVoice

RATE = 8000
Words = Callable[[str], str]


class Slow:
    """Lags by random real time, another at each run."""

    def __init__(self) -> None:
        self.dice = random.Random()

    async def lag(self) -> None:
        if self.dice.random() < 0.3:
            await asyncio.sleep(self.dice.random() * 0.002)


class SlowVoice(ToneVoice, Slow):
    """Also cuts its sound at random places."""

    def __init__(self) -> None:
        ToneVoice.__init__(self)
        Slow.__init__(self)

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        async for pcm in super().speak(text, voice):
            cut = self.dice.randrange(len(pcm) // 2) * 2
            for piece in (pcm[:cut], pcm[cut:]):
                await self.lag()
                yield piece


class SlowEars(ToneEars, Slow):
    def __init__(self) -> None:
        ToneEars.__init__(self)
        Slow.__init__(self)

    def open(
        self,
        rate: int,
        language: str,
        on_partial: Callable[[str], None] | None = None,
        keywords: Sequence[str] = (),
    ) -> Any:
        return SlowHearing(super().open(rate, language, on_partial), self)


class SlowHearing:
    def __init__(self, hearing: Hearing, slow: Slow) -> None:
        self.hearing, self.slow = hearing, slow
        self.push, self.close = hearing.push, hearing.close

    async def words(self) -> str:
        words = await self.hearing.words()
        await self.slow.lag()
        return words

    async def finish(self) -> str:
        await self.slow.lag()
        return await self.hearing.finish()


class SlowModel(Slow):
    """Replies by a rule over the last message."""

    def __init__(self, rule: Callable[[str], Sequence[ReplyPart]]) -> None:
        super().__init__()
        self.rule = rule

    async def reply(
        self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()
    ) -> AsyncIterator[ReplyPart]:
        for part in self.rule(str(messages[-1]["content"])):
            await self.lag()
            yield part
        yield DonePart("scripted")

    async def warm(self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()) -> None:
        return

    async def close(self) -> None:
        return


def text(words: str) -> list[ReplyPart]:
    return [TextPart(word + " ") for word in words.split()]


async def no_tool(name: str, arguments: dict[str, Any]) -> ToolAnswer:
    return ToolAnswer(f"{name} done")


def leg(
    session: Talk, line: LoopbackLine, notes: list[Note], latency: Latency, profile: Profile, **changes: Any
) -> TickDriver:
    parts: dict[str, Any] = {
        "stt": SlowEars(),
        "tts": SlowVoice(),
        "llm": SlowModel(lambda said: text("All right.")),
        "turn": FixedTurn(0.99),
        "run_tool": no_tool,
    }
    return TickDriver(
        session, line, profile=profile, on_note=notes.append, latency=latency, **(parts | changes)
    )


# ---- due times ----


class Scripted:
    """A session that asks at set ticks and writes down when it is fed what."""

    def __init__(self, asks: dict[int, list[Request]], ticks: int = 60) -> None:
        self.asks = asks
        self.ticks = ticks
        self.now = 0
        self.fed: list[tuple[int, Event]] = []

    @property
    def ended(self) -> bool:
        return self.now >= self.ticks

    def tick(self, frame: bytes | None, speech: float, queued: int) -> tuple[bytes, list[Request]]:
        self.now += 1
        return b"", self.asks.get(self.now, [])

    def feed(self, event: Event) -> list[Request]:
        self.fed.append((self.now + 1, event))
        return []


async def fed(
    asks: dict[int, list[Request]], paces: dict[jobs.Kind, Pace], **changes: Any
) -> list[tuple[int, Event]]:
    """What is fed, by the tick before which it is."""
    session, call = Scripted(asks), Loopback(RATE)
    latency = SeededLatency(1, {**PACES, **paces})
    driver = leg(session, call.near, [], latency, Profile(prompt=""), **changes)
    await run([driver], LevelActivity(), call.advance)
    return session.fed


async def test_a_result_is_due_at_the_request_tick_plus_latency() -> None:
    events = await fed(
        {3: [StartReply(1, ({"role": "user", "content": "Hi"},))]},
        {jobs.Kind.REPLY: Pace((100, 100), (30, 30))},
        llm=SlowModel(lambda said: text("one two three")),
    )
    # Asked at 60 ms, so due at 160, 190, 220 and 250 ms: gaps of 30 ms are not rounded up to two ticks each.
    assert events == [
        (8, ReplyText(1, "one ")),
        (10, ReplyText(1, "two ")),
        (11, ReplyText(1, "three ")),
        (13, ReplyDone(1, "scripted")),
    ]


async def test_sound_comes_in_the_order_of_sentences_and_always_in_the_same_pieces() -> None:
    async def once() -> list[tuple[int, Event]]:
        asked: dict[int, list[Request]] = {1: [Speak(1, "first sentence"), Speak(2, "second")]}
        return await fed(asked, {jobs.Kind.SPEECH: Pace((50, 50), (5, 5))})

    events = await once()
    sentences = [event.sentence for _, event in events if isinstance(event, SpeechAudio)]
    assert sentences == sorted(sentences)
    assert len(sentences) > 6
    assert events[0][0] == 4
    assert await once() == events


async def test_nothing_of_what_was_cancelled_is_fed_though_it_was_made() -> None:
    events = await fed(
        {1: [Speak(1, "first"), Speak(2, "second")], 4: [CancelSpeech(1)]},
        {jobs.Kind.SPEECH: Pace((100, 100), (0, 0))},
    )
    assert {event.sentence for _, event in events if isinstance(event, SpeechAudio)} == {2}
    assert {tick for tick, _ in events} == {6}


async def test_a_tool_is_waited_for_in_real_time() -> None:
    slow: Pipe[str] = Pipe()

    async def tool(name: str, arguments: dict[str, Any]) -> ToolAnswer:
        return ToolAnswer(await anext(aiter(slow.stream())))

    async def later() -> None:
        await asyncio.sleep(0.05)
        slow.give("booked")

    async with asyncio.TaskGroup() as group:
        group.create_task(later())
        asked: dict[int, list[Request]] = {1: [RunTool("c", "book", {})]}
        work = group.create_task(fed(asked, {jobs.Kind.TOOL: Pace((60, 60))}, run_tool=tool))
    assert work.result() == [(4, ToolResult("c", "booked"))]


# ---- whole calls ----

AGENT = Profile(
    prompt="You answer the phone.", greeting="Good morning, how may I help you?", max_duration=60.0
)
CALLER = Profile(
    prompt="You call a dentist.",
    greeting_mode=GreetingMode.HUMAN,
    human_talk_timeout=30.0,
    can_end_call=True,
    max_duration=120.0,
)
TOOLS = (Tool("book", "Book a visit", {"type": "object", "properties": {}}),)


def agent_says(said: str) -> list[ReplyPart]:
    if "visit" in said:
        return [ToolPart("c1", "book", {"day": "Monday"})]
    if "book done" in said:
        return text("You are booked for Monday at nine. Anything else?")
    return text("I see. What would you like, then?")


def caller_says(said: str) -> list[ReplyPart]:
    if "help you" in said:
        return text("I would like a visit.")
    if "booked" in said:
        return [*text("No, thank you. Goodbye."), ToolPart("c2", "end_call", {})]
    return text("A visit, please.")


async def call(
    seed: int, latency: Callable[[str], Latency], loss: float = 0.0
) -> tuple[list[Note], list[Note], bytes, int]:
    """A whole call between an agent and a persona: the notes of both, the sound between them, its length."""
    rig = Loopback(RATE, Impairments(loss=loss, seed=seed), Impairments(seed=seed))
    await rig.near.answer()
    agent_notes: list[Note] = []
    caller_notes: list[Note] = []
    agent_profile = Profile(**{**AGENT.__dict__, "tools": TOOLS})
    agent = leg(
        Session(agent_profile, RATE),
        rig.near,
        agent_notes,
        latency("agent"),
        agent_profile,
        llm=SlowModel(agent_says),
    )
    caller = leg(
        Session(CALLER, RATE), rig.far, caller_notes, latency("caller"), CALLER, llm=SlowModel(caller_says)
    )
    wire = bytearray()

    def advance() -> None:
        rig.advance()
        wire.extend(rig.near._arrived + rig.far._arrived)

    length = await run([agent, caller], LevelActivity(), advance)
    return agent_notes, caller_notes, bytes(wire), length


def seeded(seed: int) -> Callable[[str], Latency]:
    return lambda who: SeededLatency(seed + (who == "caller"))


def said(notes: list[Note], kind: Kind) -> list[str]:
    return [note.data["text"] for note in notes if note.kind == kind.value]


async def test_a_whole_call_between_an_agent_and_a_persona() -> None:
    agent, caller, _, length = await call(1, seeded(1))
    assert said(agent, Kind.AGENT_SAID)[0] == "Good morning, how may I help you?"
    assert said(caller, Kind.CALLER_SAID)[0] == "Good morning, how may I help you?"
    assert said(agent, Kind.CALLER_SAID)[0] == "I would like a visit."
    assert [n.data["result"] for n in agent if n.kind == Kind.TOOL_FINISHED.value] == ["book done"]
    assert any("booked for Monday" in words for words in said(caller, Kind.CALLER_SAID))
    assert agent[-1].kind == caller[-1].kind == Kind.ENDED.value
    assert agent[-1].data["reason"] == "human_ended"
    assert caller[-1].data["reason"] == "agent_ended"
    assert length < 60_000
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("loss", [0.0, 0.02])
async def test_the_same_seed_gives_the_same_call_to_the_byte(loss: float) -> None:
    first, second, other = [await call(7, seeded(seed), loss) for seed in (7, 7, 8)]
    assert second == first
    assert other != first
