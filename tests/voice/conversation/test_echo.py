"""Echo is told from voice by what was played."""

import numpy as np
import pytest
from numpy.typing import NDArray

from trunkline.voice.conversation.echo import EchoGuard, level

FRAME = 160


def speech(seed: int, frames: int) -> NDArray[np.float64]:
    """Pulses of a voice through resonances that change, with pauses: no two seeds are alike."""
    dice = np.random.default_rng(seed)
    pulses = np.zeros(frames * FRAME)
    at = 0.0
    while at < pulses.size:
        pulses[int(at)] = dice.uniform(0.5, 1.0)
        at += 8000 / dice.uniform(90, 220)
    t = np.arange(160) / 8000
    parts = []
    for start in range(0, pulses.size, 8 * FRAME):
        ring = sum(np.sin(2 * np.pi * dice.uniform(300, 3000) * t) for _ in range(3)) * np.exp(-t * 200)
        parts.append(np.convolve(pulses[start : start + 8 * FRAME], ring)[: 8 * FRAME] * dice.uniform(0.2, 1))
    sound = np.concatenate(parts)[: pulses.size]
    return np.asarray(8000 * sound / np.abs(sound).max(), np.float64)


def pcm(samples: NDArray[np.float64]) -> bytes:
    return samples.clip(-32768, 32767).astype("<i2").tobytes()


def guard_over(sent: NDArray[np.float64], rate: int = 8000) -> EchoGuard:
    """A guard that has seen all of it go out; the first frames three at a time, as a playout hands them over."""
    guard = EchoGuard(rate)
    size = rate // 50
    frames = [pcm(sent[at : at + size]) for at in range(0, sent.size, size)]
    guard.tick(b"".join(frames[:3]))
    for number in range(1, len(frames)):
        guard.tick(frames[number + 2] if number + 2 < len(frames) else b"")
    return guard


def echo_of(sent: NDArray[np.float64], gain: float, samples: int, seed: int) -> NDArray[np.float64]:
    dice = np.random.default_rng(seed)
    way = np.concatenate([[1.0], dice.normal(0, 0.3, 20) * np.exp(-np.arange(20) / 4)])
    back = np.convolve(sent, way)[: sent.size] * gain
    return np.concatenate([np.zeros(samples), back])[: sent.size]


@pytest.mark.parametrize("decibels", [-12, -30])
@pytest.mark.parametrize("delay_ms", [40, 133, 300])
def test_what_comes_back_is_echo_whatever_its_way_and_another_voice_over_it_is_none(
    decibels: int, delay_ms: int
) -> None:
    seed = delay_ms - decibels
    sent = speech(seed, 100)
    back = echo_of(sent, 10 ** (decibels / 20), delay_ms * 8, seed)
    guard = guard_over(sent)
    assert guard.explains(pcm(back)), seed
    assert not guard.explains(pcm(back + speech(seed + 1000, 100) / 1.5)), seed


def test_a_voice_on_a_line_without_echo_is_none() -> None:
    guard = guard_over(speech(1, 100))
    assert not guard.explains(pcm(speech(2, 100)))


def test_an_echo_on_a_wide_line_is_echo() -> None:
    sent = np.repeat(speech(3, 100), 2)
    guard = guard_over(sent, 16_000)
    assert guard.explains(pcm(0.2 * np.concatenate([np.zeros(1600), sent[:-1600]])))


def test_nothing_echoes_when_nothing_was_played_or_long_ago() -> None:
    sent = speech(4, 50)
    guard = guard_over(sent)
    assert guard.explains(pcm(sent / 4))
    for _ in range(40):
        guard.tick(b"")
    assert not guard.possible
    assert not guard.explains(pcm(sent / 4))
    assert not EchoGuard(8000).explains(pcm(sent))


def test_what_was_flushed_never_played() -> None:
    sent = speech(5, 50)
    guard = EchoGuard(8000)
    guard.tick(pcm(sent))
    guard.flushed()
    for _ in range(10):
        guard.tick(b"")
    assert not guard.explains(pcm(sent[: 8 * FRAME]))


def test_level_is_the_root_mean_square() -> None:
    assert level(np.full(160, 1000, "<i2").tobytes()) == 1000.0
    assert level(b"") == 0.0
