"""A simulated call with sound: agent and persona on the two ends of a line in memory, on one tick clock.

What the persona says goes through its room (noise, coughs), the codec and the network to the agent's ears, as fast as
the parts of speech give it; the same seed and the same answers give the same notes and the same sound to the byte.
"""

import io
import random
import wave
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trunkline.resources.simulations import callers
from trunkline.resources.simulations.callers import Acting, Machine, ScriptedCaller
from trunkline.resources.simulations.happenings import Called, Happenings, Said
from trunkline.resources.simulations.persona import (
    Deed,
    Doing,
    Persona,
    Recorded,
    profile_of_persona,
)
from trunkline.resources.simulations.room import Room, level_of
from trunkline.voice.conversation.events import TICK_MS, Event, Kind, Note, Request
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.conversation.session import Session
from trunkline.voice.driver import job
from trunkline.voice.driver.budgets import Budgets
from trunkline.voice.driver.latency import Latency, Pace, SeededLatency
from trunkline.voice.driver.ports import RunTool, ToolAnswer
from trunkline.voice.driver.ticked import Talk, TickDriver, run
from trunkline.voice.language.ports import LanguageModel
from trunkline.voice.lines.loopback import Impairments, Loopback
from trunkline.voice.speech.features import floats_to_pcm
from trunkline.voice.speech.noises import COUGHS, NOISES, at_level, trimmed
from trunkline.voice.speech.noises import RATE as NOISE_RATE
from trunkline.voice.speech.ports import SpeechToText, TextToSpeech, TurnModel, Voice, VoiceActivity
from trunkline.voice.speech.resample import resample

RATE = 8000
"""Samples a second on the line."""
MOST_SECONDS = 1800.0
_PATIENT = Budgets(
    words=600.0,
    final_words=600.0,
    verdict=600.0,
    first_token=600.0,
    next_token=600.0,
    reply=3600.0,
    first_sound=600.0,
    next_sound=600.0,
    sentence=3600.0,
)
"""On the tick clock slow parts cost time and are no fault."""
_AT_ONCE: Mapping[job.Kind, Pace] = {kind: Pace((0, 0)) for kind in job.Kind if kind is not job.Kind.HEARING}
_SAMPLE = "Good morning, I am calling about an appointment."
"""Said by a persona that a model plays, to learn the level of its voice."""
_BEEP_HZ, _BEEP_MS = 1000, 500


@dataclass(frozen=True)
class Side:
    """What one end of the call hears, speaks and thinks with."""

    stt: SpeechToText
    tts: TextToSpeech
    llm: LanguageModel
    turn: TurnModel


@dataclass(frozen=True)
class Utterance:
    """What one side said, as far as it was heard; times on the call's clock."""

    sender: str
    """`bot` or `human`."""
    text: str
    start_ms: int
    end_ms: int
    cut: bool = False


