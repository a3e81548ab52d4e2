"""Figures of turn-taking on sets of our own: who gets the floor, how soon, and what the agent waits for.

The sets are synthetic (`sounds`, `endings`): they show what breaks and hold still between two versions; how people
talk they do not tell. Thresholds were tuned on one half, figures are of the other. Everything runs on the tick clock.
"""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.endings import measure_endings
from benchmarks.figures import Figure, percentile
from benchmarks.sounds import FRAME, Half, Item, Kind, items, on_the_line
from benchmarks.talkover import Talkover, echoing, first_voiced, talk_over
from trunkline.voice.conversation.hearing import Ear
from trunkline.voice.conversation.onset import Onset
from trunkline.voice.speech.noises import RATE
from trunkline.voice.speech.turn import SmartTurn
from trunkline.voice.speech.vad import CHUNK, SileroVad
from trunkline.voice.speech.whisper import LocalWhisper, WhisperDecoder

_NEEDED = (1 / 3, 2 / 3, 1.0, 4 / 3, 2.0)
"""Evidence for a pause, along the curve; 1 is what calls use."""
_LEAD_TICKS = 150


def measure(models: Path) -> Iterator[Figure]:
    """All of it."""
    vad = SileroVad(models / "vad" / "silero_vad.onnx")
    with ThreadPoolExecutor(2) as pool:
        decoder = WhisperDecoder(models / "stt-tiny.en")
        stt = LocalWhisper(decoder, pool)
        asyncio.run(stt.warm())
        yield from _selectivity(stt, vad)
        yield from _over_echo(stt, vad)
        yield from _curve(vad)
        turn = SmartTurn(models / "turn" / "smart-turn-v3.2-cpu.onnx", pool)
        yield from measure_endings(decoder, turn)


def _reported(kind: Kind) -> list[Item]:
    return [item for item in items(kind) if item.half is Half.REPORTING]


def _selectivity(stt: LocalWhisper, vad: SileroVad) -> Iterator[Figure]:
    how = "synthetic set, reporting half, local recogniser, words after 80 to 250 ms"
    for kind in Kind:
        results = asyncio.run(talk_over(_reported(kind), stt, vad))
        if kind is Kind.INTERRUPTION:
            yield from _stops(results, "", how)
            continue
        went_on = 100 * sum(result.went_on for result in results) / len(results)
        paused = [ms for result in results for ms in result.paused_ms]
        share = sum(bool(result.stopped) for result in results) / len(results)
        yield Figure(
            f"selectivity_{kind}",
            went_on,
            "%",
            ">= 95",
            f"{len(results)} {kind}s over the agent: it goes on; {share:.0%} made it pause, for "
            f"{percentile(paused, 0.5):.0f} ms at the median; {how}",
        )


def _stops(results: Sequence[Talkover], over: str, how: str, most: str = "<= 300") -> Iterator[Figure]:
    stops = [result.stopped[0] for result in results if result.stopped]
    taken = 100 * sum(result.taken for result in results) / len(results)
    text = (
        f"{len(results)} interruptions{over.replace('_', ' ')}; first voiced frame to the agent's last; {how}"
    )
    yield Figure(f"barge_in{over}_p50_ticked", percentile(stops, 0.5), "ms", "<= 200", text)
    yield Figure(f"barge_in{over}_p99_ticked", percentile(stops, 0.99), "ms", most, text)
    yield Figure(f"interruptions{over}_that_get_the_floor", taken, "%", ">= 95", how)


def _over_echo(stt: LocalWhisper, vad: SileroVad) -> Iterator[Figure]:
    how = "our echo of -12 to -30 dB after 40 to 300 ms, coloured, on each line; local recogniser"
    silent = asyncio.run(talk_over([None] * 100, stt, vad, echoing))
    bad = sum(bool(result.stopped or result.turns) for result in silent)
    yield Figure("echo_calls_with_a_pause_or_a_turn", bad, "calls", "<= 0", f"of 100 silent callers; {how}")
    results = asyncio.run(talk_over(_reported(Kind.INTERRUPTION), stt, vad, echoing))
    yield from _stops(results, "_over_echo", how, "<= 400")


# ---- the curve ----


def _curve(vad: SileroVad) -> Iterator[Figure]:
    """How soon an interruption and how often anything else makes the agent pause, by the evidence that it takes."""
    heard = {kind: [_Heard(item, vad) for item in _reported(kind)] for kind in Kind}
    for needed in _NEEDED:
        noticed = {
            kind: [ms for one in many if (ms := one.noticed_ms(needed)) is not None]
            for kind, many in heard.items()
        }
        stops = noticed[Kind.INTERRUPTION]
        others = ", ".join(
            f"{kind}s {100 * len(noticed[kind]) / len(heard[kind]):.0f} %"
            for kind in Kind
            if kind is not Kind.INTERRUPTION
        )
        here = " (what calls use)" if needed == 1.0 else ""
        yield Figure(
            f"pause_p99_at_evidence_{needed:.2f}",
            percentile(stops, 0.99),
            "ms",
            None,
            f"p50 {percentile(stops, 0.5):.0f} ms, {len(stops)} of {len(heard[Kind.INTERRUPTION])} interruptions; "
            f"pauses also for {others}{here}; most of those are taken back (selectivity)",
        )


class _Heard:
    """What the voice-activity model makes of an item, 20 ms by 20 ms."""

    def __init__(self, item: Item, vad: SileroVad) -> None:
        self._pcm = on_the_line(item, _LEAD_TICKS * FRAME, 20 * FRAME)
        self._first = first_voiced(item, _LEAD_TICKS * FRAME)
        slot = vad.open()
        size = CHUNK * 2
        self._speech = [
            vad.run([slot], [self._pcm[at : at + size]])[0]
            for at in range(0, len(self._pcm) - size + 1, size)
        ]
        vad.close(slot)

    def noticed_ms(self, needed: float) -> float | None:
        """From the first voiced frame to the tick at which it is enough; None: it never is."""
        ear = Ear(RATE)
        onset = Onset(ear, RATE, needed)
        for tick in range(len(self._pcm) // (FRAME * 2)):
            window = (tick + 1) * FRAME // CHUNK - 1
            speech = self._speech[min(window, len(self._speech) - 1)] if window >= 0 else 0.0
            ear.tick(self._pcm[tick * FRAME * 2 : (tick + 1) * FRAME * 2], speech)
            if tick < 50:
                continue
            onset.tick()
            if onset.enough:
                return float(max(0, tick + 1 - self._first) * 20)
        return None
