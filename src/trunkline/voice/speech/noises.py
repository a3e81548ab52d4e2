"""Sounds that callers make without words, and the noise of a room: made here of noise and tones, never a recording.

Mono at 8 kHz, -1 to 1. Each is drawn anew by the dice it is given, and the same for the same dice.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RATE = 8000
Sound = NDArray[np.float32]
_FRAME = 160
"""Samples of 20 ms."""


def steady_noise(samples: int, dice: np.random.Generator) -> Sound:
    """A room: noise that falls with frequency."""
    return _coloured(dice.standard_normal(samples), 100, 3400, tilt=-0.5)


def trimmed(samples: Sound) -> Sound:
    """Without the frames of doubt at either end, 40 dB under the loudest."""
    whole = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    loud = np.sqrt((whole**2).mean(axis=1))
    sure = np.flatnonzero(loud >= loud.max() * 0.03)
    return whole[sure[0] : sure[-1] + 1].reshape(-1)


def at_level(samples: Sound, level: float) -> Sound:
    """Scaled so that the louder half of its frames has this RMS."""
    whole = samples[: max(1, len(samples) // _FRAME) * _FRAME]
    powers = np.sort((whole.reshape(-1, min(_FRAME, len(whole))) ** 2).mean(axis=1))
    rms = float(np.sqrt(powers[len(powers) // 2 :].mean()))
    return (samples * (10 ** (level / 20) / max(rms, 1e-9))).astype(np.float32)


def _coloured(noise: NDArray[np.float64], low: float, high: float, tilt: float = 0.0) -> Sound:
    spectrum = np.fft.rfft(noise)
    hertz = np.fft.rfftfreq(len(noise), 1 / RATE)
    shape = ((hertz >= low) & (hertz <= high)) * np.maximum(hertz, 50.0) ** tilt
    return np.fft.irfft(spectrum * shape, len(noise)).astype(np.float32)


# ---- a hum ----


def hum(dice: np.random.Generator, speed: float, pitch: float) -> Sound:
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


COUGHS: dict[str, Callable[[np.random.Generator], Sound]] = {
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


NOISES: dict[str, Callable[[np.random.Generator], Sound]] = {
    "door": _door,
    "dishes": _dishes,
    "typing": _typing,
    "car": _car,
    "rustle": _rustle,
    "bark": _bark,
    "chime": _chime,
    "horn": _horn,
}
