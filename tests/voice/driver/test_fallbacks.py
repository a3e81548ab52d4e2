"""A simulated call whose first provider of one kind fails: what the other side hears is as if nothing had been."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from trunkline.voice.conversation.events import Kind, Note
from trunkline.voice.conversation.profile import GreetingMode, Profile
from trunkline.voice.conversation.session import Session
from trunkline.voice.driver.latency import SeededLatency
from trunkline.voice.driver.ticked import TickDriver, run
from trunkline.voice.language.fallback import FallbackLanguageModel, ReplyBudget, Thinker
from trunkline.voice.language.openai_llm import OpenAILanguageModel
from trunkline.voice.language.twins import Line, ScriptedLanguageModel
from trunkline.voice.lines.loopback import Loopback
from trunkline.voice.scripted import FaultKind, HearScript, Script, ScriptedServer, Sound, SpeechScript
from trunkline.voice.scripted.script import ChatScript
from trunkline.voice.speech.fallback_stt import FallbackSpeechToText, Listener
from trunkline.voice.speech.fallback_tts import FallbackTextToSpeech, SoundBudget, Speaker
from trunkline.voice.speech.openai_stt import OpenAISpeechToText
from trunkline.voice.speech.openai_tts import OpenAITextToSpeech
from trunkline.voice.speech.twins import FixedTurn, LevelActivity, ToneEars, ToneVoice
from trunkline.voice.standing import Standing

RATE = 8000
GREETING = "Hello here is the reception."
ANSWER = "We open at nine on all days. Please bring your card with you."
ASKED = "when do you open please"
AGENT = Profile(prompt="", greeting=GREETING)
CALLER = Profile(prompt="", greeting_mode=GreetingMode.HUMAN, human_talk_timeout=30.0)
SCRIPT = Script(
    llm=ChatScript(default=ANSWER), stt=HearScript(decode=True), tts=SpeechScript(voice=Sound.WORDS)
)


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    with ScriptedServer(SCRIPT) as running:
        yield running


async def never() -> None:
    raise AssertionError("no probe comes so soon")


class Agent:
    """An agent with a stand-in of each kind."""

    def __init__(self, server: ScriptedServer) -> None:
        self.standings = {part: Standing(part, never) for part in ("stt", "llm", "tts", "spare")}
        spare = self.standings["spare"]
        self.own = OpenAISpeechToText(server.base_url), OpenAITextToSpeech(server.base_url, timeout=20)
        self.model = OpenAILanguageModel(server.base_url)
        self.stt = FallbackSpeechToText(
            [Listener(self.own[0], self.standings["stt"]), Listener(ToneEars(), spare)], 0.4
        )
        self.tts = FallbackTextToSpeech(
            [Speaker(self.own[1], None, self.standings["tts"]), Speaker(ToneVoice(), None, spare)],
            SoundBudget(0.4, 0.3),
        )
        self.llm = FallbackLanguageModel(
            [Thinker(self.model, self.standings["llm"]), Thinker(ScriptedLanguageModel(ANSWER), spare)],
            ReplyBudget(0.8, 0.8),
        )

    async def close(self) -> None:
        for standing in self.standings.values():
            await standing.close()
        for part in (*self.own, self.model):
            await part.close()


async def call(agent: Agent) -> tuple[list[Note], list[Note]]:
    """The notes of the agent and of the caller."""
    rig = Loopback(RATE)
    await rig.near.answer()
    agents: list[Note] = []
    callers: list[Note] = []
    parts: dict[str, Any] = {"turn": FixedTurn(0.99), "run_tool": None}
    near = TickDriver(
        Session(AGENT, RATE),
        rig.near,
        profile=AGENT,
        stt=agent.stt,
        tts=agent.tts,
        llm=agent.llm,
        on_note=agents.append,
        latency=SeededLatency(1),
        **parts,
    )
    far = TickDriver(
        Session(CALLER, RATE),
        rig.far,
        profile=CALLER,
        stt=ToneEars(),
        tts=ToneVoice(),
        llm=ScriptedLanguageModel(ASKED, Line("thank you goodbye", tool="end_call")),
        on_note=callers.append,
        latency=SeededLatency(2),
        **parts,
    )
    await run([near, far], LevelActivity(), rig.advance, most_ms=60_000)
    return agents, callers


def texts(notes: list[Note], kind: Kind) -> list[str]:
    return [note.data["text"] for note in notes if note.kind == kind.value]


@pytest.mark.parametrize("kind", tuple(FaultKind))
@pytest.mark.parametrize("part", ["stt", "llm", "tts"])
async def test_what_is_heard_is_as_if_nothing_had_been(
    server: ScriptedServer, part: str, kind: FaultKind
) -> None:
    # The greeting is spoken well: then a voice's pace is known, as it is in every call but the first.
    first = 2 if part == "tts" else 1
    fault = {"kind": kind.value, "requests": list(range(first, 20)), "drip_ms": 700.0}
    changes: dict[str, Any] = {"faults": [fault]}
    if part == "stt" and kind is FaultKind.DRIP:
        changes["first_ms"] = 600.0
    server.script = SCRIPT.changed({part: changes})
    agent = Agent(server)
    agents, callers = await call(agent)
    heard = " ".join(texts(callers, Kind.CALLER_SAID)).split()
    expected = f"{GREETING} {ANSWER}".split()
    assert [word for word in heard if word in expected][: len(expected)] == expected
    assert texts(agents, Kind.CALLER_SAID)[0] == ASKED
    assert not [note for note in agents if note.kind == Kind.FAULT.value]
    assert not agent.standings[part].up
    await agent.close()
