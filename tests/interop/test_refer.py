"""Blind transfers with another stack: only what it tells at last counts."""

from pathlib import Path
from typing import Any

import pytest

from tests.interop import sipp
from tests.interop.program import Answerer
from tests.interop.sipp_run import Sipp

pytestmark = pytest.mark.peer("sipp")

ELSEWHERE = "sip:200@127.0.0.1"
_CALLS = sipp.invite() + sipp.answered() + sipp.ack() + sipp.be_referred(ELSEWHERE)


def refer(answerer: Answerer, seconds: float = 5.0) -> None:
    answerer.wait_for("answered")
    answerer.tell("refer", target=ELSEWHERE, seconds=seconds)


def outcome(answerer: Answerer) -> dict[str, Any]:
    told = answerer.wait_for("referred")
    return {name: told[name] for name in ("ok", "reason", "code")}


def test_it_is_done_when_the_other_call_was_answered(tmp_path: Path) -> None:
    scenario = (
        _CALLS
        + sipp.notify(100, "Trying", 2)
        + sipp.pause(500)
        + sipp.notify(200, "OK", 3)
        + sipp.be_hung_up()
    )
    with Answerer(mode="listen") as answerer:
        caller = Sipp(tmp_path, scenario, f"127.0.0.1:{answerer.port}")
        refer(answerer)
        assert outcome(answerer) == {"ok": True, "reason": "", "code": None}
        closed = answerer.wait_for("closed")
        caller.finish()
    assert (closed["by"], closed["reason"]) == ("transfer", "transferred")


def test_it_failed_when_the_other_was_busy_and_the_call_goes_on(tmp_path: Path) -> None:
    scenario = (
        _CALLS
        + sipp.notify(100, "Trying", 2)
        + sipp.notify(486, "Busy Here", 3)
        + sipp.pause(500)
        + sipp.bye(number=4)
    )
    with Answerer(mode="listen") as answerer:
        caller = Sipp(tmp_path, scenario, f"127.0.0.1:{answerer.port}")
        refer(answerer)
        assert outcome(answerer) == {"ok": False, "reason": "Busy Here", "code": 486}
        closed = answerer.wait_for("closed")
        caller.finish()
    assert (closed["by"], closed["reason"]) == ("remote", "hung_up")


def test_that_it_was_accepted_is_no_success(tmp_path: Path) -> None:
    scenario = _CALLS + sipp.notify(100, "Trying", 2) + sipp.pause(2000) + sipp.bye(number=3)
    with Answerer(mode="listen") as answerer:
        caller = Sipp(tmp_path, scenario, f"127.0.0.1:{answerer.port}")
        refer(answerer, seconds=1.0)
        told = outcome(answerer)
        closed = answerer.wait_for("closed")
        caller.finish()
    assert not told["ok"] and "1 s" in told["reason"]
    assert closed["by"] == "remote"
