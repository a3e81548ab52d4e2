"""Blind transfers with SIPp as the caller: REFER, what the other side makes of it, and our own call in its place."""

import pytest

from tests.interop import sipp
from tests.interop.house import House, Parties, attach
from tests.interop.test_transfer_answered import over
from tests.interop.test_transfer_warm import Phone, failed, nobody, refusing, ringing
from tests.resources.calls.conftest import NUMBER
from trunkline.resources.agents.models import Agent

pytestmark = pytest.mark.peer("sipp")

REFER = "sip:desk@127.0.0.1"


def held(parties: Parties, then: str) -> str:
    """The caller is put on hold, this happens, and it is taken back."""
    port = parties.caller.port
    return sipp.reinvited(port, "recvonly") + then + sipp.reinvited(port, "sendrecv")


def told(*statuses: tuple[int, str]) -> str:
    """The REFER is taken, and this is told of it."""
    return sipp.be_referred(REFER) + notes(*statuses)


def notes(*statuses: tuple[int, str]) -> str:
    """This is told of a REFER."""
    return "".join(sipp.notify(status, words, n, NUMBER) for n, (status, words) in enumerate(statuses, 2))


async def test_the_other_side_does_it(house: House, parties: Parties, agent: Agent) -> None:
    await attach(house, agent, phone=nobody(parties), transfer_mode="cold_transfer")
    does = told((100, "Trying"), (200, "OK"))
    await parties.call(sipp.reinvited(parties.caller.port, "recvonly") + does + sipp.be_hung_up())
    value = await over(house, parties)
    (attempt,) = value["attempts"]
    assert (attempt["method"], attempt["status"]) == ("refer", "success")
    assert value["human_connected_at"] is None


REFUSALS = [
    pytest.param(sipp.refuse_refer(403, "Forbidden"), "refused_403", 2, id="403"),
    pytest.param(sipp.refuse_refer(405, "Method Not Allowed"), "refused_405", 2, id="405"),
    pytest.param(sipp.refuse_refer(501, "Not Implemented"), "refused_501", 2, id="501"),
    pytest.param(sipp.refuse_refer(603, "Decline"), "refused_603", 2, id="603"),
    pytest.param(told((100, "Trying"), (486, "Busy Here")), "busy", 4, id="notify 486"),
    pytest.param(told((100, "Trying"), (404, "Not Found")), "refused_404", 4, id="notify 404"),
    pytest.param(told((503, "Service Unavailable")), "refused_503", 3, id="notify 503"),
    pytest.param(told((100, "Trying")), "no_response", 3, id="notify 100 alone"),
    pytest.param(told(), "no_response", 2, id="never a notify"),
]


@pytest.mark.parametrize(("refusal", "reason", "number"), REFUSALS)
async def test_where_the_other_side_will_not_we_call(
    house: House, parties: Parties, agent: Agent, refusal: str, reason: str, number: int
) -> None:
    """The caller's phone is asked first, and refuses; `number`: of its next request."""
    await attach(house, agent, phone=parties.listen_and_talk(), transfer_mode="cold_transfer", timeout=1.5)
    await parties.call(held(parties, refusal) + sipp.hang_up_when_told(number, NUMBER))
    await house.until(lambda: house.joined)
    await parties.talk()
    assert "question" not in parties.person.heard
    parties.calling.tell()
    value = await over(house, parties)
    refer, dial = value["attempts"]
    assert (refer["method"], refer["status"], refer["failed_reason"]) == ("refer", "failed", reason)
    assert (dial["method"], dial["status"]) == ("dial", "success")


@pytest.mark.parametrize(
    ("phone", "reason"),
    [
        pytest.param(refusing(486, "Busy Here"), "busy", id="486"),
        pytest.param(refusing(603, "Decline"), "refused_603", id="603"),
        pytest.param(ringing, "not_answered", id="rings-on"),
        pytest.param(nobody, "no_response", id="nobody"),
    ],
)
async def test_neither_way_leads_there(
    house: House, parties: Parties, agent: Agent, phone: Phone, reason: str
) -> None:
    await attach(house, agent, phone=phone(parties), transfer_mode="cold_transfer", timeout=1)
    refusal = held(parties, sipp.refuse_refer(405, "Method Not Allowed"))
    await parties.call(refusal + sipp.hang_up_when_told(2, NUMBER))
    refer, dial = await failed(house, parties, reason)
    assert (refer["failed_reason"], dial["failed_reason"]) == ("refused_405", reason)


@pytest.mark.parametrize("status", [488, 491], ids=["488", "491"])
async def test_who_cannot_be_held_is_referred_all_the_same(
    house: House, parties: Parties, agent: Agent, status: int
) -> None:
    await attach(house, agent, phone=nobody(parties), transfer_mode="cold_transfer")
    port = parties.caller.port
    if status == 491:
        refused = sipp.be_referred_and_held(REFER, port) + notes((200, "OK"))
    else:
        refused = sipp.reinvited(port, "recvonly", status) + told((200, "OK"))
    await parties.call(refused + sipp.be_hung_up())
    await over(house, parties)


async def test_the_caller_leaves_before_anything_is_told(
    house: House, parties: Parties, agent: Agent
) -> None:
    await attach(house, agent, phone=nobody(parties), transfer_mode="cold_transfer")
    await parties.call(
        sipp.reinvited(parties.caller.port, "recvonly") + told((100, "Trying")) + sipp.bye(NUMBER, 3)
    )
    await over(house, parties, "caller_hung_up")
