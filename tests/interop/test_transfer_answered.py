"""Warm transfers that somebody answers, with SIPp on both sides: they take the call, do not, or are no person."""

from typing import Any

import pytest

from tests.interop import sipp
from tests.interop.house import SUMMARY, House, Parties, attach
from tests.resources.calls.conftest import NUMBER
from trunkline.resources.agents.models import Agent

pytestmark = pytest.mark.peer("sipp")


async def over(house: House, parties: Parties, reason: str | None = None) -> dict[str, Any]:
    """The call has ended on both sides, and came out so; what the record says of its last transfer."""
    call, values = await house.finished()
    assert values[-1]["failed_reason"] == reason
    assert call.status == "completed"
    await parties.finish()
    return dict(values[-1])


@pytest.mark.parametrize("mode", ["warm_transfer", "warm_transfer_with_context"])
async def test_a_person_is_briefed_and_joined(
    house: House, parties: Parties, agent: Agent, mode: str
) -> None:
    await attach(
        house, agent, phone=parties.listen_and_talk(), transfer_mode=mode, goodbye_msg="Goodbye. Goodbye."
    )
    await parties.call()
    await house.until(lambda: "Goodbye" in parties.caller.heard)
    with_context = mode.endswith("context")
    assert ("refund" in parties.person.heard) == with_context
    assert "question" in parties.person.heard
    assert "question" not in parties.caller.heard
    await parties.talk()
    parties.calling.tell()
    value = await over(house, parties)
    assert value["human_connected_at"]
    assert value.get("summary") == (SUMMARY if with_context else None)


async def test_the_person_hangs_up_after_the_talk(house: House, parties: Parties, agent: Agent) -> None:
    await attach(house, agent, phone=parties.listen_and_talk())
    await parties.call()
    await house.until(lambda: house.joined)
    parties.called.tell()
    await over(house, parties)


async def test_keys_go_across(house: House, parties: Parties, agent: Agent) -> None:
    await attach(house, agent, phone=parties.listen_and_talk())
    await parties.call()
    await house.until(lambda: house.joined)
    parties.person.press("5")
    await house.until(lambda: parties.caller.keys == "5")
    parties.caller.press("7#")
    await house.until(lambda: parties.person.keys == "7#")
    parties.calling.tell()
    await over(house, parties)


@pytest.mark.parametrize(
    ("says", "reason"),
    [("hello", None), ("please leave a message after the tone", "answered_by_machine"), ("", "not_answered")],
    ids=["person", "machine", "silence"],
)
async def test_who_has_answered(
    house: House, parties: Parties, agent: Agent, says: str, reason: str | None
) -> None:
    address = parties.listen_and_talk()
    wait = 3.0 if says else 0.5
    await attach(house, agent, phone=address, human_detection=True, human_detection_timeout_seconds=wait)
    await parties.call()
    await house.until(lambda: house.exchange.taken == 1 and bool(parties.person.sound.size))
    if says:
        parties.person.say(says)
    if reason is None:
        await house.until(lambda: house.joined)
        await parties.talk()
    else:
        await house.until(lambda: house.told_of(reason))
        await parties.tell_agent("back", lambda: "said back." in parties.caller.heard)
    parties.calling.tell()
    await over(house, parties, reason)


@pytest.mark.parametrize(
    ("answer", "taken"),
    [("yes please", True), ("no thanks", False), ("1", True), ("2", False)],
    ids=["accepted by voice", "declined by voice", "accepted by key", "declined by key"],
)
async def test_the_person_is_asked(
    house: House, parties: Parties, agent: Agent, answer: str, taken: bool
) -> None:
    await attach(house, agent, phone=parties.listen_and_talk(), screened=True)
    await parties.call()
    await house.until(lambda: "press" in parties.person.heard and not parties.person.hears_sound)

    def decided() -> bool:
        return house.joined if taken else house.told_of("declined")

    if answer.isdigit():
        parties.person.press(answer)
        await house.until(decided)
    else:
        await parties.repeat(parties.person, answer, decided)
    if taken:
        await parties.talk()
    else:
        await parties.tell_agent("back", lambda: "said back." in parties.caller.heard)
    parties.calling.tell()
    await over(house, parties, None if taken else "declined")


async def test_the_caller_leaves_while_it_rings(house: House, parties: Parties, agent: Agent) -> None:
    await attach(house, agent, phone=parties.listen(sipp.called() + sipp.be_cancelled()))
    await parties.call()
    await house.until(lambda: house.exchange.taken == 1 and bool(parties.called.received("INVITE")))
    parties.calling.tell()
    await over(house, parties, "caller_hung_up")


