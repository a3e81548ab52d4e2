"""The platform is asked to stop while a call is on."""

import signal
from pathlib import Path

import psycopg
from benchmarks.gaps import EnergyMeter
from benchmarks.platform import Running
from benchmarks.wire import CueKind, Step

from tests.system.talk import (
    GREETING,
    ON_THE_PLATFORM,
    follow,
    live_call,
    new_number,
    on_the_wire,
)
from trunkline.platform.storage.embedded import EmbeddedPostgres

pytestmark = ON_THE_PLATFORM


def family(pid: int) -> set[int]:
    """A process and all that descend from it."""
    found = {pid}
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found |= family(int(child))
    return found


def alive(pid: int) -> bool:
    """Neither gone nor only waiting to be noticed dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_sigterm_lets_the_call_end_and_leaves_nothing_behind(up: Running, speech: bytes) -> None:
    number = new_number()
    agent = up.agent(number, greeting_message=GREETING, patience_level="low")
    processes = family(up.supervisor.pid)
    assert len(processes) > 6, "serve, three roles, PostgreSQL's own"
    ask = Step(CueKind.AFTER, 700, speech)
    with on_the_wire(up.dial(number), ask, ask, Step(CueKind.AFTER, 700)) as (call,):
        call_id = live_call(up, agent)
        follow(up, call_id, "caller_said")
        up.supervisor.send_signal(signal.SIGTERM)
        with on_the_wire(up.dial(number), Step(CueKind.AFTER, 4000)) as (late,):
            pass
        assert not call.log.ended_ns
        assert up.supervisor.poll() is None
    assert up.supervisor.wait(60) == 0
    assert not [pid for pid in processes if alive(pid)]
    assert late.log.status == 486
    assert not call.log.ended_by_agent
    assert len(EnergyMeter().spans(call.log.heard)) == 3, "greeted, and answered twice"
    assert status_in(up.home, call_id) == "completed"


def status_in(home: Path, call_id: str) -> str:
    """What the database that was left has of a call."""
    server = EmbeddedPostgres(home)
    server.start()
    try:
        with psycopg.connect(server.owner_url) as connection:
            row = connection.execute("SELECT status FROM calls WHERE id = %s", [call_id]).fetchone()
    finally:
        server.stop()
    assert row is not None
    return str(row[0])
