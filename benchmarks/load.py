"""Calls a core: more and more at once on the voice process's one core, until something is not kept any more.

Three kinds: over SIP with all there is (conversation, turn model asked at every other turn, recording); over SIP with
neither turn model nor recording; and over Twilio's wire with providers that answer at once. Load and latency come from
the same run with the queue that real calls use. All CPU of the voice process counts, the turn model's too.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.figures import Figure, percentile
from benchmarks.gaps import EnergyMeter, turns
from benchmarks.speech import QUESTIONS
from benchmarks.stage import WAIT_MS, Result, Stage, questions, script, stage
from benchmarks.wire import WireLog

_PAUSE_MS = 8000
_TURNS = 4
_SECONDS = 50.0
_STARTED_WITHIN = 15.0
_LEAST_PACKETS = 50
_WARMING = 4
"""Calls before any is measured."""

Run = Callable[[int], Result]


@dataclass(frozen=True)
class _Kind:
    """One kind of load."""

    name: str
    goal: int
    run: Run
    providers_ms: float
    """What the scripted providers take of each gap."""
    heard_p95_ms: float
    """The bound on what callers wait, providers' time taken off."""
    paced: bool
    """The platform paces its packets, so their spacing says something."""
    what: str


def measure(full: bool) -> Iterator[Figure]:
    """The most calls a core of each kind."""
    counts = (20, 40, 60, 80, 100, 120, 150, 200) if full else (30, 50, 70, 90, 120, 150)
    with stage(capacity=400) as it:
        for kind in _kinds(it):
            yield from _most(kind, counts)


def _kinds(it: Stage) -> Iterator[_Kind]:
    number, plain = "+15550101", "+15550102"
    it.agent(number)
    url = it.stream_url(it.agent(plain, recording=False))

    def sip(number: str) -> Run:
        def run(count: int) -> Result:
            scripts = [questions(it.sounds, _TURNS, _PAUSE_MS)] * count
            return it.sip(number, scripts, _SECONDS, _STARTED_WITHIN / count)

        return run

    def twilio(count: int) -> Result:
        scripts = [questions(it.sounds, _TURNS, _PAUSE_MS)] * count
        return it.streams(url, scripts, _SECONDS, _STARTED_WITHIN / count)

    it.server.script = script(200, 100)
    # A process that has not talked yet pays for what it does for the first time; that is a start's cost, not a call's.
    it.sip(number, [questions(it.sounds, 2, 500)] * _WARMING, 20.0, 0.5)
    everything = "turn model at every other turn, recording"
    yield _Kind("sip_everything", 120, sip(number), 300, WAIT_MS + 100, True, everything)
    it.server.script = script(200, 100, heard=QUESTIONS)
    yield _Kind("sip", 150, sip(plain), 300, WAIT_MS + 100, True, "no turn model, no recording")
    it.server.script = script(0, 0, heard=QUESTIONS)
    yield _Kind("twilio", 400, twilio, 0, 300, False, "providers at once, no recording")


def _most(kind: _Kind, counts: Sequence[int]) -> Iterator[Figure]:
    held, cost = 0, float("nan")
    for count in counts:
        load = _Load.of(kind.run(count), count)
        yield from load.figures(kind, count)
        if not load.keeps(kind):
            break
        held, cost = count, load.cpu_ms
    spacing = ", packets' spacing p99 <= 30 ms" if kind.paced else ""
    how = (
        f"{kind.what}; most of {tuple(counts)} with every call up, nothing lost, heard gap less providers p95 <= "
        f"{kind.heard_p95_ms:.0f} ms (wait {WAIT_MS}){spacing}; {cost:.1f} ms of CPU a call and second then"
    )
    yield Figure(f"calls_a_core_{kind.name}", held, "calls", f">= {kind.goal}", how)


@dataclass(frozen=True)
class _Load:
    """One run with many calls."""

    result: Result
    up: int
    gaps: list[float]
    lost: int
    spacing_p99: float
    cpu_ms: float
    """CPU of the voice process for a call and second."""

    @classmethod
    def of(cls, result: Result, count: int) -> "_Load":
        meter = EnergyMeter()
        gaps = [turn.gap_ms for log in result.logs for turn in turns(log, meter) if turn.gap_ms is not None]
        spacing = [
            (later - earlier) / 1e6
            for log in result.logs
            for earlier, later in zip(log.heard.at_ns, log.heard.at_ns[1:], strict=False)
        ]
        up = sum(
            log.status == 200 and not log.ended_by_agent and len(log.heard) > _LEAST_PACKETS
            for log in result.logs
        )
        talked = sum(log.ended_ns - log.answered_ns for log in result.logs if log.answered_ns) / 1e9
        cpu_ms = 1000 * result.voice_share * _SECONDS / talked if talked else float("nan")
        lost = sum(map(_lost, result.logs))
        return cls(result, up, gaps, lost, percentile(spacing, 0.99), cpu_ms)

    def keeps(self, kind: _Kind) -> bool:
        heard = percentile(self.gaps, 0.95) - kind.providers_ms
        paced = not kind.paced or self.spacing_p99 <= 30
        return self.up == len(self.result.logs) and not self.lost and paced and heard <= kind.heard_p95_ms

    def figures(self, kind: _Kind, count: int) -> Iterator[Figure]:
        how = (
            f"{count} calls, {self.up} of them up, {len(self.gaps)} turns; {self.result.load}; lost {self.lost}; "
            f"{self.cpu_ms:.1f} ms of CPU a call and second"
        )
        heard = percentile(self.gaps, 0.95) - kind.providers_ms
        yield Figure(f"heard_p95_{kind.name}_at_{count}", heard, "ms", None, f"less providers; {how}")
        if kind.paced:
            spacing = "as received from the agent"
            yield Figure(f"packet_spacing_p99_{kind.name}_at_{count}", self.spacing_p99, "ms", None, spacing)


def _lost(log: WireLog) -> int:
    """Packets missing from the agent's sequence."""
    numbers = log.heard.sequence
    return sum(
        step - 1 for step in ((b - a) & 0xFFFF for a, b in itertools.pairwise(numbers)) if 1 < step < 1000
    )
