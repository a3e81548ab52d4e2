"""Figures of whole calls against scripted providers, read off the caller's wire.

One platform, its voice process kept on core 0; the measuring caller, the scripted providers and everything else on
core 1. Every call is SIP with G.711 and the queue that real calls use.
"""

import itertools
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, percentile
from benchmarks.gaps import EnergyMeter, ModelMeter, Turn, disagreement_ms, turns
from benchmarks.platform import Running, cpu_seconds, platform
from benchmarks.speech import INTERRUPTIONS, QUESTIONS, utterances
from benchmarks.wire import CueKind, Step, WireCaller, WireLog
from trunkline.voice.scripted.script import Script
from trunkline.voice.scripted.server import ScriptedServer

WAIT_MS = 200
"""Patience `low`: the silence after which a complete turn is taken."""
_REPLY = "We are open from nine to five on weekdays."
_LONG = (
    "We are open from nine to five on weekdays and from ten to two on Saturdays and on the first Sunday of the month "
    "we are open in the morning for emergencies and you can reach us by telephone at any time of the day or night."
)
_VOICE_CORE, _OTHER_CORE = 0, 1


@dataclass(frozen=True)
class Heard:
    """One turn of a call: what the wire says and what the platform's ledger says."""

    wire: Turn
    ledger_ms: float | None


def _script(llm_ms: float, tts_ms: float, stt_ms: float = 0.0, reply: str = _REPLY) -> Script:
    return Script.model_validate(
        {
            "llm": {"first_ms": llm_ms, "token_ms": 0, "default": reply},
            # Every other turn is a question, which the turn model is not asked about.
            "stt": {"first_ms": stt_ms, "texts": ("I would like an appointment.", QUESTIONS[0]) * 2000},
            "tts": {"first_ms": tts_ms},
        }
    )


def _questions(sounds: Sequence[bytes], count: int, pause_ms: int) -> list[Step]:
    """Ask, wait for the answer and some silence, ask again; hang up after the last answer."""
    steps = [Step(CueKind.AFTER, pause_ms, sounds[index % len(sounds)]) for index in range(count)]
    return [*steps, Step(CueKind.AFTER, pause_ms)]


def _run(
    up: Running, number: str, scripts: Sequence[Sequence[Step]], seconds: float, spread: float
) -> "_Result":
    caller = WireCaller(seed=7)
    try:
        # The first call of a list starts last, so that order of dialling says nothing about order in the record.
        calls = [
            caller.call(up.dial(number), script, after_s=index * spread, caller=f"+1555{index:07d}")
            for index, script in enumerate(scripts)
        ]
        began, cpu = time.monotonic(), time.process_time()
        caller.run(seconds)
        busy = (time.process_time() - cpu) / (time.monotonic() - began)
        return _Result([call.log for call in calls], [late / 1e6 for late in caller.late_ns], busy)
    finally:
        caller.close()


@dataclass
class _Result:
    logs: list[WireLog]
    late_ms: list[float]
    caller_busy: float
    """Share of a core that the measuring caller took."""


