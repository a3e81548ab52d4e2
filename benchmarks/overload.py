"""Overload: more calls than a host may hold. Every one too many is refused, none is dropped, and those that are up do
not notice."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from benchmarks.figures import Figure, percentile
from benchmarks.stage import Result, Stage, script, stage
from benchmarks.wire import CueKind, Step, WireLog

_CAP = 20
_SHARES = (1.5, 3.0)
_HOLD_MS = 20_000
_SECONDS = 45.0
_BUSY = 486
_UNAVAILABLE = 503


def measure() -> Iterator[Figure]:
    """At 150 and 300 % of the cap, over SIP and over WebSockets."""
    with stage(capacity=_CAP, providers=script(0, 0)) as it:
        agent = it.agent("+15550101")
        url = it.stream_url(agent)
        alone = _spacing(_sip(it, _CAP).logs)
        for share in _SHARES:
            yield from _judged("sip", share, _sip(it, int(_CAP * share)), _BUSY, alone)
        alone = _spacing(_streams(it, url, _CAP).logs)
        for share in _SHARES:
            yield from _judged("websocket", share, _streams(it, url, int(_CAP * share)), _UNAVAILABLE, alone)


def _sip(it: Stage, count: int) -> Result:
    return it.sip("+15550101", [_held()] * count, _SECONDS, 4.0 / count)


def _streams(it: Stage, url: str, count: int) -> Result:
    return it.streams(url, [_held()] * count, _SECONDS, 4.0 / count)


def _held() -> Sequence[Step]:
    return [Step(CueKind.AT, _HOLD_MS)]


def _judged(kind: str, share: float, result: Result, refusal: int, alone: float) -> Iterator[Figure]:
    surplus = len(result.logs) - _CAP
    statuses = [log.status for log in result.logs]
    admitted = [log for log in result.logs if log.status == 200]
    refused = sum(status == refusal for status in statuses)
    dropped = sum(log.ended_by_agent for log in admitted) + sum(
        status not in (200, refusal) for status in statuses
    )
    name = f"overload_{kind}_at_{share:.0%}".replace("%", "")
    how = f"{len(result.logs)} calls at a cap of {_CAP}: {len(admitted)} admitted, {refused} refused with {refusal}; {result.load}"
    yield Figure(f"{name}_refused", 100 * refused / surplus, "%", ">= 100", how)
    yield Figure(f"{name}_dropped", dropped, "calls", "<= 0", "ended by us, or not answered at all")
    moved = 100 * (_spacing(admitted) / alone - 1)
    how = f"p99 of the time between two packets, against {alone:.1f} ms with {_CAP} calls and no surplus"
    yield Figure(f"{name}_pace_moved", moved, "%", "<= 20", how)


def _spacing(logs: Sequence[WireLog]) -> float:
    """p99 of the time between two packets of one call, within a stretch of sound."""
    gaps = [(b - a) / 1e6 for log in logs for a, b in pairwise(log.heard.at_ns)]
    return percentile([gap for gap in gaps if gap < 500], 0.99)
