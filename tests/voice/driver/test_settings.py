"""What a voice and a recogniser are told on a call, on the tick clock."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.voice.driver.test_ticked import RATE, said
from trunkline.voice.conversation.events import Kind, Note
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.conversation.session import Session
from trunkline.voice.driver.latency import SeededLatency
from trunkline.voice.driver.ports import ToolAnswer
from trunkline.voice.driver.ticked import TickDriver, run
from trunkline.voice.language.twins import ScriptedLanguageModel
from trunkline.voice.lines.loopback import Impairments, Loopback
from trunkline.voice.speech import tones
from trunkline.voice.speech.ports import Voice
from trunkline.voice.speech.twins import FixedTurn, LevelActivity, ToneEars, ToneVoice


class NotingVoice(ToneVoice):
    """Keeps whose voice was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.voices: list[Voice] = []

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        self.voices.append(voice)
        async for pcm in super().speak(text, voice):
            yield pcm


@dataclass
class Talk:
    """What is left of a call."""

    voice: NotingVoice
    ears: ToneEars
    notes: list[Note]
    sound: bytes

    @property
    def loudest(self) -> int:
        return int(np.abs(np.frombuffer(self.sound, "<i2").astype(int)).max())


async def call(**settings: Any) -> Talk:
    """The greeting, a question, its answer, and the end by idleness."""
    base: dict[str, Any] = {"prompt": "", "greeting": "Welcome", "allowed_idle": 3.0}
    profile = Profile(**(base | settings))
    wire = Loopback(RATE, Impairments(), Impairments())
    await wire.near.answer()
    talk = Talk(NotingVoice(), ToneEars(), [], b"")
    driver = TickDriver(
        Session(profile, RATE), wire.near, profile=profile, stt=talk.ears, tts=talk.voice,
        llm=ScriptedLanguageModel("You owe $90, call 555-214-9873."), turn=FixedTurn(),
        run_tool=_no_tool, on_note=talk.notes.append, latency=SeededLatency(1),
    )  # fmt: skip
    heard = bytearray()

    def advance() -> None:
        if wire.near.queued() == 0 and not talk.ears.heard and len(heard) > 2 * RATE * 2 and not asked:
            wire.far.write(tones.speak("how much please", RATE))
            asked.append(True)
        wire.advance()
        heard.extend(wire.far.read())

    asked: list[bool] = []
    await run([driver], LevelActivity(), advance, most_ms=60_000)
    talk.sound = bytes(heard)
    return talk


async def _no_tool(name: str, arguments: dict[str, Any]) -> ToolAnswer:
    raise AssertionError(name)


async def test_what_is_spoken_is_speakable_and_the_transcript_keeps_what_was_written() -> None:
    talk = await call()
    assert " ".join(talk.voice.spoken[1:]) == (
        "You owe ninety dollars, call five five five, two one four, nine eight seven three."
    )
    assert said(talk.notes, Kind.AGENT_SAID) == ["Welcome", "You owe $90, call 555-214-9873."]


async def test_other_languages_leave_digits_to_the_voice() -> None:
    talk = await call(language="de-DE")
    assert " ".join(talk.voice.spoken[1:]) == "You owe $90, call 5 5 5, 2 1 4, 9 8 7 3."


async def test_keywords_reach_the_recogniser() -> None:
    assert (await call(keywords=("Xarelto", "Nguyen"))).ears.expected == ("Xarelto", "Nguyen")
    assert (await call()).ears.expected == ()


async def test_speed_and_voice_reach_the_voice() -> None:
    talk = await call(voice_speed=1.2, voice_id="nova", language="en-GB", voice_instructions="Softly.")
    assert set(talk.voice.voices) == {Voice("nova", "en-GB", 1.2, "Softly.")}


async def test_volume_changes_what_is_heard_and_never_wraps() -> None:
    plain = (await call()).loudest
    assert (await call(voice_volume=0.5)).loudest / plain < 0.55
    assert 1.8 < (await call(voice_volume=2.0)).loudest / plain < 2.1  # G.711 rounds
    assert (await call(voice_volume=0.0)).loudest == 0
