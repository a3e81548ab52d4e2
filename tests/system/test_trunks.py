"""A number registers at somebody's trunk, and is called through it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.platform import Running

from tests.interop import sipp
from tests.interop.kamailio import PASSWORD, Kamailio
from tests.interop.sipp_run import Sipp
from tests.system.talk import ON_THE_PLATFORM, finished, live_call, new_number, until

pytestmark = [ON_THE_PLATFORM, pytest.mark.peer("kamailio"), pytest.mark.peer("sipp")]


@pytest.fixture
def kamailio(tmp_path: Path) -> Iterator[Kamailio]:
    with Kamailio(tmp_path) as running:
        yield running


def trunk(up: Running, number: str, state: str) -> dict[str, Any]:
    """The trunk once it stands so."""

    def shown() -> dict[str, Any] | None:
        answer = up.api.get(f"/trunkline/v1/trunks/{number[1:]}").raise_for_status()
        found: dict[str, Any] = answer.json()["response"]
        return found if found["registration_state"] == state else None

    return until(shown, within=15.0)


def test_registers_refused_mended_called_and_taken_back(
    up: Running, providers: object, kamailio: Kamailio, tmp_path: Path
) -> None:
    number = new_number()
    agent = up.agent(number, trunk=kamailio.host)
    path = f"/v2/numbers/{number[1:]}"
    login = {"uac_enabled": True, "trunk_username": "alice", "trunk_pwd": "wrong", "uac_register_expires": 60}
    up.api.patch(path, json=login).raise_for_status()
    refused = trunk(up, number, "failed")
    assert (refused["registration_code"], refused["registration_error"]) == (403, "Forbidden")

    up.api.patch(path, json={"trunk_pwd": PASSWORD}).raise_for_status()
    registered = trunk(up, number, "registered")
    assert registered["registration_error"] == ""
    assert registered["registration_changed_at"] > refused["registration_changed_at"]

    scenario = (
        sipp.invite("alice") + sipp.answered() + sipp.ack("alice") + sipp.pause(2500) + sipp.bye("alice")
    )
    caller = Sipp(tmp_path, scenario, kamailio.host)
    call = live_call(up, agent)
    caller.finish()
    shown = finished(up, call)
    assert (shown["call_status"], shown["phone_number_to"]) == ("completed", number)

    up.api.delete(path).raise_for_status()
    until(lambda: kamailio.registers()[-1] == ("alice", 0), within=10.0)
