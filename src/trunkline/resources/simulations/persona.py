"""Who calls, as a YAML case holds it, and the profile that a model plays it by."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from trunkline.voice.conversation.profile import GreetingMode, Profile
from trunkline.voice.lines.loopback import Impairments
from trunkline.voice.speech.noises import COUGHS, NOISES

Ms = int

_PLAYED = """You are a person on the telephone. You are not an assistant and help nobody: you want something, and the agent \
on the other end is there to help you. {side}

Who you are and what you want: {persona}

Say only what this person says, one short turn at a time, in the language {language}. Answer what the agent asks; make up \
what is not given. Never say that you are a model or that this is a test. When you have what you wanted, or have given up, \
say goodbye and end the call."""
_CALLED_IN = "You have called the agent."
_WAS_CALLED = "The agent has called you."


class Part(BaseModel):
    """What every part of a persona's description has."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Temper(StrEnum):
    """How the persona takes things."""

    CALM = "calm"
    HURRIED = "hurried"
    ANGRY = "angry"
    CONFUSED = "confused"
    CHATTY = "chatty"
    TACITURN = "taciturn"
    SUSPICIOUS = "suspicious"


_TEMPERS = {
    Temper.CALM: "",
    Temper.HURRIED: "You have no time: you say so, want short answers and lose patience when you have to wait.",
    Temper.ANGRY: "You are angry with this company and say so; kindness calms you only after several turns.",
    Temper.CONFUSED: "You mix things up, correct yourself, and ask to have things explained again.",
    Temper.CHATTY: "You talk of other things as well, and come to the point late.",
    Temper.TACITURN: "You answer in one to three words and offer nothing by yourself.",
    Temper.SUSPICIOUS: "You doubt that this is genuine and want to know why each question is asked.",
}


class Deed(StrEnum):
    """What a persona does at a set moment, besides talking."""

    INTERRUPT = "interrupt"
    """Speaks over the agent; not done if the agent has already finished."""
    BACK_CHANNEL = "back_channel"
    """Says a word of listening; not done if the agent has already finished."""
    NOISE = "noise"
    """A cough, a door …"""
    MUTE = "mute"
    """Nothing of it is heard for a while."""
    PRESS = "press"
    HANG_UP = "hang_up"


class Doing(Part):
    """A deed and its moment: `at_ms` of the call, or `after_ms` into what the agent says the `agent_turn`th time."""

    do: Deed
    at_ms: Ms | None = Field(None, ge=0)
    agent_turn: int | None = Field(None, ge=1)
    after_ms: Ms = Field(0, ge=0)
    say: str = ""
    sound: str = "cough"
    level_db: float = Field(-24.0, le=0)
    """Of a noise: dB of full scale, RMS of its louder half."""
    for_ms: Ms = Field(2000, gt=0)
    keys: str = Field("", pattern=r"^[0-9A-D*#]*$")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.at_ms is None) == (self.agent_turn is None):
            raise ValueError("name the moment by at_ms or by agent_turn")
        if self.do in (Deed.INTERRUPT, Deed.BACK_CHANNEL) and not self.say.strip():
            raise ValueError(f"{self.do.value} needs say")
        if self.do is Deed.PRESS and not self.keys:
            raise ValueError("press needs keys")
        if self.do is Deed.NOISE and self.sound not in {**COUGHS, **NOISES}:
            raise ValueError(f"sound is one of {', '.join({**COUGHS, **NOISES})}")
        return self


class Cue(Part):
    """One thing that a scripted persona says. The first that fits and was not said yet is said."""

    to: str = ""
    """A pattern in what the agent has just said; `^$`: nobody has said anything yet. "" fits whatever it said."""
    say: str = Field(min_length=1)
    after_ms: Ms = Field(600, ge=0)
    """From the agent's last sound to the first of this; never less than it takes to hear that it has finished."""
    breaks_in_ms: Ms | None = Field(None, ge=0)
    """From the agent's first sound, whether it goes on or not; instead of `after_ms`."""
    pause_ms: Ms = Field(0, ge=0)
    """Silence before `rest`."""
    rest: str = ""
    """What follows the pause, still the same turn."""
    hang_up: bool = False
    """Then it hangs up."""

    @field_validator("to")
    @classmethod
    def _pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"not a pattern: {error}") from None
        return value

    @property
    def text(self) -> str:
        """The whole turn."""
        return f"{self.say} {self.rest}".strip()


