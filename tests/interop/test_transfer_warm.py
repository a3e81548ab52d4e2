"""Warm transfers with SIPp on both sides: who is called takes the caller, does not, or was never there."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.interop import sipp
from tests.interop.house import House, Parties, attach
from trunkline.resources.agents.models import Agent

pytestmark = pytest.mark.peer("sipp")

Phone = Callable[[Parties], str]
"""Puts somebody there and answers with the address."""


def refusing(status: int, words: str) -> Phone:
    return lambda parties: parties.listen(sipp.called() + sipp.refuse(status, words))


def ringing(parties: Parties) -> str:
    return parties.listen(sipp.called() + sipp.be_cancelled())


def nobody(parties: Parties) -> str:
    """A port on which nobody listens."""
    return f"sip:desk@127.0.0.1:{parties.spare_port}"


def mute(parties: Parties) -> str:
    """A port on which whatever comes is taken and nothing said."""
    return f"sip:desk@127.0.0.1:{parties.person.port}"


def redirecting(parties: Parties) -> str:
    elsewhere = f"sip:premium@127.0.0.1:{parties.person.port}"
    return parties.listen(sipp.called() + sipp.refuse(302, "Moved Temporarily", elsewhere))


FAILURES = [
    pytest.param(refusing(486, "Busy Here"), "busy", id="486"),
    pytest.param(refusing(600, "Busy Everywhere"), "busy", id="600"),
    pytest.param(refusing(603, "Decline"), "refused_603", id="603"),
    pytest.param(refusing(403, "Forbidden"), "refused_403", id="403"),
    pytest.param(refusing(404, "Not Found"), "refused_404", id="404"),
    pytest.param(refusing(480, "Temporarily Unavailable"), "not_answered", id="480"),
    pytest.param(refusing(503, "Service Unavailable"), "refused_503", id="503"),
    pytest.param(redirecting, "refused_302", id="302"),
    pytest.param(ringing, "not_answered", id="rings-on"),
    pytest.param(mute, "no_response", id="no-response"),
    pytest.param(nobody, "no_response", id="nobody"),
]
TIMEOUTS = ("not_answered", "no_response")


async def failed(house: House, parties: Parties, reason: str) -> list[dict[str, Any]]:
    """It failed for this reason, the agent hears and speaks again, and the record says all that; the attempts."""
    await house.until(lambda: house.told_of(reason))
    await parties.tell_agent("back", lambda: "said back." in parties.caller.heard)
    parties.calling.tell()
    call, (value,) = await house.finished()
    kind = "timeout" if reason in TIMEOUTS else "connection-error"
    assert (value["status"], value["failed_reason"]) == (f"transfer-failed-{kind}", reason)
    assert value["human_connected_at"] is None
    assert call.status == "completed"
    await parties.finish()
    return list(value["attempts"])


@pytest.mark.parametrize(("phone", "reason"), FAILURES)
async def test_nobody_takes_the_call(
    house: House, parties: Parties, agent: Agent, phone: Phone, reason: str
) -> None:
    address = phone(parties)
    await attach(house, agent, phone=address, timeout=1)
    await parties.call()
    (attempt,) = await failed(house, parties, reason)
    assert (attempt["number"], attempt["status"], attempt["failed_reason"]) == (address, "failed", reason)
    assert parties.person.heard == ""
    assert bool(parties.person.strays) == (phone is mute), "nobody is called but who was named"
