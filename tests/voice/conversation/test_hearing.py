"""Voice and silence, tick by tick."""

import numpy as np

from tests.voice.conversation.world import RATE, SILENCE, VOICE
from trunkline.voice.conversation.echo import level
from trunkline.voice.conversation.hearing import QUIET_TICKS, Ear


def spoken_to() -> Ear:
    ear = Ear(RATE)
    for _ in range(20):
        ear.tick(VOICE, 0.95)
    return ear


def test_silence_ends_a_voice_before_the_vad_lets_go() -> None:
    ear = spoken_to()
    for _ in range(QUIET_TICKS):
        ear.tick(SILENCE, 0.9)
    assert ear.quiet_run == QUIET_TICKS


def test_lost_packets_are_no_silence_while_the_vad_still_hears_a_voice() -> None:
    ear = spoken_to()
    for _ in range(QUIET_TICKS):
        ear.tick(None, 0.9)
    assert ear.quiet_run == 0
    for _ in range(QUIET_TICKS):
        ear.tick(None, 0.1)
    assert ear.quiet_run == QUIET_TICKS


def test_a_line_is_noisy_where_the_voice_hardly_stands_out_of_it() -> None:
    dice = np.random.default_rng(5)
    noisy = {}
    for below_db in (10, 24):
        ear = Ear(RATE)
        scale = level(VOICE) * 10 ** (-below_db / 20)
        for tick in range(120):
            noise = dice.standard_normal(len(VOICE) // 2) * scale
            voice = np.frombuffer(VOICE, "<i2") if tick >= 100 else 0
            ear.tick((noise + voice).astype("<i2").tobytes(), 0.95 if tick >= 100 else 0.05)
        noisy[below_db] = ear.noisy
    assert noisy == {10: True, 24: False}
