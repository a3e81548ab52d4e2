"""One frame a tick, whatever the line delivers."""

import random

import numpy as np
import pytest

from trunkline.host.frames import FrameQueue, VadWindow

FRAME = 320


def test_frames_come_out_whole_and_in_order_however_they_arrive() -> None:
    seed = random.randrange(1 << 30)
    rng = random.Random(seed)
    sound = rng.randbytes(FRAME * 20)
    queue = FrameQueue(8000)
    heard = b""
    sent = 0
    while sent < len(sound):
        piece = rng.randrange(0, 3 * FRAME, 2)
        queue.push(sound[sent : sent + piece])
        sent += piece
        while (frame := queue.take(quiet=False)) is not None:
            assert len(frame) == FRAME
            heard += frame
    assert heard == sound[: len(heard)], f"seed {seed}"
    assert len(sound) - len(heard) < FRAME, f"seed {seed}"


def test_an_empty_queue_gives_none_and_counts() -> None:
    queue = FrameQueue(8000)
    queue.push(bytes(FRAME - 2))
    assert queue.take(quiet=True) is None
    assert queue.missing == 1
    queue.push(bytes(2))
    assert queue.take(quiet=True) == bytes(FRAME)


def test_a_fast_peer_is_followed_only_while_the_caller_is_silent() -> None:
    queue = FrameQueue(8000)
    queue.push(bytes(FRAME * 6))
    assert queue.take(quiet=False) is not None
    assert queue.dropped == 0
    assert queue.take(quiet=True) is not None
    assert queue.dropped == FRAME * 3
    assert queue.take(quiet=True) is not None
    assert queue.take(quiet=True) is None


def test_sixty_milliseconds_may_wait() -> None:
    queue = FrameQueue(8000)
    queue.push(bytes(FRAME * 3))
    assert queue.take(quiet=True) is not None
    assert queue.dropped == 0


def test_a_cushion_that_is_never_needed_goes_when_the_caller_is_silent() -> None:
    queue = FrameQueue(8000)
    queue.push(bytes(FRAME * 2))
    for _ in range(150):
        queue.push(bytes(FRAME))
        queue.take(quiet=False)
    assert queue.dropped == 0
    queue.push(bytes(FRAME))
    queue.take(quiet=True)
    assert queue.dropped == FRAME * 2
    queue.push(bytes(FRAME))
    assert queue.take(quiet=True) is not None
    assert queue.take(quiet=True) is None


def test_a_cushion_that_jitter_needs_stays() -> None:
    queue = FrameQueue(8000)
    for at in range(300):
        queue.push(bytes(FRAME * 2) if at % 2 == 0 else b"")
        assert queue.take(quiet=True) is not None
    assert queue.dropped == 0


def test_nothing_is_cut_that_a_late_beat_still_has_to_hear() -> None:
    queue = FrameQueue(8000)
    queue.push(b"".join(bytes([n]) * FRAME for n in range(8)))
    heard = [queue.take(quiet=True, behind=behind) for behind in range(7, -1, -1)]
    assert [frame[0] for frame in heard if frame] == list(range(8))


def test_a_talker_cannot_fill_the_queue_for_ever() -> None:
    queue = FrameQueue(8000)
    queue.push(bytes(FRAME * 200))
    queue.take(quiet=False)
    assert queue.dropped == FRAME * 198


def test_windows_of_32_ms_out_of_frames_of_20() -> None:
    window = VadWindow(8000)
    sound = bytes(range(256)) * 10
    got = [window.push(sound[at : at + FRAME]) for at in range(0, len(sound), FRAME)]
    assert b"".join(chunk for chunk in got if chunk) == sound[: 512 * 5]
    assert [chunk is not None for chunk in got] == [False, True, False, True, True, False, True, True]


def test_a_lost_frame_is_silence() -> None:
    window = VadWindow(8000)
    window.push(b"\1" * FRAME)
    assert window.push(None) == b"\1" * FRAME + bytes(512 - FRAME)


@pytest.mark.parametrize("rate", [16000, 24000, 48000])
def test_wider_lines_are_decimated_without_aliases(rate: int) -> None:
    def level(hertz: int) -> float:
        window = VadWindow(rate)
        time = np.arange(rate) / rate
        tone = (np.sin(2 * np.pi * hertz * time) * 10000).astype("<i2").tobytes()
        frame = rate // 50 * 2
        chunks = [window.push(tone[at : at + frame]) for at in range(0, len(tone), frame)]
        pcm = b"".join(chunk for chunk in chunks if chunk)
        return float(np.sqrt(np.mean(np.frombuffer(pcm, "<i2")[512:].astype(float) ** 2)))

    assert level(1000) == pytest.approx(10000 / np.sqrt(2), rel=0.02)
    assert level(6000) < 100


def test_a_rate_that_cannot_be_decimated_is_refused() -> None:
    with pytest.raises(ValueError, match="11025"):
        VadWindow(11025)
