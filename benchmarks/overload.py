"""Overload: more calls than a host may hold. Every one too many is refused, none is dropped, and those that are up do
not notice."""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import httpx2

from benchmarks.figures import Figure, percentile
from benchmarks.stage import Result, Stage, script, stage
from benchmarks.wire import CueKind, Step, WireLog

_CAP = 20
_SHARES = (1.5, 3.0)
_HOLD_MS = 20_000
_SECONDS = 45.0
_BUSY = 486
_UNAVAILABLE = 503
_TOO_MANY = 429
_ASKED = 30
_SETTLED_WITHIN = 60.0
_ON = ("ringing", "in-progress")
_ASK_AFTER, _ASK_EVERY = 8.0, 0.15
"""Seconds: all slots are taken by then, and the workspace's own limit is 10 a second."""


def measure() -> Iterator[Figure]:
    """At 150 and 300 % of the cap, over SIP and over WebSockets, and by the API with every slot taken."""
    with stage(capacity=_CAP, providers=script(0, 0)) as it:
        agent = it.agent("+15550101")
        url = it.stream_url(agent)
        asking, full = _asked_when_full(
            it
        )  # first: a slot of calls before that is given back late would be free
        _settle(it, agent)
        alone = _spacing(_sip(it, _CAP).logs)
        yield from _by_api(asking, full, alone)
        for share in _SHARES:
            yield from _judged("sip", share, _sip(it, int(_CAP * share)), _BUSY, alone)
        alone = _spacing(_streams(it, url, _CAP).logs)
        for share in _SHARES:
            yield from _judged("websocket", share, _streams(it, url, int(_CAP * share)), _UNAVAILABLE, alone)


def _sip(it: Stage, count: int) -> Result:
    return it.sip("+15550101", [_held()] * count, _SECONDS, 4.0 / count)


def _streams(it: Stage, url: str, count: int) -> Result:
    return it.streams(url, [_held()] * count, _SECONDS, 4.0 / count)


@dataclass
class _Asking:
    """Calls that are asked for while none can be placed, in a thread of its own."""

    api: httpx2.Client
    agent: str
    answers: list[httpx2.Response] = field(default_factory=list)

    def run(self) -> None:
        time.sleep(_ASK_AFTER)
        for n in range(_ASKED):
            body = {"model_id": self.agent, "phone": f"+1555090{n:04d}", "name": "Ann"}
            self.answers.append(self.api.post("/v2/calls", json=body))
            time.sleep(_ASK_EVERY)


def _settle(it: Stage, agent: str) -> None:
    """Wait until the calls of before are written down: until then each has its slot."""
    until = time.monotonic() + _SETTLED_WITHIN
    while any(call["call_status"] in _ON for call in it.up.calls(agent)):
        if time.monotonic() > until:
            raise RuntimeError("calls of before are still on")
        time.sleep(0.3)


def _asked_when_full(it: Stage) -> tuple[_Asking, Result]:
    """`POST /v2/calls` with every slot taken by calls over SIP."""
    asking = _Asking(it.up.api, it.up.agent("+15550103", "outbound", trunk="127.0.0.1:9"))
    thread = threading.Thread(target=asking.run, name="asking")
    thread.start()
    result = _sip(it, _CAP)
    thread.join()
    return asking, result


def _by_api(asking: _Asking, result: Result, alone: float) -> Iterator[Figure]:
    refused = [answer for answer in asking.answers if answer.status_code == _TOO_MANY]
    told = [answer for answer in refused if int(answer.headers.get("Retry-After", 0)) >= 1]
    waits = [1000 * answer.elapsed.total_seconds() for answer in asking.answers]
    how = (
        f"POST /v2/calls with all {_CAP} slots taken: {len(refused)} of {_ASKED} answered 429, {len(told)} of them with "
        f"Retry-After, p95 {percentile(waits, 0.95):.0f} ms; {result.load}"
    )
    yield Figure("overload_api_refused", 100 * len(told) / _ASKED, "%", ">= 100", how)
    admitted = [log for log in result.logs if log.status == 200]
    dropped = _CAP - len(admitted) + sum(log.ended_by_agent for log in admitted)
    yield Figure("overload_api_dropped", dropped, "calls", "<= 0", "ended by us, or not answered, meanwhile")
    moved = 100 * (_spacing(admitted) / alone - 1)
    how = f"p99 of the time between two packets, against {alone:.1f} ms without the requests"
    yield Figure("overload_api_pace_moved", moved, "%", "<= 20", how)


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
    dropped += max(0, _CAP - len(admitted))
    name = f"overload_{kind}_at_{share:.0%}".replace("%", "")
    how = f"{len(result.logs)} calls at a cap of {_CAP}: {len(admitted)} admitted, {refused} refused with {refusal}; {result.load}"
    yield Figure(f"{name}_refused", 100 * refused / surplus, "%", ">= 100", how)
    yield Figure(
        f"{name}_dropped", dropped, "calls", "<= 0", "ended by us, unanswered, or refused below the cap"
    )
    moved = 100 * (_spacing(admitted) / alone - 1)
    how = f"p99 of the time between two packets, against {alone:.1f} ms with {_CAP} calls and no surplus"
    yield Figure(f"{name}_pace_moved", moved, "%", "<= 20", how)


def _spacing(logs: Sequence[WireLog]) -> float:
    """p99 of the time between two packets of one call, within a stretch of sound."""
    gaps = [(b - a) / 1e6 for log in logs for a, b in pairwise(log.heard.at_ns)]
    return percentile([gap for gap in gaps if gap < 500], 0.99)
