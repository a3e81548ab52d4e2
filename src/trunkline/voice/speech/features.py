"""Log-mel spectrograms as Whisper and Smart Turn were trained on, in numpy.

Both hear 16 kHz in frames of 25 ms every 10 ms, 80 bands of the Slaney mel scale up to 8 kHz (M. Slaney,
Auditory Toolbox, 1998: linear below 1 kHz, logarithmic above, each band of equal area).
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
HOP = 160
WINDOW = 400
BANDS = 80

Floats = NDArray[np.float32]


def whisper_features(audio: Floats) -> Floats:
    """(80, n // 160) of `audio` (16 kHz, -1..1)."""
    return _log_mel(audio)


def turn_features(audio: Floats) -> Floats:
    """(80, 800) of the last 8 s of `audio`, brought to zero mean and unit variance, zeros before a short one."""
    length = 8 * RATE
    last = audio[-length:]
    if len(last) < length:
        last = np.concatenate([np.zeros(length - len(last), np.float32), last])
    centred = last - last.mean()
    return _log_mel((centred / np.sqrt(centred.var() + 1e-7)).astype(np.float32))


def pcm_to_floats(pcm: bytes) -> Floats:
    """s16le to -1..1."""
    return np.frombuffer(pcm, "<i2").astype(np.float32) / 32768.0


def floats_to_pcm(audio: Floats) -> bytes:
    """-1..1 to s16le; what is louder is clipped."""
    return (np.clip(audio, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()


def _log_mel(audio: Floats) -> Floats:
    padded = np.pad(audio, WINDOW // 2, mode="reflect" if len(audio) > WINDOW // 2 else "constant")
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][: len(audio) // HOP]
    power = np.abs(np.fft.rfft(frames * _hann(), axis=1)).astype(np.float32) ** 2
    loud = np.log10(np.maximum(mel_filters() @ power.T, 1e-10))
    floor = loud.max(initial=-10.0) - 8.0
    scaled: Floats = ((np.maximum(loud, floor) + 4.0) / 4.0).astype(np.float32)
    return scaled


@cache
def _hann() -> Floats:
    """Periodic Hann window."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)


@cache
def mel_filters() -> Floats:
    """(80, 201): triangles of equal area over the bins of the spectrum."""
    bins = np.linspace(0, RATE / 2, WINDOW // 2 + 1)
    edges = _mel_to_hertz(np.linspace(0.0, _hertz_to_mel(RATE / 2), BANDS + 2))
    lower, centre, upper = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (bins - lower) / (centre - lower)
    falling = (upper - bins) / (upper - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return (triangles * (2.0 / (upper - lower))).astype(np.float32)


_BREAK_HERTZ = 1000.0
_HERTZ_PER_MEL = 200.0 / 3.0
_BREAK_MEL = _BREAK_HERTZ / _HERTZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


def _hertz_to_mel(hertz: float) -> float:
    if hertz < _BREAK_HERTZ:
        return hertz / _HERTZ_PER_MEL
    return float(_BREAK_MEL + np.log(hertz / _BREAK_HERTZ) / _LOG_STEP)


def _mel_to_hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = mel * _HERTZ_PER_MEL
    return np.where(mel < _BREAK_MEL, linear, _BREAK_HERTZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL)))
