"""The two tracks of a recording: aligned, and only what was heard."""

import random

import numpy as np
import numpy.typing as npt
import pytest

from trunkline.host.tracks import PATIENCE_BEATS, Beat, Entry, Flushed, Flushing, Tracks

RATE = 8000
FRAME = 160
Samples = npt.NDArray[np.int16]


def pcm(value: int, frames: float = 1) -> bytes:
    return np.full(int(frames * FRAME), value, "<i2").tobytes()


def record(entries: list[Entry]) -> tuple[Samples, Samples]:
    tracks = Tracks(RATE)
    chunks = [*tracks.take(entries), tracks.close()]
    assert all(len(chunk) == RATE * 4 for chunk in chunks[:-1])
    stereo = np.frombuffer(b"".join(chunks), "<i2").reshape(-1, 2)
    return stereo[:, 0], stereo[:, 1]


def frames(track: Samples) -> list[int]:
    """The track as one value a frame; every frame must be of one piece."""
    rows = track.reshape(-1, FRAME)
    assert (rows == rows[:, :1]).all(), "a frame of two pieces"
    return [int(value) for value in rows[:, 0]]


def beats(values: list[int | None], handed: dict[int, bytes]) -> list[Entry]:
    return [Beat(None if v is None else pcm(v), handed.get(at, b"")) for at, v in enumerate(values)]


def test_lost_packets_become_silence_and_time_goes_on() -> None:
    left, right = record(beats([1, None, None, 2, 3], {3: pcm(9)}))
    assert frames(left) == [1, 0, 0, 2, 3]
    assert frames(right) == [0, 0, 0, 9, 0]


def test_sound_handed_over_ahead_is_placed_when_it_is_heard() -> None:
    left, right = record(beats([1] * 6, {1: pcm(5, 3), 3: pcm(6, 1)}))
    assert frames(right) == [0, 5, 5, 5, 6, 0]
    assert len(left) == len(right)


def test_a_flush_removes_what_was_not_sent_also_what_came_after_stays() -> None:
    entries = beats([1] * 3, {0: pcm(5, 5)})
    entries += [Flushing(), Beat(pcm(1), pcm(7)), Flushed(2 * FRAME), Beat(pcm(1), b""), Beat(pcm(1), b"")]
    _, right = record(entries)
    assert frames(right) == [5, 5, 5, 7, 0, 0]


def test_a_line_that_lags_behind_the_playout_clock_takes_back_what_was_not_sent() -> None:
    entries = beats([1] * 3, {0: pcm(5, 4)})
    entries += [Flushing(), Beat(pcm(1), b""), Flushed(2 * FRAME), Beat(pcm(1), pcm(8))]
    _, right = record(entries)
    assert frames(right) == [5, 5, 0, 0, 8], "one frame of the four was queued, two were dropped"


def test_a_line_that_runs_ahead_of_the_playout_clock_keeps_what_it_sent() -> None:
    entries = beats([1] * 2, {0: pcm(5, 4)})
    entries += [Flushing(), Beat(pcm(1), pcm(7)), Flushed(1 * FRAME), Beat(pcm(1), b"")]
    _, right = record(entries)
    assert frames(right) == [5, 5, 5, 7]


def test_a_flush_that_is_never_answered_dropped_everything() -> None:
    entries: list[Entry] = [Beat(pcm(1), pcm(5, 3)), Flushing()]
    entries += [Beat(pcm(1), pcm(6))] + [Beat(pcm(1), b"") for _ in range(PATIENCE_BEATS)]
    _, right = record(entries)
    assert frames(right)[:4] == [5, 6, 0, 0]
    assert frames(record(entries[:3])[1]) == [5, 6], "also when the call ends before"


def test_renewed_streams_lose_what_was_queued_though_nobody_flushed() -> None:
    entries = beats([1] * 2, {0: pcm(5, 6)})
    entries += [Flushed(4 * FRAME), Beat(pcm(1), pcm(9)), Beat(pcm(1), b"")]
    _, right = record(entries)
    assert frames(right) == [5, 5, 9, 0]


def test_a_flush_across_the_edge_of_a_second_is_still_taken_back() -> None:
    entries = beats([1] * 50, {44: pcm(5, 7)})
    entries += [Flushing(), Beat(pcm(1), b""), Beat(pcm(1), b""), Flushed(3 * FRAME)]
    _, right = record(entries + beats([1] * 60, {}))
    assert frames(right)[44:52] == [5, 5, 5, 5, 0, 0, 0, 0]


def test_sound_still_queued_at_the_end_was_not_heard() -> None:
    _, right = record(beats([1], {0: pcm(5, 3)}))
    assert frames(right) == [5]


def test_tracks_stay_aligned_over_a_long_call_with_loss_and_flushes() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - a failed run can be repeated
    chance = random.Random(seed)
    entries: list[Entry] = []
    heard: list[int] = []
    expected: list[int] = []
    queue: list[int] = []
    pending: tuple[int, int] | None = None
    for beat in range(3000):
        if pending and beat >= pending[0]:
            entries.append(Flushed(pending[1] * FRAME))
            pending = None
        if queue and pending is None and chance.random() < 0.05:
            entries.append(Flushing())
            pending = (beat + chance.randint(0, 2), len(queue))
            queue = []
        count = chance.choice([0, 0, 1, 1, 1, 2, 3]) if len(queue) < 4 else 0
        value = beat % 30000 + 1
        queue += [value] * count
        frame = None if chance.random() < 0.05 else value
        entries.append(Beat(None if frame is None else pcm(frame), pcm(value, count)))
        heard.append(frame or 0)
        expected.append(queue.pop(0) if queue else 0)
    if pending:
        entries.append(Flushed(pending[1] * FRAME))
    left, right = record(entries)
    assert frames(left) == heard
    assert frames(right) == expected


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 48000])
def test_frames_of_a_wrong_size_do_not_move_the_clock(rate: int) -> None:
    size = rate // 50 * 2
    tracks = Tracks(rate)
    list(tracks.take([Beat(b"\1\0" * 3, b""), Beat(b"\1\0" * rate, b"")]))
    assert len(tracks.close()) == 2 * size * 2