@dataclass(frozen=True)
class VoiceCall:
    """A simulated call that is over."""

    notes: tuple[Note, ...]
    """The agent's, as a real call has them."""
    persona_notes: tuple[Note, ...]
    """The persona's own, and its deeds (kind `deed`: {do, done}) at the tick they were done."""
    sound: bytes
    """Stereo s16le at RATE: left what the agent heard, right what the persona heard."""
    length_ms: int
    end_reason: str
    """The agent's; "" when the call was cut off at its bound."""

    @property
    def transcript(self) -> list[Utterance]:
        """What the agent's record holds, in the order in which it began."""
        said = {Kind.AGENT_SAID.value: "bot", Kind.CALLER_SAID.value: "human"}
        happened = [
            Utterance(
                said[note.kind],
                note.data["text"],
                note.data["start_ms"],
                note.data["end_ms"],
                note.data.get("cut", False),
            )
            for note in self.notes
            if note.kind in said
        ]
        return sorted(happened, key=lambda each: each.start_ms)

    @property
    def ledger(self) -> list[Mapping[str, Any]]:
        """A ledger for each turn the agent took."""
        return [note.data for note in self.notes if note.kind == Kind.TURN.value]

    @property
    def happenings(self) -> Happenings:
        """The talk as rules and judges read it: the agent's record of it."""
        said = self.transcript
        ended = {note.data["call"]: note for note in self.notes if note.kind == Kind.TOOL_FINISHED.value}
        calls = []
        for note in self.notes:
            if note.kind != Kind.TOOL_STARTED.value:
                continue
            end = ended.get(note.data["call"])
            calls.append(
                Called(
                    note.data["name"],
                    note.data["arguments"],
                    end.data["result"] if end else None,
                    end is not None and end.data["ok"],
                    sum(each.start_ms <= note.at_ms for each in said),
                    note.at_ms,
                )
            )
        passed = [
            note.data["target"]
            for note in self.notes
            if note.kind == Kind.TRANSFER_STARTED.value and "target" in note.data
        ]
        turns = [
            Said("agent" if each.sender == "bot" else "caller", each.text, each.start_ms, each.end_ms)
            for each in said
        ]
        return Happenings(tuple(turns), tuple(calls), tuple(passed), self.end_reason or None)

    def wav(self) -> bytes:
        """The sound as a file."""
        out = io.BytesIO()
        with wave.open(out, "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(self.sound)
        return out.getvalue()


class _Taped:
    """Fulfils Talk: another, with what it heard and noted."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.tape = bytearray()
        self.notes: list[Note] = []
        self.turns = 0
        """How often it has spoken."""

    @property
    def ended(self) -> bool:
        return self._talk.ended

    def tick(self, frame: bytes | None, speech: float, queued: int) -> tuple[bytes, list[Request]]:
        if not self._talk.ended:
            self.tape += frame or bytes(RATE * TICK_MS // 500)
        return self._talk.tick(frame, speech, queued)

    def feed(self, event: Event) -> list[Request]:
        return self._talk.feed(event)

    def note(self, note: Note) -> None:
        self.notes.append(note)
        self.turns += note.kind == Kind.AGENT_SAID.value


async def no_tools(name: str, arguments: dict[str, Any]) -> ToolAnswer:
    """For an agent without tools, and for personas: nothing is run."""
    return ToolAnswer(f"There is no {name} here.", ok=False)


async def call(
    agent: Profile,
    persona: Persona,
    *,
    ours: Side,
    theirs: Side,
    vad: VoiceActivity,
    seed: int,
    persona_calls: bool = True,
    run_tool: RunTool = no_tools,
    latency: Callable[[str], Latency] | None = None,
    most_turns: int | None = None,
    most_seconds: float = MOST_SECONDS,
) -> VoiceCall:
    """A whole call. `ours`: the agent's parts, `theirs`: the persona's.

    `run_tool` gives what the agent's tools give; nothing else of the world is touched. `latency`: how long the parts of
    `agent` and `persona` take, drawn from the seed where it is not given. `most_turns`: the agent speaks so often.

    Raises:
        ProviderError: the persona's voice failed before the call.
    """
    dice = random.Random(f"{seed} call")  # noqa: S311 repeatable on purpose
    lines = Loopback(
        RATE,
        to_near=persona.network.impairments(dice.getrandbits(32)),
        to_far=Impairments(mulaw=persona.network.g711, seed=dice.getrandbits(32)),
        inbound=persona_calls,
    )
    clock = latency or (lambda who: SeededLatency(_number(seed, who)))
    us = _Taped(Session(agent, RATE))
    cast = await _Cast.of(persona, agent, theirs.tts, seed, persona_calls)
    them = _Taped(cast.talk)
    lines.far.microphone = cast.room.around
    legs = [
        _leg(us, lines.near, agent, ours, run_tool, clock("agent")),
        _leg(
            them,
            lines.far,
            cast.profile,
            theirs,
            no_tools,
            SeededLatency(seed, _AT_ONCE) if cast.scripted else clock("persona"),
        ),
    ]
    await (lines.near if persona_calls else lines.far).answer()

    def enough() -> bool:
        return us.ended or (most_turns is not None and us.turns >= most_turns)

    length = await run(legs, vad, lines.advance, until=enough, most_ms=int(most_seconds * 1000))
    ended = [note.data["reason"] for note in us.notes if note.kind == Kind.ENDED.value]
    return VoiceCall(
        tuple(us.notes), tuple(them.notes), _stereo(us.tape, them.tape), length, ended[0] if ended else ""
    )


@dataclass(frozen=True)
class _Cast:
    """Who is on the other end."""

    talk: Talk
    profile: Profile
    room: Room
    scripted: bool

    @classmethod
    async def of(
        cls, persona: Persona, agent: Profile, tts: TextToSpeech, seed: int, persona_calls: bool
    ) -> "_Cast":
        profile = profile_of_persona(persona, agent, calls=persona_calls)
        voice = Voice(persona.voice_id, persona.language, persona.speed)
        sounds = {text: await _spoken(tts, text, voice) for text in _texts(persona)}
        room = Room(RATE)
        if persona.noise is not None:
            sample = b"".join(sounds.values()) or await _spoken(tts, _SAMPLE, voice)
            level = level_of(sample, RATE) - persona.noise.snr_db
            room.fill(persona.noise.place, level, _number(seed, "noise"))
        scripted = bool(persona.script)
        talk: Talk = ScriptedCaller(persona.script, sounds, RATE) if scripted else Session(profile, RATE)
        if persona.recorded is not None:
            talk = Machine(persona.recorded, sounds, _beep(), RATE, talk)
        if persona.doings:
            deeds = {
                doing: sound
                for doing in persona.doings
                if (sound := _sound_of(doing, sounds, seed)) is not None
            }
            talk = Acting(talk, persona.doings, deeds, room)
        return cls(talk, profile, room, scripted)


def _leg(
    talk: _Taped,
    line: Any,
    profile: Profile,
    side: Side,
    run_tool: RunTool,
    latency: Latency,
) -> TickDriver:
    return TickDriver(
        talk,
        line,
        profile=profile,
        stt=side.stt,
        tts=side.tts,
        llm=side.llm,
        turn=side.turn,
        run_tool=run_tool,
        on_note=talk.note,
        latency=latency,
        budgets=_PATIENT,
    )


def _texts(persona: Persona) -> list[str]:
    """All that is said word for word, each once."""
    said = [text for cue in persona.script for text in (cue.say, cue.rest)]
    said += [doing.say for doing in persona.doings if doing.do in (Deed.INTERRUPT, Deed.BACK_CHANNEL)]
    if persona.script:
        said.append(callers.LOST)
    if persona.recorded is not None:
        said += _recorded(persona.recorded)
    return list(dict.fromkeys(text for text in said if text))


def _recorded(recorded: Recorded) -> list[str]:
    return [recorded.says, *(text for each in recorded.keys.values() for text in _recorded(each))]


async def _spoken(tts: TextToSpeech, text: str, voice: Voice) -> bytes:
    made = b"".join([piece async for piece in tts.speak(text, voice)])
    return resample(made, tts.rate, RATE)


def _sound_of(doing: Doing, sounds: Mapping[str, bytes], seed: int) -> bytes | None:
    if doing.do is not Deed.NOISE:
        return sounds.get(doing.say)
    made = {**COUGHS, **NOISES}[doing.sound](np.random.default_rng(_number(seed, doing.sound)))
    return resample(floats_to_pcm(at_level(trimmed(made), doing.level_db)), NOISE_RATE, RATE)


def _beep() -> bytes:
    at = np.arange(RATE * _BEEP_MS // 1000)
    return floats_to_pcm((0.25 * np.sin(2 * np.pi * _BEEP_HZ * at / RATE)).astype(np.float32))


def _stereo(left: Sequence[int] | bytearray, right: Sequence[int] | bytearray) -> bytes:
    size = max(len(left), len(right))
    both = [np.frombuffer(bytes(each).ljust(size, b"\0"), "<i2") for each in (left, right)]
    return np.stack(both, axis=1).tobytes()


def _number(seed: int, what: str) -> int:
    """Another seed for each thing that is drawn."""
    return random.Random(f"{seed} {what}").getrandbits(32)  # noqa: S311 repeatable on purpose
