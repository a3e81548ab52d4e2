"""The platform calls: a SIP address and numbers through trunks, answered or refused; nobody is dialled twice.

What takes long is begun here too, by the fixtures `ringing` and `silent`; test_refused.py sees how it ends.
"""

from pathlib import Path
from typing import Any

import pytest
from benchmarks.platform import Running
from benchmarks.ports import free_port

from tests.interop import sipp
from tests.interop.sipp_run import Sipp
from tests.system.talk import (
    ENDING,
    FAREWELL,
    GREETING,
    ON_THE_PLATFORM,
    QUESTION,
    answers,
    check_unreachable,
    finished,
    lines,
    new_number,
    place,
)
from trunkline.voice.scripted import ScriptedServer

pytestmark = [ON_THE_PLATFORM, pytest.mark.peer("sipp"), pytest.mark.usefixtures("ringing", "silent")]


@pytest.fixture
def providers(providers: ScriptedServer) -> ScriptedServer:
    providers.script = ENDING
    return providers


def check_answered(shown: dict[str, Any]) -> None:
    assert shown["call_status"] == "completed", shown["error_message"]
    assert lines(shown) == [("bot", GREETING), ("human", QUESTION), ("bot", FAREWELL)]
    assert shown["type_of_call"] == "outbound"
    assert int(shown["recording_duration"]) >= 4


def test_a_sip_address(up: Running, speech: bytes, tmp_path: Path) -> None:
    agent = up.agent(new_number(), "outbound", greeting_message=GREETING, patience_level="low")
    peer = Sipp(tmp_path, answers(speech, tmp_path))
    call_id = place(up, agent, f"sip:somebody@127.0.0.1:{peer.port}")
    peer.finish()
    check_answered(finished(up, call_id))
    ((_, dialled),) = peer.invites()
    assert dialled == "somebody"


def test_five_numbers_through_a_trunk_each_dialled_once(up: Running, speech: bytes, tmp_path: Path) -> None:
    peer = Sipp(tmp_path, answers(speech, tmp_path), calls=5)
    own = new_number()
    agent = up.agent(
        own, "outbound", f"127.0.0.1:{peer.port}", greeting_message=GREETING, patience_level="low"
    )
    numbers = [new_number() for _ in range(5)]
    placed = [place(up, agent, number) for number in numbers]
    peer.finish()
    for call_id, number in zip(placed, numbers, strict=True):
        shown = finished(up, call_id)
        check_answered(shown)
        assert (shown["phone_number_from"], shown["phone_number_to"]) == (own, number)
    assert sorted(dialled for _, dialled in peer.invites()) == sorted(numbers)


@pytest.mark.parametrize(
    ("scenario", "status", "error"),
    [
        (sipp.ring() + sipp.refuse(486, "Busy Here"), "busy", ""),
        (sipp.ring() + sipp.refuse(480, "Temporarily Unavailable"), "no-answer", ""),
        (sipp.ring() + sipp.refuse(403, "Forbidden"), "failed", "Telephony - 403"),
    ],
)
def test_a_trunk_that_refuses(up: Running, tmp_path: Path, scenario: str, status: str, error: str) -> None:
    peer = Sipp(tmp_path, scenario)
    agent = up.agent(new_number(), "outbound", f"127.0.0.1:{peer.port}")
    call_id = place(up, agent, new_number())
    peer.finish()
    shown = finished(up, call_id)
    assert (shown["call_status"], shown["transcript"]) == (status, "")
    assert shown["error_message"].startswith(error)
    assert len(peer.invites()) == 1


def test_a_trunk_that_is_not_there(up: Running) -> None:
    host = f"127.0.0.1:{free_port()}"
    agent = up.agent(new_number(), "outbound", f"{host};transport=tcp")
    check_unreachable(finished(up, place(up, agent, new_number())), host)
