"""Memory of the voice process: what one more call takes, and what many short calls leave behind."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Timer

from benchmarks.figures import Figure
from benchmarks.stage import Result, Stage, script, stage
from benchmarks.wire import CueKind, Step

_HELD = (20, 100)
_STARTED_WITHIN = 8.0
_HOLD_MS = 20_000
_LOOK_AFTER = 20.0
"""Seconds; all calls are up then, and have been for a while."""
_SHORT_MS = 200
_SHORT_A_SECOND = 12
_BATCH = 500
_FIRST = 1000
_MB = 1 << 20


def measure(full: bool) -> Iterator[Figure]:
    """`full`: 10,000 short calls, which take a quarter of an hour; else 2,000."""
    with stage(capacity=400, providers=script(0, 0)) as it:
        url = it.stream_url(it.agent("+15550101"))
        silent = [Step(CueKind.AT, _HOLD_MS)]

        def streams(count: int) -> Result:
            return it.streams(url, [silent] * count, 60.0, _STARTED_WITHIN / count)

        def sip(count: int) -> Result:
            return it.sip("+15550101", [silent] * count, 60.0, _STARTED_WITHIN / count)

        yield _marginal(it, "twilio", streams)
        yield _marginal(it, "sip", sip)
        yield from _left_behind(it, url, 10_000 if full else 2_000)


def _marginal(it: Stage, kind: str, run: Callable[[int], Result]) -> Figure:
    """What a call takes: a greeting, then silence, recorded."""
    sizes: list[float] = []
    for count in _HELD:
        look = Timer(_LOOK_AFTER, lambda: sizes.append(_resident_mb(it.voice)))
        look.start()
        result = run(count)
        look.join()
        up = sum(log.status == 200 and not log.ended_by_agent for log in result.logs)
        if up != count:
            how = f"{up} of {count} calls came up"
            return Figure(f"memory_a_call_{kind}", float("nan"), "MB", "<= 1.5", how)
    least, most = _HELD
    how = f"resident size of the voice process with {most} calls ({sizes[1]:.0f} MB) less with {least} ({sizes[0]:.0f})"
    return Figure(f"memory_a_call_{kind}", (sizes[1] - sizes[0]) / (most - least), "MB", "<= 1.5", how)


def _left_behind(it: Stage, url: str, calls: int) -> Iterator[Figure]:
    """Resident size and descriptors after so many short calls, against those after the first thousand."""
    short: Sequence[Step] = [Step(CueKind.AT, _SHORT_MS)]
    sizes: dict[int, float] = {}
    descriptors: dict[int, int] = {}
    up = 0
    for done in range(_BATCH, calls + 1, _BATCH):
        result = it.streams(url, [short] * _BATCH, 120.0, 1 / _SHORT_A_SECOND)
        up += sum(log.status == 200 for log in result.logs)
        sizes[done] = _resident_mb(it.voice)
        descriptors[done] = len(os.listdir(f"/proc/{it.voice}/fd"))
    grown = 100 * (sizes[calls] / sizes[_FIRST] - 1)
    how = (
        f"{up} calls of {_SHORT_MS} ms over Twilio's wire, {_SHORT_A_SECOND} a second: {sizes[_FIRST]:.0f} MB after "
        f"{_FIRST}, {sizes[calls]:.0f} after {calls}"
    )
    yield Figure("memory_growth", grown, "%", "<= 2", how)
    more = descriptors[calls] - descriptors[_FIRST]
    yield Figure("descriptors_growth", more, "files", "<= 0", f"{descriptors[calls]} open at the end")


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _MB
