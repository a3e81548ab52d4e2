"""Simulated calls with sound: how much faster than real time on one core, and whether seeds replay to the byte."""

import asyncio
import hashlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure
from trunkline.resources.simulations import voice_level
from trunkline.resources.simulations.persona import Persona
from trunkline.resources.simulations.voice_call import VoiceCall
from trunkline.resources.simulations.voice_level import Side
from trunkline.voice.answers import Answers, MemoryStore
from trunkline.voice.conversation.profile import Profile, Tool
from trunkline.voice.driver.ports import ToolAnswer
from trunkline.voice.language.twins import Line, ScriptedLanguageModel
from trunkline.voice.speech.cached import CachedSpeechToText, CachedTextToSpeech, CachedTurnModel
from trunkline.voice.speech.hibari import LocalVoice
from trunkline.voice.speech.ports import SpeechToText, TextToSpeech, TurnModel, VoiceActivity
from trunkline.voice.speech.turn import SmartTurn
from trunkline.voice.speech.twins import FixedTurn, LevelActivity, ToneEars, ToneVoice
from trunkline.voice.speech.vad import SileroVad
from trunkline.voice.speech.whisper import LocalWhisper, WhisperDecoder

_CALLS, _LOCAL_CALLS = 20, 2
_REPLAYS = 1000
_BOOK = Tool("book", "Books a visit", {"type": "object", "properties": {"day": {"type": "string"}}})
_AGENT = Profile(
    prompt="You answer the phone.",
    greeting="Good day, how may I help you?",
    max_duration=90.0,
    tools=(_BOOK,),
)
_SCRIPT: list[dict[str, Any]] = [
    {"to": "help you", "say": "I would like a visit, please."},
    {"to": "booked", "say": "And is there anything on Thursday?"},
    {"to": "else", "say": "Four o'clock would be better for me."},
    {"say": "Thank you very much. Goodbye.", "hang_up": True},
]


def measure(models: Path, full: bool) -> Iterator[Figure]:
    """Twins, the local speech parts, the same from the cache; then replays. In a process of its own, as runs are."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.voice_level",
        str(models),
        str(_REPLAYS if full else _REPLAYS // 5),
    ]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    made = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    for line in made.stdout.splitlines():
        told = json.loads(line)
        yield Figure(told["metric"], told["value"], told["unit"], told["goal"], told["how"])


def main(models: Path, replays: int) -> None:
    """Measure here, and print the figures."""
    for figure in [*asyncio.run(_speeds(models)), asyncio.run(_replayed(replays))]:
        print(json.dumps(asdict(figure)), flush=True)


async def _speeds(models: Path) -> list[Figure]:
    goal = ">= 50"
    figures = [
        await _speed(
            "voice simulation", goal, _CALLS, ToneEars(), ToneVoice(), FixedTurn(0.99), LevelActivity()
        )
    ]
    vad = SileroVad(models / "vad" / "silero_vad.onnx")
    figures.append(
        await _speed(
            "voice simulation, neural VAD", goal, _CALLS, ToneEars(), ToneVoice(), FixedTurn(0.99), vad
        )
    )
    return figures + await _local(models, vad)


async def _local(models: Path, vad: VoiceActivity) -> list[Figure]:
    with ThreadPoolExecutor(1) as pool:
        answers = Answers(MemoryStore())
        voice = LocalVoice(pool)
        ears = LocalWhisper(WhisperDecoder(models / "stt-tiny.en"), pool)
        await voice.warm()
        await ears.warm()
        parts = (
            CachedSpeechToText(ears, answers, "local"),
            CachedTextToSpeech(voice, answers, "local"),
            CachedTurnModel(SmartTurn(models / "turn" / "smart-turn-v3.2-cpu.onnx", pool), answers, "local"),
        )
        return [
            await _speed(f"voice simulation, local speech parts{how}", None, _LOCAL_CALLS, *parts, vad)
            for how in ("", ", from the cache")
        ]


async def _speed(
    what: str,
    goal: str | None,
    calls: int,
    stt: SpeechToText,
    tts: TextToSpeech,
    turn: TurnModel,
    vad: VoiceActivity,
) -> Figure:
    await _call({"script": _SCRIPT[:1]}, 0, stt, tts, turn, vad, most_turns=1)
    talked = 0
    began = time.process_time()
    for seed in range(calls):
        talked += (await _call({"script": _SCRIPT}, seed, stt, tts, turn, vad)).length_ms
    spent = time.process_time() - began
    return Figure(
        what, talked / 1000 / spent, "x real time", goal, f"{calls} calls, {talked / 1000:.0f} s, CPU time"
    )


async def _replayed(wanted: int) -> Figure:
    dice = random.Random(20)
    equal = 0
    for _ in range(wanted):
        seed = dice.getrandbits(32)
        equal += await _print(seed) == await _print(seed)
    return Figure(
        "voice simulations that replay to the byte",
        100.0 * equal / wanted,
        "%",
        ">= 100",
        f"{wanted} seeds, two calls of 3 s each: notes of both sides and the sound between them",
    )


async def _print(seed: int) -> str:
    """What a short call with a seeded network, cough and end comes to."""
    persona = {
        "script": _SCRIPT[:1],
        "network": {"loss": seed % 5 / 100, "jitter_ms": seed % 3 * 20},
        "doings": [
            {"do": "noise", "sound": "cough", "at_ms": seed % 2800, "level_db": -30},
            {"do": "hang_up", "at_ms": 3000},
        ],
    }
    talk = await _call(persona, seed, ToneEars(), ToneVoice(), FixedTurn(0.99), LevelActivity())
    return hashlib.sha256(repr((talk.notes, talk.persona_notes)).encode() + talk.sound).hexdigest()


async def _call(
    persona: dict[str, Any],
    seed: int,
    stt: SpeechToText,
    tts: TextToSpeech,
    turn: TurnModel,
    vad: VoiceActivity,
    most_turns: int | None = None,
) -> VoiceCall:
    model = ScriptedLanguageModel(rule=_rule)
    side = Side(stt, tts, model, turn)
    return await voice_level.call(
        _AGENT,
        Persona.model_validate(persona),
        ours=side,
        theirs=side,
        vad=vad,
        seed=seed,
        run_tool=_booked,
        most_turns=most_turns,
    )


def _rule(messages: Any) -> Line:
    last = messages[-1]
    if last["role"] == "tool":
        return Line("You are booked for Monday at nine.")
    if "visit" in str(last["content"]).lower():
        return Line("One moment, please.", "book", {"day": "Monday"})
    return Line("I see. Is there anything else that I can do for you?")


async def _booked(name: str, arguments: dict[str, Any]) -> ToolAnswer:
    return ToolAnswer("booked")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
