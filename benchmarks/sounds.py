"""A labelled set of our own for turn-taking: what callers do while the agent speaks, made here.

Four kinds: interruptions and back-channels (the local voice, varied in speed, pitch, level and noise), coughs and
other noises (made of noise and tones). It is synthetic: it shows what breaks, not how people talk. Each item belongs
to a half by a fixed hash: thresholds are tuned on `TUNING`, figures are reported on `REPORTING`.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import numpy as np
import soxr
from hibari import Hibari
from numpy.typing import NDArray

from benchmarks import mulaw

RATE = 8000
FRAME = 160
"""Samples of 20 ms."""
Sound = NDArray[np.float32]


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
            names = tuple(_COUGHS)
        case Kind.NOISE:
            names = tuple(_NOISES)
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
            _hum(dice, item.speed, item.pitch)
            if item.name == HUM
            else spoken(item.name, item.speed, item.pitch)
        )
    else:
        raw = {**_COUGHS, **_NOISES}[item.name](dice)
        raw = _resampled(raw, 1 / (item.speed * item.pitch))
    return at_level(_trimmed(raw), item.level)


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


def steady_noise(samples: int, dice: np.random.Generator) -> Sound:
    """A room: noise that falls with frequency."""
    return _coloured(dice.standard_normal(samples), 100, 3400, tilt=-0.5)


def _resampled(samples: Sound, ratio: float) -> Sound:
    return np.asarray(soxr.resample(samples, 48_000, 48_000 * ratio), np.float32)


def _coloured(noise: NDArray[np.float64], low: float, high: float, tilt: float = 0.0) -> Sound:
    spectrum = np.fft.rfft(noise)
    hertz = np.fft.rfftfreq(len(noise), 1 / RATE)
    shape = ((hertz >= low) & (hertz <= high)) * np.maximum(hertz, 50.0) ** tilt
    return np.fft.irfft(spectrum * shape, len(noise)).astype(np.float32)


def _trimmed(samples: Sound) -> Sound:
    """Without the frames of doubt at either end, 40 dB under the loudest."""
    whole = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    loud = np.sqrt((whole**2).mean(axis=1))
    sure = np.flatnonzero(loud >= loud.max() * 0.03)
    return whole[sure[0] : sure[-1] + 1].reshape(-1)


def at_level(samples: Sound, level: float) -> Sound:
    """Scaled so that the louder half of its frames has this RMS."""
    whole = samples[: max(1, len(samples) // FRAME) * FRAME]
    powers = np.sort((whole.reshape(-1, min(FRAME, len(whole))) ** 2).mean(axis=1))
    rms = float(np.sqrt(powers[len(powers) // 2 :].mean()))
    return (samples * (10 ** (level / 20) / max(rms, 1e-9))).astype(np.float32)


# ---- a hum ----


def _hum(dice: np.random.Generator, speed: float, pitch: float) -> Sound:
    """Two hums with a breath between, the second higher: closed lips let little through above 500 Hz."""
    parts: list[Sound] = []
    for seconds, hertz in ((0.18, 150.0), (0.3, 185.0)):
        samples = int(seconds / speed * RATE)
        t = np.arange(samples) / RATE
        phase = 2 * np.pi * np.cumsum(hertz * pitch * (1 + 0.01 * np.sin(2 * np.pi * 5 * t))) / RATE
        voice = sum(
            np.sin(phase * n + dice.uniform(0, 6)) * (1.0, 0.6, 0.12, 0.06, 0.04)[n - 1] for n in range(1, 6)
        )
        parts.append(np.asarray(voice * np.minimum(1, np.minimum(t, t[::-1]) / 0.03), np.float32))
        breath = _coloured(dice.standard_normal(480), 200, 2000, -0.5)
        parts.append(0.1 * breath / np.abs(breath).max())
    return np.concatenate(parts[:-1])


# ---- coughs: a burst of air, sometimes a voiced tail ----


def _envelope(samples: int, attack: float, decay: float) -> Sound:
    t = np.arange(samples) / RATE
    return (np.minimum(1.0, t / attack) * np.exp(-t / decay)).astype(np.float32)


def _burst(dice: np.random.Generator, seconds: float, low: float, high: float, decay: float) -> Sound:
    samples = int(seconds * RATE)
    return _coloured(dice.standard_normal(samples), low, high, -0.3) * _envelope(samples, 0.006, decay)


def _buzz(dice: np.random.Generator, seconds: float, hertz: float, formant: float) -> Sound:
    """A rough voice: pulses with jitter through one resonance."""
    samples = int(seconds * RATE)
    pulses = np.zeros(samples)
    at = 0.0
    while at < samples:
        pulses[int(at)] = dice.uniform(0.6, 1.0)
        at += RATE / hertz * dice.uniform(0.85, 1.15)
    ring = np.arange(200) / RATE
    resonance = np.sin(2 * np.pi * formant * ring) * np.exp(-ring * 400)
    return np.convolve(pulses, resonance)[:samples].astype(np.float32)


def _cough(dice: np.random.Generator) -> Sound:
    head = _burst(dice, 0.09, 300, 3400, 0.04)
    air = _burst(dice, dice.uniform(0.12, 0.22), 500, 3000, 0.08) * 0.5
    voiced = _buzz(dice, 0.1, dice.uniform(150, 260), dice.uniform(500, 900)) * _envelope(800, 0.02, 0.05)
    return np.concatenate([head, air, voiced * 0.4 * float(np.abs(head).max())])


def _coughs(dice: np.random.Generator) -> Sound:
    gap = np.zeros(int(0.12 * RATE), np.float32)
    return np.concatenate([_cough(dice), gap, _cough(dice), gap, _cough(dice)])


def _throat(dice: np.random.Generator) -> Sound:
    seconds = dice.uniform(0.3, 0.5)
    samples = int(seconds * RATE)
    rough = _buzz(dice, seconds, dice.uniform(60, 90), dice.uniform(400, 700))[:samples]
    air = _coloured(dice.standard_normal(samples), 300, 3000, -0.3)
    both = rough / np.abs(rough).max() + 0.5 * air / np.abs(air).max()
    return np.asarray(both * np.hanning(samples), np.float32)


def _sneeze(dice: np.random.Generator) -> Sound:
    intake = _coloured(dice.standard_normal(2400), 400, 2500) * np.linspace(0, 0.2, 2400, dtype=np.float32)
    return np.concatenate([intake, _burst(dice, 0.3, 800, 3600, 0.1)])


def _sniff(dice: np.random.Generator) -> Sound:
    samples = int(dice.uniform(0.2, 0.35) * RATE)
    return (_coloured(dice.standard_normal(samples), 800, 3400) * np.hanning(samples)).astype(np.float32)


_COUGHS: dict[str, Callable[[np.random.Generator], Sound]] = {
    "cough": _cough,
    "coughs": _coughs,
    "throat": _throat,
    "sneeze": _sneeze,
    "sniff": _sniff,
}


# ---- noises of a room ----


def _ringing(dice: np.random.Generator, low: float, high: float, decay: float, partials: int) -> Sound:
    """Something that was struck: inharmonic partials that die away."""
    samples = int(min(1.2, 4 * decay) * RATE)
    t = np.arange(samples) / RATE
    struck = sum(
        dice.uniform(0.3, 1.0) * np.sin(2 * np.pi * dice.uniform(low, high) * t) for _ in range(partials)
    )
    return (struck * _envelope(samples, 0.002, decay)).astype(np.float32)


def _door(dice: np.random.Generator) -> Sound:
    samples = int(0.5 * RATE)
    boom = _coloured(dice.standard_normal(samples), 60, 500, -0.5) * _envelope(samples, 0.004, 0.09)
    click = _burst(dice, 0.5, 500, 3000, 0.01)
    return np.asarray(boom / np.abs(boom).max() + 0.5 * click / np.abs(click).max(), np.float32)


def _dishes(dice: np.random.Generator) -> Sound:
    out = np.zeros(int(1.0 * RATE), np.float32)
    for _ in range(int(dice.integers(2, 6))):
        clink = _ringing(dice, 1200, 3600, dice.uniform(0.03, 0.09), 5)
        at = int(dice.integers(0, len(out) - len(clink)))
        out[at : at + len(clink)] += clink
    return out


def _typing(dice: np.random.Generator) -> Sound:
    out = np.zeros(int(1.2 * RATE), np.float32)
    at = 0
    while at < len(out) - 400:
        out[at : at + 240] += _burst(dice, 0.03, 800, 3800, 0.008) * np.float32(dice.uniform(0.5, 1))
        at += int(dice.uniform(0.07, 0.2) * RATE)
    return out


def _car(dice: np.random.Generator) -> Sound:
    samples = int(1.6 * RATE)
    return _coloured(dice.standard_normal(samples), 80, 1500, -0.7) * np.hanning(samples).astype(np.float32)


def _rustle(dice: np.random.Generator) -> Sound:
    samples = int(0.8 * RATE)
    crackle = _coloured(dice.standard_normal(samples), 1000, 3800)
    gusts = np.interp(
        np.arange(samples), np.arange(0, samples + 800, 800), dice.uniform(0, 1, samples // 800 + 1)
    )
    return (crackle * gusts**2).astype(np.float32)


def _bark(dice: np.random.Generator) -> Sound:
    samples = int(0.18 * RATE)
    t = np.arange(samples) / RATE
    hertz = dice.uniform(350, 600) * (1 - 1.2 * (t - 0.06) ** 2 * 20)
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    voice = sum(np.sin(phase * n) / n for n in range(1, 6)) * np.hanning(samples)
    noisy = voice + 0.3 * _coloured(dice.standard_normal(samples), 500, 3000) * np.hanning(samples)
    gap = np.zeros(int(0.2 * RATE), np.float32)
    return np.concatenate([noisy, gap, noisy]).astype(np.float32)


def _chime(dice: np.random.Generator) -> Sound:
    return _ringing(dice, 500, 1500, 0.25, 2)


def _horn(dice: np.random.Generator) -> Sound:
    samples = int(0.5 * RATE)
    t = np.arange(samples) / RATE
    root = dice.uniform(300, 420)
    both = sum(
        np.sin(2 * np.pi * root * n * t) / n + np.sin(2 * np.pi * root * 1.26 * n * t) / n for n in (1, 2, 3)
    )
    return (both * np.minimum(1, np.minimum(t, t[::-1]) / 0.02)).astype(np.float32)


_NOISES: dict[str, Callable[[np.random.Generator], Sound]] = {
    "door": _door,
    "dishes": _dishes,
    "typing": _typing,
    "car": _car,
    "rustle": _rustle,
    "bark": _bark,
    "chime": _chime,
    "horn": _horn,
}


def every(half: Half) -> Iterator[Item]:
    """The items of a half, all kinds."""
    for kind in Kind:
        yield from (item for item in items(kind) if item.half is half)
