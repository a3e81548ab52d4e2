"""Echo is told from voice by the envelopes."""

import numpy as np

from trunkline.voice.conversation.echo import EchoGuard, level


def frame(amplitude: float) -> bytes:
    return np.full(160, amplitude, "<i2").tobytes()


def test_a_delayed_quieter_copy_is_echo_and_another_voice_is_not() -> None:
    rng = np.random.default_rng(5)
    sent = rng.uniform(1000, 12000, 400)
    guard = EchoGuard()
    for tick, amplitude in enumerate(sent):
        guard.tick(sent[tick - 6] * 0.3 if tick >= 6 else 0.0, frame(amplitude))
    assert guard.is_echo(4)
    for amplitude in sent[:60]:
        guard.tick(rng.uniform(0, 6000), frame(amplitude))
    assert not guard.is_echo(4)


def test_a_louder_copy_is_not_our_echo() -> None:
    rng = np.random.default_rng(6)
    guard = EchoGuard()
    for amplitude in rng.uniform(1000, 6000, 100):
        guard.tick(amplitude * 2, frame(amplitude))
    assert not guard.is_echo(4)


def test_a_voice_on_a_line_that_was_silent_while_we_spoke_is_no_echo() -> None:
    rng = np.random.default_rng(7)
    guard = EchoGuard()
    sent = [*rng.uniform(4000, 8000, 30), *([0] * 16), *([8000] * 4)]
    for tick, amplitude in enumerate(sent):
        guard.tick(2000.0 if tick >= len(sent) - 4 else 0.0, frame(amplitude))
    assert not guard.is_echo(4)


def test_level_is_the_root_mean_square() -> None:
    assert level(frame(1000)) == 1000.0
    assert level(b"") == 0.0
