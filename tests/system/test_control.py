"""A call is told by its operator what to say, what to know, and where to go."""

from pathlib import Path
from typing import Any

import pytest
from benchmarks.platform import Running

from tests.interop import sipp
from tests.interop.sipp_run import Sipp
from tests.system.talk import ON_THE_PLATFORM, events, finished, live_call, new_number

pytestmark = [ON_THE_PLATFORM, pytest.mark.peer("sipp")]


def order(up: Running, call: str, verb: str, body: dict[str, Any]) -> Any:
    return (
        up.api.post(f"/trunkline/v1/calls/{call}/{verb}", json=body, timeout=60.0).raise_for_status().json()
    )


def test_say_whisper_and_transfer(up: Running, providers: object, tmp_path: Path) -> None:
    number = new_number()
    agent = up.agent(number)
    scenario = (
        sipp.invite(number) + sipp.answered() + sipp.ack(number)
        + sipp.be_referred("sip:busy@127.0.0.1") + sipp.notify(486, "Busy Here", 2, number)
        + sipp.be_referred("sip:200@127.0.0.1") + sipp.notify(100, "Trying", 3, number)
        + sipp.notify(200, "OK", 4, number) + sipp.be_hung_up()
    )  # fmt: skip
    caller = Sipp(tmp_path, scenario, f"127.0.0.1:{up.sip_port}")
    call = live_call(up, agent)
    order(up, call, "whisper", {"text": "She is a member."})
    order(up, call, "say", {"text": "One moment please."})
    for note in events(up, call):
        if note["kind"] == "agent_said" and "One moment please." in note["data"]["text"]:
            break
    failed = order(up, call, "transfer", {"to": "sip:busy@127.0.0.1"})["response"]
    assert failed == {"transferred": False, "code": 486, "reason": "Busy Here"}
    done = order(up, call, "transfer", {"to": "sip:200@127.0.0.1"})["response"]
    assert done == {"transferred": True, "code": None, "reason": ""}
    caller.finish()
    shown = finished(up, call)
    assert (shown["call_status"], shown["end_call_reason"]) == ("completed", "agent_ended_call")
    kinds = [note["kind"] for note in events(up, call)]
    assert {"say", "whisper"} <= set(kinds)
    assert (kinds.count("transfer_started"), kinds.count("transfer_finished")) == (2, 2)
