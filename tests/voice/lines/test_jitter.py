"""Bursts in, one frame a tick out."""

import numpy as np

from trunkline.voice.lines.jitter import JitterBuffer

RATE = 8000
FRAME = 320
VOICE = (4000 * np.sin(np.arange(160) / 3)).astype("<i2").tobytes()
SILENCE = bytes(FRAME)


def test_a_burst_is_given_out_at_its_own_pace() -> None:
    buffer = JitterBuffer(RATE)
    buffer.push(VOICE * 10)
    assert [buffer.take() for _ in range(12)] == [VOICE] * 10 + [b""] * 2


def test_pieces_of_any_size_make_frames() -> None:
    buffer = JitterBuffer(RATE)
    for start in range(0, 5 * FRAME, 100):
        buffer.push((VOICE * 5)[start : start + 100])
    assert b"".join(buffer.take() for _ in range(5)) == VOICE * 5


def test_packets_of_200_ms_lose_nothing() -> None:
    buffer = JitterBuffer(RATE)
    heard = b""
    for tick in range(500):
        if tick % 10 == 0:
            buffer.push((VOICE if tick % 100 < 50 else SILENCE) * 10)
        heard += buffer.take()
    assert len(heard) == 500 * FRAME
    assert buffer.dropped == 0


def test_delay_that_a_stall_left_is_made_up_for_in_silence() -> None:
    buffer = JitterBuffer(RATE)
    buffer.push(VOICE * 30)  # what came late
    waiting = 30
    voices = 0
    for tick in range(600):
        frame = VOICE if tick < 300 else SILENCE
        buffer.push(frame)
        voices += buffer.take() == VOICE
        waiting = (len(buffer._pcm)) // FRAME
    assert voices == 330, "no voice was lost"
    assert waiting <= 3


def test_a_sender_far_ahead_of_time_loses_the_oldest() -> None:
    buffer = JitterBuffer(RATE)
    buffer.push(SILENCE * 100 + VOICE * 500)
    assert buffer.dropped == 100 * FRAME
    assert buffer.take() == VOICE
