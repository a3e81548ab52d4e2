"""A simulated call whose agent hears, thinks and speaks through OpenAI-compatible endpoints."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from trunkline.voice.conversation.events import Kind, Note
from trunkline.voice.conversation.profile import GreetingMode, Profile, Tool
from trunkline.voice.conversation.session import Session
from trunkline.voice.driver.latency import SeededLatency
from trunkline.voice.driver.ports import ToolAnswer
from trunkline.voice.driver.ticked import TickDriver, run
from trunkline.voice.language.openai_llm import OpenAILanguageModel
from trunkline.voice.language.twins import Line, ScriptedLanguageModel
from trunkline.voice.lines.loopback import Loopback
from trunkline.voice.scripted import (
    ChatScript,
    Fault,
    FaultKind,
    HearScript,
    Rule,
    Script,
    ScriptedServer,
    Sound,
    SpeechScript,
    ToolUse,
)
from trunkline.voice.speech.openai_stt import OpenAISpeechToText
from trunkline.voice.speech.openai_tts import OpenAITextToSpeech
from trunkline.voice.speech.twins import FixedTurn, LevelActivity, ToneEars, ToneVoice

RATE = 8000
BOOK = Tool("book", "Book a visit", {"type": "object", "properties": {"day": {"type": "string"}}})
AGENT = Profile(prompt="You are a dentist's receptionist.", greeting="How can I help you?", tools=(BOOK,))
CALLER = Profile(prompt="", greeting_mode=GreetingMode.HUMAN, human_talk_timeout=30.0)
RULES = (
    Rule(
        pattern="visit", tools=(ToolUse(name="book", arguments={"day": "Monday"}),), then="That is {result}."
    ),
)
SCRIPT = Script(
    llm=ChatScript(rules=RULES, default="Goodbye then."),
    stt=HearScript(decode=True),
    tts=SpeechScript(voice=Sound.WORDS),
)


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer(SCRIPT) as running:
        yield running


async def run_tool(name: str, arguments: dict[str, Any]) -> ToolAnswer:
    return ToolAnswer(f"booked for {arguments['day']}")


async def call(server: ScriptedServer) -> tuple[list[Note], list[Note]]:
    """The notes of the agent and of the caller."""
    rig = Loopback(RATE)
    await rig.near.answer()
    agent_notes: list[Note] = []
    caller_notes: list[Note] = []
    stt, tts = OpenAISpeechToText(server.base_url), OpenAITextToSpeech(server.base_url)
    llm = OpenAILanguageModel(server.base_url)
    agent = TickDriver(
        Session(AGENT, RATE),
        rig.near,
        profile=AGENT,
        stt=stt,
        tts=tts,
        llm=llm,
        turn=FixedTurn(0.99),
        run_tool=run_tool,
        on_note=agent_notes.append,
        latency=SeededLatency(1),
    )
    caller = TickDriver(
        Session(CALLER, RATE),
        rig.far,
        profile=CALLER,
        stt=ToneEars(),
        tts=ToneVoice(),
        llm=ScriptedLanguageModel("I want a visit, please.", Line("Thank you, goodbye.", tool="end_call")),
        turn=FixedTurn(0.99),
        run_tool=run_tool,
        on_note=caller_notes.append,
        latency=SeededLatency(2),
    )
    await run([agent, caller], LevelActivity(), rig.advance, most_ms=120_000)
    for part in (stt, tts, llm):
        await part.close()
    return agent_notes, caller_notes


def texts(notes: list[Note], kind: Kind) -> list[str]:
    return [note.data["text"] for note in notes if note.kind == kind.value]


async def test_a_whole_call(server: ScriptedServer) -> None:
    agent, caller = await call(server)
    assert texts(agent, Kind.CALLER_SAID)[0] == "I want a visit, please."
    assert texts(caller, Kind.CALLER_SAID)[:2] == ["How can I help you?", "That is booked for Monday."]
    assert agent[-1].data["reason"] == "human_ended"
    server.script = SCRIPT  # its counters begin anew, and with them the ids of tool calls
    assert await call(server) == (agent, caller)


@pytest.mark.parametrize("kind", [FaultKind.BROKEN, FaultKind.GARBAGE, FaultKind.DIE])
async def test_a_model_that_fails_once_is_apologised_for(server: ScriptedServer, kind: FaultKind) -> None:
    server.script = SCRIPT.changed({"llm": {"faults": [{"kind": kind.value, "requests": [1, 2]}]}})
    agent, _ = await call(server)
    assert {note.data["part"] for note in agent if note.kind == Kind.FAULT.value} == {"language_model"}
    assert AGENT.apology in " ".join(texts(agent, Kind.AGENT_SAID))


@pytest.mark.parametrize("kind", [FaultKind.BROKEN, FaultKind.GARBAGE])
async def test_ears_that_fail_do_not_end_the_call(server: ScriptedServer, kind: FaultKind) -> None:
    faults = [Fault(kind=kind, requests=(1,)).model_dump(mode="json")]
    server.script = SCRIPT.changed({"stt": {"faults": faults}})
    agent, _ = await call(server)
    assert "speech_to_text" in {note.data["part"] for note in agent if note.kind == Kind.FAULT.value}
    assert agent[-1].kind == Kind.ENDED.value
    assert agent[-1].data["reason"] != "error"
