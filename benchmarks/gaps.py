"""What a caller waits, read off the wire by two meters that share nothing but the packets' times.

`EnergyMeter` goes by the loudness of each packet. `ModelMeter` asks the voice-activity model, forwards for where
speech begins and backwards for where it ends (the model is quick to rise and slow to fall). Where the two differ by
more than 100 ms, neither figure is to be believed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks import mulaw
from benchmarks.wire import Track, WireLog
from trunkline.voice.speech.vad import CHUNK, SileroVad

MERGE_MS = 300
"""Silences shorter than this are within one utterance."""
LEAST_MS = 40
"""Sounds shorter than this are clicks."""
STOPPED_MS = 400
"""An agent that was interrupted has stopped when this much silence follows."""
_MS = 1_000_000


class Span(NamedTuple):
    """Speech: the times of its first and last voiced packet."""

    start_ns: int
    end_ns: int


class Meter(Protocol):
    """Finds speech in one direction of a call."""

    def spans(self, track: Track) -> list[Span]:
        """In order; silences under MERGE_MS are bridged, sounds under LEAST_MS left out."""
        ...


class EnergyMeter:
    """By the loudness of each packet (mulaw.VOICED_LEVEL)."""

    def spans(self, track: Track) -> list[Span]:
        times = [at for at, voiced in zip(track.at_ns, track.voiced, strict=True) if voiced]
        return _merged([Span(at, at) for at in times])


class ModelMeter:
    """By Silero VAD on four interleaved windows, so that edges are found to 8 ms."""

    SURE = 0.5
    """Somewhere in a span the model must be this sure."""
    EDGE = 0.06
    """A span reaches as far as the model is not sure of silence (measured: silence stays under 0.015)."""
    HOP = 64

    def __init__(self, model: Path) -> None:
        """`model`: silero_vad.onnx."""
        self._vad = SileroVad(model)

    def spans(self, track: Track) -> list[Span]:
        pcm, packets = _timeline(track)
        forward, reversed_ = self._probabilities([pcm, pcm[::-1]])
        backward = reversed_[::-1]
        both = np.minimum(forward, backward) >= self.EDGE
        sure = np.maximum(forward, backward) >= self.SURE
        found = []
        for first, last in _runs(both):
            if sure[first : last + 1].any():
                found.append(Span(self._time(track, packets, first), self._time(track, packets, last)))
        return _merged(found)

    def _time(self, track: Track, packets: list[int], hop: int) -> int:
        position = min(len(packets) - 1, (hop * self.HOP + self.HOP // 2) // mulaw.SAMPLES_A_PACKET)
        return track.at_ns[packets[position]]

    def _probabilities(self, sounds: list[NDArray[np.int16]]) -> NDArray[np.float64]:
        """For each of some sounds of one length, and each hop of it, the probability of the window that ends there."""
        lanes = CHUNK // self.HOP
        leads = [np.zeros((lanes - lane) * self.HOP % CHUNK, np.int16) for lane in range(lanes)]
        tail = np.zeros(CHUNK, np.int16)
        padded = [np.concatenate([lead, sound, tail]) for sound in sounds for lead in leads]
        slots = [self._vad.open() for _ in padded]
        samples = len(sounds[0])
        hops = -(-samples // self.HOP)
        result = np.zeros((len(sounds), hops + 2 * lanes))
        for chunk in range(samples // CHUNK + 1):
            windows = [lane[chunk * CHUNK : (chunk + 1) * CHUNK].tobytes() for lane in padded]
            for index, probability in enumerate(self._vad.run(slots, windows)):
                sound, lane = divmod(index, lanes)
                result[sound, (chunk + 1) * lanes - (lanes - lane) % lanes - 1] = probability
        for slot in slots:
            self._vad.close(slot)
        return result[:, :hops]


@dataclass(frozen=True)
class Turn:
    """One utterance of the caller and what the agent did about it; None where it did not come to that."""

    step: int
    """Which of the script's utterances, from 0."""
    start_ns: int
    end_ns: int
    """First and last voiced packet of the caller."""
    gap_ms: float | None
    """Last voiced packet of the caller to the agent's first after it."""
    stop_ms: float | None
    """The caller interrupted: first voiced packet of the caller to the agent's last voiced one."""
    stop_any_ms: float | None
    """The same to the agent's last packet that was not mere silence."""


