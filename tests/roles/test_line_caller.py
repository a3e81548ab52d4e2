"""A persona's end of a real call, on a beat that is stepped by hand: it hears, answers, hangs up, and is recorded."""

import asyncio
from typing import Any

import numpy as np

from trunkline.host.beat import Beat
from trunkline.resources.simulations.cast import Cast
from trunkline.resources.simulations.happenings import Called, Said
from trunkline.resources.simulations.persona import Persona
from trunkline.resources.simulations.text_level import OnEvent
from trunkline.resources.simulations.voice_call import RATE
from trunkline.resources.simulations.voice_level import Side
from trunkline.roles.simulate.line_caller import LineCaller
from trunkline.voice.conversation.events import Kind, LineClosed, LineEvent
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.language.twins import ScriptedLanguageModel
from trunkline.voice.lines.loopback import Loopback
from trunkline.voice.speech import tones
from trunkline.voice.speech.twins import FixedTurn, LevelActivity, ToneEars, ToneVoice

MOST_TICKS = 1500


async def talked(
    persona: dict[str, Any], on_event: OnEvent | None = None
) -> tuple[LineCaller, bytes, bytes, list[LineEvent]]:
    """The caller, its recording, what the other end heard, and that end's events."""
    lines = Loopback(RATE)
    beat = Beat(LevelActivity(), asyncio.get_running_loop())
    made = Persona.model_validate(persona)
    cast = await Cast.of(made, Profile(prompt=""), ToneVoice(), 1, calls=True, rate=RATE)
    side = Side(ToneEars(), ToneVoice(), ScriptedLanguageModel(), FixedTurn(0.99))
    caller = LineCaller(lines.far, cast, side, beat, most_turns=3, on_event=on_event)
    await lines.near.answer()
    lines.near.write(b"".join(tones.speak(word, RATE) for word in ("How", "may", "I", "help?")))
    talk = asyncio.create_task(caller.talk())
    heard = bytearray()
    events: list[LineEvent] = []
    for _ in range(MOST_TICKS):
        if talk.done():
            break
        beat.step()
        lines.advance()
        heard += lines.near.read()
        events += lines.near.events()
        for _ in range(5):
            await asyncio.sleep(0)
    return caller, await talk, bytes(heard), events


async def test_it_says_its_script_and_hangs_up() -> None:
    script = [{"to": "help", "say": "A visit please.", "hang_up": True}]
    told: list[Said | Called] = []
    caller, sound, heard, events = await talked({"script": script}, told.append)
    assert tones.hear(heard, RATE) == "A visit please."
    assert any(isinstance(each, LineClosed) for each in events)
    assert [note.data["text"] for note in caller.notes if note.kind == Kind.CALLER_SAID.value] == [
        "How may I help?"
    ]
    assert [(each.who, each.text) for each in told if isinstance(each, Said)] == [
        ("agent", "How may I help?"),
        ("caller", "A visit please."),
    ]
    left, right = np.frombuffer(sound, "<i2").reshape(-1, 2).T
    assert tones.hear(left.tobytes(), RATE) == "A visit please."
    assert tones.hear(right.tobytes(), RATE) == "How may I help?"


async def test_its_room_is_on_the_line_while_it_says_nothing() -> None:
    noisy = {"script": [{"to": "help", "say": "Bye.", "hang_up": True}], "noise": {"snr_db": 10}}
    _, _, heard, _ = await talked(noisy)
    before = np.frombuffer(heard, "<i2")[: RATE // 2].astype(float)
    assert np.sqrt(np.mean(before**2)) > 50
