"""Who is on the other end of a simulated call with sound, with all that is said word for word made into sound."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from trunkline.resources.simulations.acting import Acting
from trunkline.resources.simulations.answering_machine import AnsweringMachine
from trunkline.resources.simulations.persona import Deed, Doing, Persona, Recorded, profile_of_persona
from trunkline.resources.simulations.room import Room, level_of
from trunkline.resources.simulations.scripted_caller import LOST, ScriptedCaller
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.conversation.session import Session
from trunkline.voice.driver.ticked import Talk
from trunkline.voice.speech.features import floats_to_pcm
from trunkline.voice.speech.noises import COUGHS, NOISES, at_level, trimmed
from trunkline.voice.speech.noises import RATE as NOISE_RATE
from trunkline.voice.speech.ports import TextToSpeech, Voice
from trunkline.voice.speech.resample import resample

_SAMPLE = "Good morning, I am calling about an appointment."
"""Said by a persona that a model plays, to learn the level of its voice."""
_BEEP_HZ, _BEEP_MS = 1000, 500


@dataclass(frozen=True)
class Cast:
    """The persona of one call."""

    talk: Talk
    profile: Profile
    room: Room
    scripted: bool
    """No model plays it."""

    @classmethod
    async def of(
        cls, persona: Persona, agent: Profile, tts: TextToSpeech, seed: int, calls: bool, rate: int
    ) -> "Cast":
        """Opposite `agent`; `calls`: the persona is the one who telephones. Raises ProviderError for its voice."""
        profile = profile_of_persona(persona, agent, calls=calls)
        voice = Voice(persona.voice_id, persona.language, persona.speed)
        sounds = {text: await _spoken(tts, text, voice, rate) for text in _texts(persona)}
        room = Room(rate)
        if persona.noise is not None:
            sample = b"".join(sounds.values()) or await _spoken(tts, _SAMPLE, voice, rate)
            level = level_of(sample, rate) - persona.noise.snr_db
            room.fill(persona.noise.place, level, drawn(seed, "noise"))
        scripted = bool(persona.script)
        talk: Talk = ScriptedCaller(persona.script, sounds, rate) if scripted else Session(profile, rate)
        if persona.recorded is not None:
            talk = AnsweringMachine(persona.recorded, sounds, _beep(rate), rate, talk)
        if persona.doings:
            deeds = {
                doing: sound
                for doing in persona.doings
                if (sound := _sound_of(doing, sounds, seed, rate)) is not None
            }
            talk = Acting(talk, persona.doings, deeds, room)
        return cls(talk, profile, room, scripted)


def drawn(seed: int, what: str) -> int:
    """Another seed for each thing that is drawn."""
    return random.Random(f"{seed} {what}").getrandbits(32)  # noqa: S311 repeatable on purpose


def _texts(persona: Persona) -> list[str]:
    """All that is said word for word, each once."""
    said = [text for cue in persona.script for text in (cue.say, cue.rest)]
    said += [doing.say for doing in persona.doings if doing.do in (Deed.INTERRUPT, Deed.BACK_CHANNEL)]
    if persona.script:
        said.append(LOST)
    if persona.recorded is not None:
        said += _recorded(persona.recorded)
    return list(dict.fromkeys(text for text in said if text))


def _recorded(recorded: Recorded) -> list[str]:
    return [recorded.says, *(text for each in recorded.keys.values() for text in _recorded(each))]


async def _spoken(tts: TextToSpeech, text: str, voice: Voice, rate: int) -> bytes:
    made = b"".join([piece async for piece in tts.speak(text, voice)])
    return resample(made, tts.rate, rate)


def _sound_of(doing: Doing, sounds: Mapping[str, bytes], seed: int, rate: int) -> bytes | None:
    if doing.do is not Deed.NOISE:
        return sounds.get(doing.say)
    made = {**COUGHS, **NOISES}[doing.sound](np.random.default_rng(drawn(seed, doing.sound)))
    return resample(floats_to_pcm(at_level(trimmed(made), doing.level_db)), NOISE_RATE, rate)


def _beep(rate: int) -> bytes:
    at = np.arange(rate * _BEEP_MS // 1000)
    return floats_to_pcm((0.25 * np.sin(2 * np.pi * _BEEP_HZ * at / rate)).astype(np.float32))
