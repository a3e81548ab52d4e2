"""Calls that come to nothing: a number that nobody has, nobody there, more at once than there is room for."""

import pytest
from benchmarks.platform import Running
from benchmarks.wire import CueKind, Step

from tests.interop.sipp_run import Sipp
from tests.system.talk import (
    MAX_CALLS,
    ON_THE_PLATFORM,
    check_unreachable,
    finished,
    new_number,
    on_the_wire,
    until,
)

pytestmark = ON_THE_PLATFORM

BUSY = 486


def reasons(up: Running) -> list[str]:
    """Why calls were refused, as the log of voice has it."""
    return [str(line["reason"]) for line in up.log("voice") if line["event"] == "call_refused"]


def test_an_unknown_number(up: Running) -> None:
    before, number = len(reasons(up)), new_number()
    with on_the_wire(up.dial(number), Step(CueKind.AT, 0)) as (call,):
        pass
    assert call.log.status == BUSY
    (reason,) = until(lambda: reasons(up)[before:])
    assert reason == "The number dialled is not known here; import it with POST /v2/custom-numbers."
    assert number.removeprefix("+") not in (up.home / "logs" / "voice.log").read_text(), "a log names nobody"


def test_a_number_without_an_agent(up: Running) -> None:
    number = new_number()
    agent = up.agent(number)
    up.api.delete(f"/v2/assistants/{agent}").raise_for_status()
    before = len(reasons(up))
    with on_the_wire(up.dial(number), Step(CueKind.AT, 0)) as (call,):
        pass
    assert call.log.status == BUSY
    (reason,) = until(lambda: reasons(up)[before:])
    assert "serves no inbound agent" in reason


@pytest.mark.peer("sipp")
def test_a_trunk_that_does_not_answer(up: Running, silent: tuple[str, str]) -> None:
    """Over UDP nothing says that nobody is there: SIP gives up after 32 s."""
    call_id, host = silent
    check_unreachable(finished(up, call_id, within=45.0), host)


@pytest.mark.peer("sipp")
def test_nobody_picks_up(up: Running, ringing: tuple[str, Sipp]) -> None:
    call_id, peer = ringing
    peer.finish()
    shown = finished(up, call_id)
    assert (shown["call_status"], shown["transcript"]) == ("no-answer", "")
    assert len(peer.invites()) == 1, "the INVITE was taken back by a CANCEL, and not sent again"


def test_one_more_than_there_is_room_for(up: Running) -> None:
    """The surplus call is refused at once, and a call that is asked for by HTTP meanwhile as well."""
    number = new_number()
    agent = up.agent(number)
    before = len(reasons(up))
    stay = Step(CueKind.AFTER, 4000)
    with on_the_wire(up.dial(number), stay, calls=MAX_CALLS + 1) as calls:
        until(lambda: all(call.log.status for call in calls))
        answer = up.api.post(
            "/v2/calls", json={"model_id": agent, "phone": "sip:x@127.0.0.1:9", "name": "Ann Other"}
        )
    assert sorted(call.log.status for call in calls) == [200] * MAX_CALLS + [BUSY]
    (reason,) = reasons(up)[before:]
    assert reason == f"all {MAX_CALLS} slots are taken; TRUNKLINE_MAX_CALLS sets how many there are"
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert "No voice process has room" in answer.text
    shown = up.settled(agent, MAX_CALLS)
    assert len(shown) == MAX_CALLS, "a call that was refused left nothing behind"
