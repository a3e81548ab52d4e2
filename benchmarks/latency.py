"""Added latency: what callers wait, less what the scripted providers take, less the wait that is set; and whether the
platform's own ledger says the same. Few calls at once, over SIP and over Twilio's wire."""

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, percentile
from benchmarks.gaps import EnergyMeter, ModelMeter, disagreement_ms, turns
from benchmarks.stage import WAIT_MS, Stage, questions, script, stage
from benchmarks.wire import WireLog

_DELAYS_MS = (0, 100, 300, 600)
"""Of the language model's first token; the first sound takes half of it."""
_TURNS = 4
_CALLS = 4
_PAUSE_MS = 700
_SECONDS = 60.0


def measure(models: Path, full: bool) -> Iterator[Figure]:
    """Each figure, as soon as it is there. `full`: twice as many calls."""
    with stage() as it:
        calls = _CALLS * 2 if full else _CALLS
        agent = it.agent("+15550100")
        yield from _sip(it, agent, calls, ModelMeter(models / "vad" / "silero_vad.onnx"))
        yield from _websocket(it, it.stream_url(agent), calls)


def _sip(it: Stage, agent: str, calls: int, model: ModelMeter) -> Iterator[Figure]:
    energy = EnergyMeter()
    added: list[float] = []
    errors: list[float] = []
    worst = 0.0
    gaps: dict[int, list[float]] = {}
    for delay in _DELAYS_MS:
        it.server.script = script(delay, delay / 2)
        result = it.sip("+15550100", [questions(it.sounds, _TURNS, _PAUSE_MS)] * calls, _SECONDS, spread=1.0)
        for log in result.logs:
            worst = max(worst, disagreement_ms(turns(log, energy), turns(log, model)))
        gaps[delay] = _gaps(result.logs)
        added += [gap - delay * 1.5 - WAIT_MS for gap in gaps[delay]]
        errors += _ledger_errors(it, agent, result.logs)
    how = (
        f"{len(added)} turns in {calls * len(_DELAYS_MS)} calls, {calls} at a time, G.711 over SIP; language model "
        f"{'/'.join(map(str, _DELAYS_MS))} ms, speech half of it, recogniser 0; patience low ({WAIT_MS} ms); speculation on"
    )
    yield from _added("", added, "<= 40", "<= 60", how)
    for delay, values in gaps.items():
        yield Figure(
            f"heard_gap_p50_llm_{delay}_ms", percentile(values, 0.5), "ms", None, f"{len(values)} turns"
        )
    meters = "energy against voice-activity model, same turns"
    yield Figure("gap_meters_disagree_max", worst, "ms", "<= 100", meters)
    share = 100 * sum(abs(error) <= 60 for error in errors) / len(errors) if errors else 0.0
    middle = statistics.median(errors) if errors else float("nan")
    how = f"the same turns: {len(errors)}, wire less ledger p50 {middle:.0f} ms"
    yield Figure("ledger_within_60_ms", share, "%", ">= 99", how)


def _websocket(it: Stage, url: str, calls: int) -> Iterator[Figure]:
    added: list[float] = []
    for delay in _DELAYS_MS:
        it.server.script = script(delay, delay / 2)
        result = it.streams(url, [questions(it.sounds, _TURNS, _PAUSE_MS)] * calls, _SECONDS, spread=1.0)
        added += [gap - delay * 1.5 - WAIT_MS for gap in _gaps(result.logs)]
    how = f"{len(added)} turns over Twilio's wire, as over SIP; read off every 2 ms"
    yield from _added("websocket_", added, "<= 20", None, how)


def _added(kind: str, added: list[float], middle: str, tail: str | None, how: str) -> Iterator[Figure]:
    yield Figure(f"added_latency_{kind}p50", percentile(added, 0.5), "ms", middle, how)
    yield Figure(f"added_latency_{kind}p95", percentile(added, 0.95), "ms", tail, how)


def _gaps(logs: Sequence[WireLog]) -> list[float]:
    meter = EnergyMeter()
    return [turn.gap_ms for log in logs for turn in turns(log, meter) if turn.gap_ms is not None]


def _ledger_errors(it: Stage, agent: str, logs: Sequence[WireLog]) -> list[float]:
    """For each turn, the wire's gap less the ledger's."""
    calls = it.up.settled(agent, len(it.up.calls(agent)))
    by_caller: dict[str, list[dict[str, Any]]] = {
        call["lead_phone_number"]: it.up.ledger(call["call_id"]) for call in calls[: len(logs)]
    }
    errors: list[float] = []
    for index, log in enumerate(logs):
        ledger, wire = by_caller.get(f"+1555{index:07d}", []), _gaps([log])
        if len(wire) != len(ledger):
            errors += [float("inf")] * max(1, len(wire))
            continue
        errors += [gap - said["heard_gap_ms"] for gap, said in zip(wire, ledger, strict=True)]
    return errors
