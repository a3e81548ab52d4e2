"""What a bridge between two calls adds from mouth to ear, how soon the agent is back after a transfer that failed, and
whether many transfers in a row leave anything behind.

The voice host's line, beat and bridge run in a process of their own. Callers come in pairs and are joined as a transfer
joins them; others hear their own sound back over one line. All speak clicks on the wire, and the time from a click's
first sample in to its first sample out is what is measured: a call without us between would take none.
"""

import asyncio
import multiprocessing
import os
import random
import re
import subprocess
import sys
import threading
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import structlog

from benchmarks import mulaw, transfers_failed
from benchmarks.figures import Figure, percentile
from benchmarks.wire import CueKind, Step, WireCaller, WireLog
from trunkline.host.beat import Beat, tune_interpreter
from trunkline.host.leg import Leg, NoTape
from trunkline.host.switchboard import Bridge, Party
from trunkline.voice.conversation.events import Event, LineClosed, Request
from trunkline.voice.lines.line import IncomingCall, Line
from trunkline.voice.lines.sip import SipEngine

_PAIRS = 6
_ECHOES = 4
_CLICKS = 30
_EVERY_MS = 700
"""Longer than anything takes, so that a click is known by when it comes."""
_LOUD = 4000
"""Of 32768: the first sample above it is where a click begins."""
_SECONDS = 40.0
_TRANSFERS = 200
_TRANSFERS_SECONDS = 1500.0
_ROOT = Path(__file__).parent.parent
_ECHO = "echo"


def measure(full: bool) -> Iterator[Figure]:
    """The delay of a bridge and of coming back; `full`: the transfers in a row as well."""
    yield from _delays()
    if full:
        yield from _in_a_row()
    yield from transfers_failed.measure()  # last: it keeps this process to one core


# ---- what a bridge adds ----


def _delays() -> Iterator[Figure]:
    seed = random.randrange(1 << 32)
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    house = spawn.Process(target=_house, args=(there,))
    house.start()
    try:
        bridged, echoed = _clicked(f"127.0.0.1:{here.recv()}", seed)
    finally:
        here.send("stop")
        house.join(10)
        if house.is_alive():
            house.kill()
    lost = _PAIRS * 2 * _CLICKS - len(bridged)
    how = f"{len(bridged)} clicks over {_PAIRS} pairs of calls, wire to wire, {lost} not heard; seed {seed}"
    for share in (0.5, 0.95):
        name = f"p{share * 100:.0f}"
        yield Figure(f"bridge_mouth_to_ear_{name}", percentile(bridged, share), "ms", "<= 50", how)
        alone = percentile(echoed, share)
        how_alone = f"{len(echoed)} clicks that come back over the line they went in by: one line in and out, no bridge"
        yield Figure(f"line_mouth_to_ear_{name}", alone, "ms", None, how_alone)
        added = percentile(bridged, share) - alone
        yield Figure(f"bridge_over_one_line_{name}", added, "ms", None, "the difference of the two")


def _clicked(address: str, seed: int) -> tuple[list[float], list[float]]:
    """Delays in ms: of clicks over a bridge, and of those that come back over one line."""
    caller = WireCaller(seed=seed)
    names = [f"pair{n // 2}" for n in range(2 * _PAIRS)] + [_ECHO] * _ECHOES
    calls = [caller.call(f"sip:{name}@{address}", _clicks(n % 2)) for n, name in enumerate(names)]
    try:
        caller.run(_SECONDS)
    finally:
        caller.close()
    logs = [call.log for call in calls]
    pairs, echoes = logs[: 2 * _PAIRS], logs[2 * _PAIRS :]
    over = [
        delay
        for a, b in zip(pairs[::2], pairs[1::2], strict=True)
        for delay in _between(a, b) + _between(b, a)
    ]
    return over, [delay for log in echoes for delay in _between(log, log)]


