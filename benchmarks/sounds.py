"""A labelled set of our own for turn-taking: what callers do while the agent speaks, made here.

Four kinds: interruptions and back-channels (the local voice, varied in speed, pitch, level and noise), coughs and
other noises (made of noise and tones). It is synthetic: it shows what breaks, not how people talk. Each item belongs
to a half by a fixed hash: thresholds are tuned on `TUNING`, figures are reported on `REPORTING`.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import numpy as np
import soxr
from hibari import Hibari

from benchmarks import mulaw
from trunkline.voice.speech.noises import COUGHS, NOISES, RATE, Sound, at_level, hum, steady_noise, trimmed

FRAME = 160
"""Samples of 20 ms."""


class Kind(StrEnum):
    """What the caller does."""

    INTERRUPTION = "interruption"
    BACK_CHANNEL = "back_channel"
    COUGH = "cough"
    NOISE = "noise"


class Half(StrEnum):
    """What an item is used for."""

    TUNING = "tuning"
    REPORTING = "reporting"


@dataclass(frozen=True)
class Item:
    """One sound of the set, and the noise of the line it is on."""

    kind: Kind
    name: str
    level: float
    """Of the sound where it sounds: dB of full scale, RMS."""
    snr: float | None
    """dB over the line's steady noise; None: a silent line."""
    speed: float = 1.0
    pitch: float = 1.0
    take: int = 0
    """Tells apart what is drawn anew each time."""

    @property
    def half(self) -> Half:
        digest = hashlib.sha256(repr(self).encode()).digest()
        return Half.TUNING if digest[0] % 2 else Half.REPORTING

    @property
    def seed(self) -> int:
        """For what is drawn in it."""
        return int.from_bytes(hashlib.sha256(repr(self).encode()).digest()[1:5], "big")


INTERRUPTIONS = (
    "Actually, I would like to ask something else.",
    "No wait, that is not what I meant.",
    "Hold on, what about Sunday?",
    "Stop please, I need something else.",
    "Sorry, can I change the appointment?",
    "Excuse me, how much is that?",
    "But I need it before Friday.",
    "Can you repeat the address?",
    "I already have an appointment with you.",
    "What about my insurance?",
    "Please just give me the phone number.",
    "That does not work for me.",
    "How long does that take?",
    "Should I bring my papers?",
    "Four o'clock would be better.",
    "Is there anything on Thursday?",
)
"""Also with heads that a voice-activity model is slow to take for voice: hisses, stops, glottal stops."""
HUM = "Mhm."
BACK_CHANNELS = (HUM, "Yeah.", "Okay.", "Right.", "I see.", "Got it.", "Yes.", "Oh, okay.")
"""The local voice cannot hum: the first is made of pulses through a nose."""
_VARIANTS = {Kind.INTERRUPTION: 9, Kind.BACK_CHANNEL: 18, Kind.COUGH: 28, Kind.NOISE: 18}
_LEVELS = (-18.0, -24.0, -30.0)
_SNRS = (None, 20.0, 10.0)


def items(kind: Kind) -> list[Item]:
    """All of a kind, both halves."""
    names: tuple[str, ...]
    match kind:
        case Kind.INTERRUPTION:
            names = INTERRUPTIONS
        case Kind.BACK_CHANNEL:
            names = BACK_CHANNELS
        case Kind.COUGH:
            names = tuple(COUGHS)
        case Kind.NOISE:
            names = tuple(NOISES)
    spoken = kind in (Kind.INTERRUPTION, Kind.BACK_CHANNEL)
    made = []
    for number, name in enumerate(names):
        for variant in range(_VARIANTS[kind]):
            turn = number + variant
            made.append(
                Item(
                    kind,
                    name,
                    _LEVELS[variant % 3],
                    _SNRS[variant // 3 % 3],
                    (0.9, 1.0, 1.15, 1.3)[turn % 4] if spoken else (0.8, 1.0, 1.25)[turn % 3],
                    (1.0, 0.8, 1.15, 0.72)[variant % 4] if spoken else (0.85, 1.0, 1.2)[variant % 3],
                    variant,
                )
            )
    return made


def sound(item: Item) -> Sound:
    """The item alone at 8 kHz, -1 to 1, at its level, without silence at either end."""
    dice = np.random.default_rng(item.seed)
    if item.kind in (Kind.INTERRUPTION, Kind.BACK_CHANNEL):
        raw = (
            hum(dice, item.speed, item.pitch)
            if item.name == HUM
            else spoken(item.name, item.speed, item.pitch)
        )
    else:
        raw = {**COUGHS, **NOISES}[item.name](dice)
        raw = _resampled(raw, 1 / (item.speed * item.pitch))
    return at_level(trimmed(raw), item.level)


def on_the_line(item: Item, lead: int, tail: int) -> bytes:
    """s16le through mu-law: the item after `lead` samples of the line's noise, and `tail` samples of it behind."""
    heard = sound(item)
    line = np.concatenate([np.zeros(lead, np.float32), heard, np.zeros(tail, np.float32)])
    if item.snr is not None:
        dice = np.random.default_rng(item.seed + 1)
        line += at_level(steady_noise(len(line), dice), item.level - item.snr)
    pcm = np.clip(line * 32768, -32768, 32767).astype("<i2").tobytes()
    return mulaw.decode(mulaw.encode(pcm))


@cache
def _voice() -> Hibari:
    return Hibari(threads=1)


@cache
def spoken(text: str, speed: float = 1.0, pitch: float = 1.0) -> Sound:
    """The local voice at 8 kHz; `pitch` moves the formants as well, as another throat would."""
    made = np.asarray(_voice()(text, speed=speed / pitch, seed=0), np.float32)
    return _resampled(made, RATE / 24_000 / pitch)


def _resampled(samples: Sound, ratio: float) -> Sound:
    return np.asarray(soxr.resample(samples, 48_000, 48_000 * ratio), np.float32)


def every(half: Half) -> Iterator[Item]:
    """The items of a half, all kinds."""
    for kind in Kind:
        yield from (item for item in items(kind) if item.half is half)