def turns(log: WireLog, meter: Meter) -> list[Turn]:
    """Every utterance of the script, by this meter."""
    mine, theirs = meter.spans(log.sent), meter.spans(log.heard)
    found = []
    for step, (first, last) in enumerate(log.steps):
        own = [span for span in mine if span.end_ns >= first and span.start_ns <= last]
        if not own:
            continue
        start, end = max(own[0].start_ns, first), min(own[-1].end_ns, last)
        until = log.steps[step + 1][0] if step + 1 < len(log.steps) else log.ended_ns or end + 60_000 * _MS
        answers = [span.start_ns for span in theirs if end < span.start_ns < until]
        stop, stop_any = _stop(log.heard, theirs, start)
        found.append(
            Turn(step, start, end, (answers[0] - end) / _MS if answers else None, stop, stop_any)
        )  # fmt: skip
    return found


def disagreement_ms(one: Sequence[Turn], other: Sequence[Turn]) -> float:
    """The most by which two meters differ in any gap or stop; infinite when one saw what the other did not."""
    worst = 0.0
    if len(one) != len(other):
        return float("inf")
    for left, right in zip(one, other, strict=True):
        for a, b in ((left.gap_ms, right.gap_ms), (left.stop_ms, right.stop_ms)):
            if (a is None) != (b is None):
                return float("inf")
            if a is not None and b is not None:
                worst = max(worst, abs(a - b))
    return worst


def _stop(heard: Track, theirs: list[Span], start_ns: int) -> tuple[float | None, float | None]:
    """When the agent that spoke at `start_ns` fell silent."""
    speaking = [span for span in theirs if span.start_ns < start_ns <= span.end_ns]
    if not speaking:
        return None, None
    end = speaking[0].end_ns
    for span in theirs:
        if end < span.start_ns < end + STOPPED_MS * _MS:
            end = span.end_ns
    after = [
        at
        for at, payload in zip(heard.at_ns, heard.payloads, strict=True)
        if end <= at < end + STOPPED_MS * _MS and payload.strip(b"\xff\x7f")
    ]
    return (end - start_ns) / _MS, (max(after, default=end) - start_ns) / _MS


def _merged(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in spans:
        if joined and span.start_ns - joined[-1].end_ns < MERGE_MS * _MS:
            joined[-1] = Span(joined[-1].start_ns, span.end_ns)
        else:
            joined.append(span)
    return [span for span in joined if span.end_ns - span.start_ns >= (LEAST_MS - 20) * _MS]


def _timeline(track: Track) -> tuple[NDArray[np.int16], list[int]]:
    """The sound in order, silence for what was lost, and for each 20 ms of it the packet that carried it."""
    sound: list[bytes] = []
    packets: list[int] = []
    expected = track.sequence[0] if len(track) else 0
    for index, payload in enumerate(track.payloads):
        missing = track.sequence[index] - expected & 0xFFFF
        if missing > 0x7FFF:
            continue  # late, or twice: its place is gone
        for _ in range(missing if missing < 50 else 0):
            sound.append(mulaw.SILENCE)
            packets.append(index)
        sound.append(payload)
        packets.append(index)
        expected = track.sequence[index] + 1 & 0xFFFF
    return np.frombuffer(mulaw.decode(b"".join(sound)), np.int16), packets


def _runs(active: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First and last index of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], active, [False]]).astype(np.int8)))
    yield from ((int(first), int(last) - 1) for first, last in edges.reshape(-1, 2))