def _clicks(second: int) -> Sequence[Step]:
    """The two of a pair take turns: who is bridged hears one click at a time."""
    click = mulaw.encode(np.full(80, 12000, "<i2").tobytes())
    first = 2000 + second * _EVERY_MS // 2
    steps = [Step(CueKind.AT, first + n * _EVERY_MS, click) for n in range(_CLICKS)]
    return [*steps, Step(CueKind.AT, first + (_CLICKS + 1) * _EVERY_MS)]


def _between(said: WireLog, heard: WireLog) -> list[float]:
    """How long each click took, in ms; one that never came is left out."""
    came = [
        at + int(np.argmax(_loud(payload))) * 125_000
        for at, payload in zip(heard.heard.at_ns, heard.heard.payloads, strict=True)
        if _loud(payload).any()
    ]
    delays = []
    for began, _ in said.steps:
        index = bisect_left(came, began)
        if index < len(came) and came[index] - began < _EVERY_MS / 2 * 1e6:
            delays.append((came[index] - began) / 1e6)
    return delays


def _loud(payload: bytes) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    return np.abs(np.frombuffer(mulaw.decode(payload), "<i2").astype(np.int32)) > _LOUD


# ---- the process with the lines ----


class _NoVad:
    """Nobody's voice is judged across a bridge."""

    def open(self) -> int:
        return 0

    def close(self, slot: int) -> None:
        return

    def run(self, slots: list[int], chunks: list[bytes]) -> list[float]:
        return [0.0] * len(slots)


class _Back:
    """Gives a line its own sound back."""

    ended = False

    def tick(self, frame: bytes | None, speech: float, queued: int) -> tuple[bytes, list[Request]]:
        return frame or b"", []

    def feed(self, event: Event) -> list[Request]:
        self.ended = self.ended or isinstance(event, LineClosed)
        return []


class _Nobody:
    """Owns lines until the end of the bench."""

    def asked(self, requests: list[Request]) -> None:
        return

    def talk_ended(self) -> None:
        return

    def line_closed(self, event: LineClosed) -> None:
        return

    def beat_failed(self, error: Exception) -> None:
        raise error


class _House:
    """Answers; joins two who dialled the same name, and gives the others their own sound back."""

    def __init__(self, beat: Beat) -> None:
        self._beat = beat
        self._waiting: dict[str, Party] = {}

    async def take(self, call: IncomingCall) -> None:
        await call.line.answer()
        party = self._party(call.line)
        if call.dialled == _ECHO:
            return
        first = self._waiting.pop(call.dialled, None)
        if first is None:
            self._waiting[call.dialled] = party
        else:
            Bridge(first, party).join()

    def _party(self, line: Line) -> Party:
        owner = _Nobody()
        leg = Leg(line, _Back(), NoTape(), owner, threading.Lock())
        self._beat.add(leg)
        return Party(leg, line, owner)


def _house(pipe: Connection) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    tune_interpreter()
    asyncio.run(_keep_house(pipe))


async def _keep_house(pipe: Connection) -> None:
    beat = Beat(_NoVad(), asyncio.get_running_loop())
    engine = SipEngine(port=random.randrange(10000, 18000, 2))
    beat.start()
    await engine.start(_House(beat).take)
    pipe.send(engine.port)
    await asyncio.to_thread(pipe.recv)
    await engine.stop()
    await beat.stop()


# ---- transfers in a row ----


def _in_a_row() -> Iterator[Figure]:
    """The interop test with more transfers: it fails where a leg, line, task, socket or row is left."""
    test = "tests/interop/test_transfer_many.py"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", test, "-q", "-s", f"--timeout={_TRANSFERS_SECONDS:g}"],
        cwd=_ROOT,
        env=os.environ | {"TRUNKLINE_TEST_TRANSFERS": str(_TRANSFERS)},
        capture_output=True,
        text=True,
        check=False,
    )
    seed = re.search(r"seed \d+", run.stdout)
    words = seed[0] if seed else "no seed"
    if run.returncode:
        words = f"{words}: {run.stdout[-300:]}"
    how = (
        f"runs of {_TRANSFERS} through Kamailio, half of them failing, that left something or broke; {words}"
    )
    yield Figure("transfers_in_a_row_left_behind", float(run.returncode != 0), "runs", "<= 0", how)