class Recorded(Part):
    """A machine that answers: a voicemail greeting, or a menu whose keys lead to others or to the persona."""

    says: str = Field(min_length=1)
    beep: bool = False
    """A tone follows: a message may be left."""
    keys: dict[str, "Recorded"] = {}
    person: bool = False
    """Then the persona itself is on the line."""
    listens: float = Field(8.0, ge=0)
    """Seconds of waiting, for a key or while a message is left; then the menu is said once more, or it hangs up."""


class Noise(Part):
    """Sound around the persona, this many dB under its voice."""

    place: Literal["steady", "cafe", "office"] = "steady"
    snr_db: float


class Network(Part):
    """The way from the persona to the agent. Times in ms, in whole packets of 20."""

    loss: float = Field(0.0, ge=0, le=1)
    burst: float = Field(1.0, ge=1)
    jitter_ms: Ms = Field(0, ge=0)
    delay_ms: Ms = Field(0, ge=0)
    echo: float = Field(0.0, ge=0, le=1)
    """Gain with which the agent's own sound comes back to it."""
    echo_ms: Ms = Field(100, ge=0)
    g711: bool = True

    def impairments(self, seed: int) -> Impairments:
        """What the line in memory does."""
        return Impairments(
            loss=self.loss,
            burst=self.burst,
            jitter_ms=self.jitter_ms,
            delay_ms=self.delay_ms,
            echo=self.echo,
            echo_ms=self.echo_ms,
            mulaw=self.g711,
            seed=seed,
        )


class Persona(Part):
    """Somebody on the telephone. With a `script` it says what is written there; otherwise a model plays it."""

    goal: str = ""
    knows: tuple[str, ...] = ()
    """Told when asked."""
    withholds: tuple[str, ...] = ()
    """Known, and told only when the agent insists or says why it has to know."""
    temper: Temper = Temper.CALM
    language: str = "en-US"
    """What it speaks, whatever the agent speaks."""
    voice_id: str = ""
    speed: float = Field(1.0, ge=0.5, le=2.0)
    """Of its speech; 1 is normal."""
    hello: str = "Hello?"
    """Said first when it is called."""
    script: tuple[Cue, ...] = ()
    doings: tuple[Doing, ...] = ()
    recorded: Recorded | None = None
    noise: Noise | None = None
    network: Network = Network()

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not self.goal.strip() and not self.script and self.recorded is None:
            raise ValueError("a persona needs a goal, a script, or a machine that answers (recorded)")
        return self


def prompt_of(persona: Persona) -> str:
    """What the model reads of who it plays."""
    parts = [
        persona.goal.strip(),
        _TEMPERS[persona.temper],
        _listed("You know this and tell it when you are asked:", persona.knows),
        _listed(
            "You know this too, but do not offer it; tell it only when the agent asks twice or says why it needs it:",
            persona.withholds,
        ),
    ]
    return "\n".join(part for part in parts if part)


def profile_of_persona(persona: Persona, agent: Profile, *, calls: bool) -> Profile:
    """How a model plays the persona opposite `agent`; `calls`: it is the one who telephones."""
    side = _CALLED_IN if calls else _WAS_CALLED
    return Profile(
        prompt=_PLAYED.format(persona=prompt_of(persona), side=side, language=persona.language),
        language=persona.language,
        model=agent.model,
        greeting="" if calls else persona.hello,
        greeting_mode=GreetingMode.HUMAN if calls else GreetingMode.AGENT_STATIC,
        voice_id=persona.voice_id,
        voice_speed=persona.speed,
        allowed_idle=60.0,
        max_duration=None,
    )


def _listed(head: str, facts: Sequence[str]) -> str:
    return "\n".join([head, *(f"- {fact}" for fact in facts)]) if facts else ""