class Talks:
    """The figures that need a platform with scripted providers."""

    def __init__(self, up: Running, server: ScriptedServer, models: Path) -> None:
        self._up = up
        self._server = server
        self._energy = EnergyMeter()
        self._model = ModelMeter(models / "vad" / "silero_vad.onnx")
        self._sounds = utterances()
        self._interruptions = utterances(INTERRUPTIONS)
        settings = {"patience_level": "low", "greeting_message": "Hello."}
        self._agent = up.agent("+15550100", **settings)
        self._quiet_agent = up.agent("+15550101", **settings)

    def figures(self, full: bool) -> Iterator[Figure]:
        """Each, as soon as it is there."""
        yield from self._added()
        yield from self._barge_in()
        yield from self._capacity((20, 40, 60, 80, 100) if not full else (20, 40, 60, 80, 100, 120, 150, 180))

    # ---- added latency and the ledger, few calls ----

    def _added(self) -> Iterator[Figure]:
        added: list[float] = []
        errors: list[float] = []
        worst = 0.0
        gaps: dict[int, list[float]] = {}
        for delay in (0, 100, 300, 600):
            self._server.script = _script(llm_ms=delay, tts_ms=delay / 2)
            result = _run(self._up, "+15550100", [_questions(self._sounds, 4, 700)] * 4, 60.0, spread=1.0)
            for log in result.logs:
                wire = turns(log, self._energy)
                worst = max(worst, disagreement_ms(wire, turns(log, self._model)))
                for turn in wire:
                    if turn.gap_ms is not None:
                        gaps.setdefault(delay, []).append(turn.gap_ms)
                        added.append(turn.gap_ms - delay * 1.5 - WAIT_MS)
            errors += self._ledger_errors(self._agent, result.logs)
        how = (
            f"{len(added)} turns in 16 calls, 4 at a time, G.711 over SIP; LLM 0/100/300/600 ms, TTS half of it, STT 0; "
            f"patience low ({WAIT_MS} ms); speculation on"
        )
        yield Figure("added_latency_p50", percentile(added, 0.5), "ms", "<= 60", how)
        yield Figure("added_latency_p95", percentile(added, 0.95), "ms", "<= 100", how)
        for delay, values in gaps.items():
            yield Figure(
                f"heard_gap_p50_llm_{delay}_ms", percentile(values, 0.5), "ms", None, f"{len(values)} turns"
            )
        yield Figure(
            "gap_meters_disagree_max",
            worst,
            "ms",
            "<= 100",
            "energy against voice-activity model, same turns",
        )
        yield self._ledger_figure(errors, "ledger_within_60_ms", "the same turns")

    def _ledger_figure(self, errors: list[float], metric: str, how: str) -> Figure:
        share = 100 * sum(abs(error) <= 60 for error in errors) / len(errors) if errors else 0.0
        middle = statistics.median(errors) if errors else float("nan")
        return Figure(
            metric, share, "%", ">= 99", f"{how}: {len(errors)}, wire less ledger p50 {middle:.0f} ms"
        )

    def _ledger_errors(self, agent: str, logs: Sequence[WireLog]) -> list[float]:
        """For each turn, the wire's gap less the ledger's."""
        calls = self._up.settled(agent, len(self._up.calls(agent)))
        by_caller: dict[str, list[dict[str, Any]]] = {}
        for call in calls[: len(logs)]:
            by_caller[call["lead_phone_number"]] = self._up.ledger(call["call_id"])
        errors: list[float] = []
        for index, log in enumerate(logs):
            ledger = by_caller.get(f"+1555{index:07d}", [])
            wire = [turn for turn in turns(log, self._energy) if turn.gap_ms is not None]
            if len(wire) != len(ledger):
                errors += [float("inf")] * max(1, len(wire))
                continue
            errors += [
                turn.gap_ms - said["heard_gap_ms"]
                for turn, said in zip(wire, ledger, strict=True)
                if turn.gap_ms
            ]
        return errors

    # ---- barge-in ----

    def _barge_in(self) -> Iterator[Figure]:
        self._server.script = _script(llm_ms=100, tts_ms=50, reply=_LONG)
        waits = (2500, 2300, 2700, 2100)
        cuts = [
            Step(CueKind.INTERRUPT, wait, sound)
            for wait, sound in zip(waits, self._interruptions, strict=True)
        ]
        steps = [Step(CueKind.AFTER, 700, self._sounds[0]), *cuts, Step(CueKind.INTERRUPT, 2000)]
        result = _run(self._up, "+15550101", [steps] * 8, 60.0, spread=0.5)
        voiced = [
            turn.stop_ms
            for log in result.logs
            for turn in turns(log, self._energy)
            if turn.stop_ms is not None
        ]
        any_sound = [
            turn.stop_any_ms
            for log in result.logs
            for turn in turns(log, self._energy)
            if turn.stop_any_ms is not None
        ]
        how = f"{len(any_sound)} interruptions in 8 calls; first voiced packet of the caller to the agent's last that is not silence"
        yield Figure("barge_in_p50", percentile(any_sound, 0.5), "ms", "<= 200", how)
        yield Figure("barge_in_p99", percentile(any_sound, 0.99), "ms", "<= 300", how)
        yield Figure(
            "barge_in_voiced_p50", percentile(voiced, 0.5), "ms", None, "to the last packet that is voiced"
        )

    # ---- calls a core ----

    def _capacity(self, steps: Sequence[int]) -> Iterator[Figure]:
        """More and more calls at once; the most that kept everything is the figure."""
        self._server.script = _script(llm_ms=200, tts_ms=100)
        voice = self._up.processes()["voice"]
        held = 0
        for count in steps:
            scripts = [_questions(self._sounds, 6, 8000) for _ in range(count)]
            self._up.pin(voice, _VOICE_CORE)
            before, began = cpu_seconds(voice), time.monotonic()
            result = _run(self._up, "+15550101", scripts, 75.0, spread=20.0 / count)
            share = (cpu_seconds(voice) - before) / (time.monotonic() - began)
            load = _Load.of(result, self._energy, share)
            yield from load.figures(count)
            if not load.kept:
                break
            held = count
        how = f"most of {tuple(steps)} with every call up, no packet lost, agent's pacing p99 <= 30 ms, added p95 <= 100 ms"
        yield Figure("calls_a_core", held, "calls", ">= 100", how)


