"""Voice and silence, tick by tick."""

from tests.voice.conversation.world import RATE, SILENCE, VOICE
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
