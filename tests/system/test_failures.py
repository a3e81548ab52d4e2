"""Something dies or stands still under a live call: the platform goes on, and nothing acknowledged is lost."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from benchmarks.gaps import EnergyMeter
from benchmarks.platform import Running
from benchmarks.wire import CueKind, Step

from tests.interop.sipp_run import Sipp
from tests.system.talk import (
    ENDING,
    GREETING,
    ON_THE_PLATFORM,
    QUESTION,
    answers,
    finished,
    follow,
    lines,
    live_call,
    new_number,
    on_the_wire,
    place,
    until,
)
from trunkline.voice.scripted import Script, ScriptedServer

pytestmark = ON_THE_PLATFORM

ANSWER = "On Saturday we open at ten."
AWAY_S = 10.0
CLOSED_WITHIN_S = 20.0
"""A host that died is given up after 10 s of silence; the rest is for a busy machine."""


@pytest.fixture
def number(up: Running, providers: ScriptedServer) -> str:
    """Answered by an agent that says ANSWER to everything."""
    providers.script = Script.model_validate({"llm": {"default": ANSWER}, "stt": {"default": QUESTION}})
    number = new_number()
    up.agent(number, greeting_message=GREETING, patience_level="low")
    return number


def agent_of(up: Running, number: str) -> str:
    return str(up.api.get(f"/v2/numbers/{number.removeprefix('+')}").json()["assistants"][0])


def conversation(questions: int) -> list[tuple[str, str]]:
    return [("bot", GREETING), *[("human", QUESTION), ("bot", ANSWER)] * questions]


def since(up: Running, process: str) -> Callable[[], list[str]]:
    """Names of what a process logs from now on."""
    before = len(up.log(process))
    return lambda: [str(line["event"]) for line in up.log(process)[before:]]


def takes_a_call(up: Running, number: str, speech: bytes) -> None:
    """Ready again: a new call is answered, heard and written down."""
    until(lambda: up.api.get("/readyz").status_code == httpx2.codes.OK, within=60.0)
    model_id = agent_of(up, number)
    before = len(up.calls(model_id))
    ask = Step(CueKind.AFTER, 500, speech)
    with on_the_wire(up.dial(number), ask, Step(CueKind.AFTER, 500)) as (call,):
        pass
    assert call.log.status == httpx2.codes.OK
    newest = until(lambda: up.calls(model_id)[: len(up.calls(model_id)) - before])[0]
    shown = finished(up, newest["call_id"])
    assert (shown["call_status"], lines(shown)) == ("completed", conversation(1))


def database_processes(up: Running) -> list[int]:
    """The postmaster first, then those that it started."""
    first = int((up.home / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    return [first, *map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())]


def test_the_database_is_killed(up: Running, number: str, speech: bytes) -> None:
    logged = since(up, "serve")
    ask = Step(CueKind.AFTER, 700, speech)
    with on_the_wire(up.dial(number), ask, ask, Step(CueKind.AFTER, 700)) as (call,):
        call_id = live_call(up, agent_of(up, number))
        follow(up, call_id, "caller_said")
        acknowledged = up.agent(new_number())
        os.kill(database_processes(up)[0], signal.SIGKILL)
    assert "database_died" in logged()
    assert len(EnergyMeter().spans(call.log.heard)) == 3, "the talk went on"
    shown = finished(up, call_id)
    assert (shown["call_status"], lines(shown)) == ("completed", conversation(2))
    assert abs(shown["duration"] - (call.log.ended_ns - call.log.answered_ns) / 1e9) < 1.5
    assert up.api.get(f"/v2/assistants/{acknowledged}").status_code == httpx2.codes.OK
    takes_a_call(up, number, speech)


@contextmanager
def standing_still(pids: list[int]) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_the_database_stands_still_for_ten_seconds(up: Running, number: str, speech: bytes) -> None:
    logged = since(up, "voice")
    ask = Step(CueKind.AFTER, 700, speech)
    with on_the_wire(up.dial(number), ask, ask, ask, Step(CueKind.AFTER, 700)):
        call_id = live_call(up, agent_of(up, number))
        follow(up, call_id, "caller_said")
        with standing_still(database_processes(up)):
            began = time.monotonic()
            until(lambda: "database_not_reached" in logged(), within=8.0)
            assert list((up.home / "journal").iterdir()), "what is said meanwhile is on the disk"
            with on_the_wire(up.dial(number), Step(CueKind.AT, 0)) as (surplus,):
                pass
            time.sleep(max(0.0, began + AWAY_S - time.monotonic()))
    assert surplus.log.status == 486, "no call is taken that could not be written down"
    shown = finished(up, call_id)
    assert (shown["call_status"], lines(shown)) == ("completed", conversation(3))
    assert {"journal_replayed", "database_reached_again"} <= set(logged())
    takes_a_call(up, number, speech)


def test_the_voice_process_is_killed(up: Running, number: str, speech: bytes) -> None:
    ask = Step(CueKind.AFTER, 1500, speech)
    with on_the_wire(up.dial(number), ask, ask, Step(CueKind.AT, 12_000), seconds=12.0):
        call_id = live_call(up, agent_of(up, number))
        follow(up, call_id, "caller_speaks", 2)  # by now the first answer is more than a second old
        os.kill(up.processes()["voice"], signal.SIGKILL)
        killed = time.monotonic()
        takes_a_call(up, number, speech)
        shown = finished(up, call_id, killed + CLOSED_WITHIN_S - time.monotonic())
    assert shown["call_status"] == "failed"
    assert "stopped in mid-call" in shown["error_message"]
    assert lines(shown)[:3] == conversation(1)
    assert int(shown["recording_duration"]) >= 4, "so is what was recorded until then"


@pytest.mark.peer("sipp")
def test_api_and_worker_are_killed_after_a_call_was_accepted(
    up: Running, providers: ScriptedServer, speech: bytes, tmp_path: Path
) -> None:
    providers.script = ENDING
    peer = Sipp(tmp_path, answers(speech, tmp_path), seconds=100)
    model_id = up.agent(new_number(), "outbound", f"127.0.0.1:{peer.port}", greeting_message=GREETING)
    before = up.processes()
    os.kill(before["worker"], signal.SIGSTOP)  # so that it has not begun
    called = new_number()
    call_id = place(up, model_id, called)
    for role in ("api", "worker"):
        os.kill(before[role], signal.SIGKILL)
    peer.finish()
    shown = finished(up, call_id, within=60.0)
    assert shown["call_status"] == "completed", shown["error_message"]
    assert [dialled for _, dialled in peer.invites()] == [called]
    after = up.processes()
    assert after["voice"] == before["voice"]
    assert after["api"] != before["api"]
    assert after["worker"] != before["worker"]