@dataclass(frozen=True)
class _Load:
    """One run with many calls."""

    up: bool
    added: list[float]
    lost: int
    spacing_p99: float
    voice_share: float
    caller_busy: float
    caller_late_p99: float

    @classmethod
    def of(cls, result: _Result, meter: EnergyMeter, voice_share: float) -> "_Load":
        added = [
            turn.gap_ms - 300 - WAIT_MS
            for log in result.logs
            for turn in turns(log, meter)
            if turn.gap_ms is not None
        ]
        spacing = [
            (later - earlier) / 1e6
            for log in result.logs
            for earlier, later in zip(log.heard.at_ns, log.heard.at_ns[1:], strict=False)
        ]
        lost = sum(_lost(log) for log in result.logs)
        up = all(log.status == 200 and not log.ended_by_agent and len(log.heard) > 500 for log in result.logs)
        return cls(
            up,
            added,
            lost,
            percentile(spacing, 0.99),
            voice_share,
            result.caller_busy,
            percentile(result.late_ms, 0.99),
        )

    @property
    def kept(self) -> bool:
        return self.up and not self.lost and self.spacing_p99 <= 30 and percentile(self.added, 0.95) <= 100

    def figures(self, count: int) -> Iterator[Figure]:
        how = (
            f"{count} calls at once, {len(self.added)} turns; voice process {self.voice_share:.0%} of core 0, "
            f"measuring caller {self.caller_busy:.0%} of core 1 (late p99 {self.caller_late_p99:.1f} ms); "
            f"lost {self.lost}; every call up: {self.up}"
        )
        yield Figure(f"added_latency_p50_at_{count}", percentile(self.added, 0.5), "ms", None, how)
        yield Figure(f"added_latency_p95_at_{count}", percentile(self.added, 0.95), "ms", None, how)
        yield Figure(
            f"packet_spacing_p99_at_{count}", self.spacing_p99, "ms", None, "as received from the agent"
        )


def _lost(log: WireLog) -> int:
    """Packets missing from the agent's sequence."""
    numbers = log.heard.sequence
    return sum(
        step - 1 for step in ((b - a) & 0xFFFF for a, b in itertools.pairwise(numbers)) if 1 < step < 1000
    )


def measure(models: Path, full: bool) -> Iterator[Figure]:
    """All figures of calls against scripted providers."""
    os.sched_setaffinity(0, {_OTHER_CORE} if (os.cpu_count() or 1) > 1 else {0})
    with ScriptedServer() as server:
        endpoints = {f"TRUNKLINE_{part}_BASE_URL": server.base_url for part in ("LLM", "STT", "TTS")}
        with platform({**endpoints, "TRUNKLINE_MAX_CALLS": "250"}) as up:
            up.pin(up.processes()["voice"], _VOICE_CORE)
            yield from Talks(up, server, models).figures(full)