async def test_the_caller_leaves_during_the_briefing(house: House, parties: Parties, agent: Agent) -> None:
    await attach(house, agent, phone=parties.listen_and_talk(), message_to_transfer_target="Anna " * 20)
    await parties.call()
    await house.until(lambda: parties.person.hears_sound)
    parties.calling.tell()
    await over(house, parties, "caller_hung_up")


async def test_the_person_leaves_during_the_briefing(house: House, parties: Parties, agent: Agent) -> None:
    await attach(house, agent, phone=parties.listen_and_talk(), message_to_transfer_target="Anna " * 20)
    await parties.call()
    await house.until(lambda: parties.person.hears_sound)
    parties.called.tell()
    await house.until(lambda: house.told_of("declined"))
    await parties.tell_agent("back", lambda: "said back." in parties.caller.heard)
    parties.calling.tell()
    await over(house, parties, "declined")


async def test_another_takes_the_persons_place(house: House, parties: Parties, agent: Agent) -> None:
    """A PBX tells who is on the line now, by UPDATE; unanswered, it would drop the call."""
    rest = sipp.told() + sipp.connected_identity("boss") + sipp.hang_up_when_told()
    await _with_rest(house, parties, agent, rest)


async def test_the_person_puts_the_caller_on_hold_and_back(
    house: House, parties: Parties, agent: Agent
) -> None:
    port = parties.person.port
    rest = sipp.told() + sipp.hold_back(port, "sendonly", 1) + sipp.hold_back(port, "sendrecv", 2)
    await _with_rest(house, parties, agent, rest + sipp.hang_up_when_told())


async def _with_rest(house: House, parties: Parties, agent: Agent, rest: str) -> None:
    """The person does this once both are joined; afterwards they still hear each other."""
    answers = sipp.called() + sipp.pick_up(body=sipp.sdp(port=parties.person.port))
    await attach(house, agent, phone=parties.listen(answers + rest))
    await parties.call()
    await house.until(lambda: house.joined)
    parties.called.tell()
    await parties.talk()
    parties.calling.tell()
    await over(house, parties)


async def test_the_extension_is_pressed_after_the_answer(
    house: House, parties: Parties, agent: Agent
) -> None:
    await attach(house, agent, phone=parties.listen_and_talk(), digits="w2,0#")
    await parties.call()
    await house.until(lambda: parties.person.keys == "20#")
    await house.until(lambda: house.joined)
    parties.calling.tell()
    await over(house, parties)


async def test_a_second_transfer_after_one_that_failed(house: House, parties: Parties, agent: Agent) -> None:
    address = parties.listen(sipp.called() + sipp.refuse(486, "Busy Here"))
    first = parties.called
    await attach(house, agent, phone=address)
    await parties.call()
    await house.until(lambda: house.told_of("busy"))
    first.finish()
    parties.listen_and_talk(port=first.port)
    await parties.tell_agent("person", lambda: house.joined)
    await parties.talk()
    parties.calling.tell()
    await over(house, parties)
    ((before, _),), ((now, _),) = first.invites(), parties.called.invites()
    assert before != now, "an attempt of its own, with a Call-ID of its own"


async def test_headers_and_the_callers_number_are_on_the_invite(
    house: House, parties: Parties, agent: Agent
) -> None:
    header = {"name": "X-Customer", "value": "{user_phone_number}"}
    address = parties.listen(sipp.called() + sipp.refuse(486, "Busy Here"))
    await attach(house, agent, phone=address, preserve_caller_id=True, sip_headers=[header])
    await parties.call()
    await house.until(lambda: house.told_of("busy"))
    parties.calling.tell()
    await over(house, parties, "busy")
    (invite,) = parties.called.received("INVITE")
    lines = invite.splitlines()
    assert "X-Customer: sipp" in lines
    (identity,) = [line for line in lines if line.startswith("P-Asserted-Identity: ")]
    assert "<sip:sipp@" in identity
    (diversion,) = [line for line in lines if line.startswith("Diversion: ")]
    assert f"<sip:{NUMBER}@" in diversion


async def test_a_transfer_to_the_callers_own_agent(house: House, parties: Parties, agent: Agent) -> None:
    """Another call of this host takes the caller; both end with the caller's hanging up."""
    await attach(house, agent, phone=f"sip:{NUMBER}@{house.address}", human_detection=False)
    await parties.call()
    await house.until(lambda: house.joined)
    assert len(house.host.live()) == 2
    parties.calling.tell()
    await house.until(lambda: not house.host.live())
    house.check_empty()
    await parties.finish()
