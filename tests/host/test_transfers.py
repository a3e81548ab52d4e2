"""Transfers of whole calls over loopback lines: every mode, every way they fail, and what the record says."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select

from tests.host.rig import Caller, Rig
from tests.host.transferring import DESK, attach
from tests.resources.calls.conftest import NUMBER
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.models import Call
from trunkline.voice.conversation.events import Digit
from trunkline.voice.lines.line import Referred
from trunkline.voice.lines.loopback import LoopbackLine

REFERRED = "sip:desk@example.org;transport=udp"


class Desk:
    """Whoever is called: picks up and listens."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.person: Caller[LoopbackLine] | None = None
        rig.engine.phones[DESK] = self._ring

    async def _ring(self, line: LoopbackLine) -> None:
        await line.answer()
        self.person = Caller(line)
        self._rig.callers.append(self.person)

    @property
    def heard(self) -> str:
        return self.person.heard if self.person else ""


async def asking(rig: Rig) -> Caller[LoopbackLine]:
    """A caller who has asked for a person."""
    caller = await rig.call(NUMBER)
    await rig.until(lambda: bool(rig.host.live()))
    caller.say("a person please")
    return caller


async def finished(rig: Rig) -> tuple[Call, dict[str, Any]]:
    """The call's record, and what came of its transfer."""
    await rig.until(lambda: not rig.host.live())
    async with rig.database.system() as session:
        call = (await session.execute(select(Call))).scalar_one()
    entry = call.executed_actions["to desk"]
    assert entry["action_type"] == "transfer_call_action_type"
    assert rig.exchange.taken == 0
    assert len(rig.beat._legs) == 0
    return call, json.loads(entry["return_value"]) | {"error_message": entry["error_message"]}


async def test_a_person_is_briefed_and_joined(rig: Rig, agent: Agent) -> None:
    await attach(rig, agent, goodbye_msg="I put you through.")
    desk, caller = Desk(rig), await asking(rig)
    await rig.until(lambda: "I put you through." in caller.heard)
    assert desk.heard == "Anna has a question."
    assert "question" not in caller.heard
    await rig.wait(20)
    caller.say("hello desk")
    assert desk.person is not None
    desk.person.say("hello caller")
    await rig.until(lambda: "hello desk" in desk.heard and "hello caller" in caller.heard)
    await caller.line.hang_up()
    call, value = await finished(rig)
    assert (value["status"], value["failed_reason"], value["error_message"]) == ("transfer-success", None, "")
    assert value["human_connected_at"]
    (attempt,) = value["attempts"]
    assert (attempt["number"], attempt["method"], attempt["status"]) == (DESK, "dial", "success")
    assert [step["message"] for step in attempt["sip_ladder"]] == [f"INVITE {REFERRED}", "200"]
    assert call.status == "completed"
    assert call.end_reason == "agent_ended_call"
    assert desk.person.line.closed is not None
    assert "hello desk" not in (call.transcript or "")


async def test_when_the_person_hangs_up_the_call_is_over(rig: Rig, agent: Agent) -> None:
    await attach(rig, agent)
    desk, caller = Desk(rig), await asking(rig)
    await rig.until(lambda: "question." in desk.heard)
    await rig.wait(20)
    assert desk.person is not None
    await desk.person.line.hang_up()
    await rig.until(lambda: caller.line.closed is not None)
    call, value = await finished(rig)
    assert value["status"] == "transfer-success"
    assert call.status == "completed"


async def test_the_person_hears_what_the_call_was_about(rig: Rig, agent: Agent) -> None:
    await attach(rig, agent, transfer_mode="warm_transfer_with_context", summarization_prompt="Be brief.")
    desk, caller = Desk(rig), await asking(rig)
    await rig.until(lambda: "refund." in desk.heard)
    asked = next(each[-1]["content"] for each in rig.llm.asked if "Summarise" in each[-1]["content"])
    assert "Be brief." in asked
    await rig.wait(20)
    await caller.line.hang_up()
    _, value = await finished(rig)
    assert value["summary"] == "She wants a refund."


async def test_a_person_who_leaves_before_they_are_joined(rig: Rig, agent: Agent) -> None:
    await attach(rig, agent, goodbye_msg="I put you through to them at once.")
    desk, caller = Desk(rig), await asking(rig)
    await rig.until(lambda: "question." in desk.heard)
    assert desk.person is not None
    await desk.person.line.hang_up()
    await rig.until(lambda: "It ended with declined." in caller.heard)
    caller.say("are you still there")
    await rig.until(lambda: "You said are you still there." in caller.heard)
    await caller.line.hang_up()
    _, value = await finished(rig)
    assert value["failed_reason"] == "declined"


@pytest.mark.parametrize("music", [True, False], ids=["music", "silence"])
async def test_whoever_waits_hears_music_or_silence(rig: Rig, agent: Agent, music: bool) -> None:
    await attach(rig, agent, enable_background_music=music)
    rang = asyncio.Event()

    async def ring(line: LoopbackLine) -> None:
        rang.set()

    rig.engine.phones[DESK] = ring
    caller = await asking(rig)
    await rig.meanwhile(rang.wait())
    await rig.wait(10)
    sounded = 0
    for _ in range(50):
        await rig.wait(1)
        sounded += caller.hears_sound
    assert sounded == (50 if music else 0)
    await caller.line.hang_up()
    await finished(rig)


@pytest.mark.parametrize("mode", ["warm_transfer", "cold_transfer"])
async def test_a_caller_who_leaves_takes_it_all_back(rig: Rig, agent: Agent, mode: str) -> None:
    await attach(rig, agent, transfer_mode=mode)
    rang = asyncio.Event()
    lines: list[LoopbackLine] = []

    async def ring(line: LoopbackLine) -> None:
        lines.append(line)
        rang.set()

    rig.engine.phones[DESK] = ring
    caller = await asking(rig)
    await rig.meanwhile(rang.wait())
    await caller.line.hang_up()
    call, value = await finished(rig)
    assert (value["status"], value["failed_reason"]) == (
        "transfer-failed-connection-error",
        "caller_hung_up",
    )
    assert value["attempts"][-1]["status"] == "failed"
    assert lines[0].closed is not None
    assert call.end_reason == "human_ended_call"


async def nobody(line: LoopbackLine) -> None: ...


async def refuses(line: LoopbackLine) -> None:
    await line.hang_up()


@pytest.mark.parametrize(
    ("phone", "reason", "status"),
    [
        (None, "no_response", "transfer-failed-timeout"),
        (refuses, "busy", "transfer-failed-connection-error"),
        (nobody, "not_answered", "transfer-failed-timeout"),
    ],
    ids=["unreachable", "busy", "rings-on"],
)
@pytest.mark.parametrize("mode", ["warm_transfer", "warm_transfer_with_context", "cold_transfer"])
async def test_the_agent_goes_on_after_a_failure(
    rig: Rig,
    agent: Agent,
    mode: str,
    phone: Callable[[LoopbackLine], Awaitable[None]] | None,
    reason: str,
    status: str,
) -> None:
    await attach(rig, agent, transfer_mode=mode, timeout=1)
    if phone is not None:
        rig.engine.phones[DESK] = phone
    caller = await asking(rig)
    await rig.until(lambda: f"It ended with {reason}." in caller.heard)
    assert "Nobody is there. It ended" in caller.heard
    caller.say("are you still there")
    await rig.until(lambda: "You said are you still there." in caller.heard)
    await caller.line.hang_up()
    call, value = await finished(rig)
    assert (value["status"], value["failed_reason"], value["error_message"]) == (status, reason, reason)
    assert [each["method"] for each in value["attempts"]] == (
        ["refer", "dial"] if mode == "cold_transfer" else ["dial"]
    )
    assert call.status == "completed"


async def test_a_blind_transfer_is_the_other_sides_to_do(rig: Rig, agent: Agent) -> None:
    await attach(rig, agent, transfer_mode="cold_transfer")
    caller = await rig.call(NUMBER)
    await rig.until(lambda: bool(rig.host.live()))
    caller.line.reachable[REFERRED] = Referred(True)
    caller.say("a person please")
    call, value = await finished(rig)
    assert (value["status"], value["attempts"][0]["method"]) == ("transfer-success", "refer")
    assert value["human_connected_at"] is None
    assert call.status == "completed"


async def test_where_the_other_side_will_not_transfer_we_call_ourselves(rig: Rig, agent: Agent) -> None:
    await attach(rig, agent, transfer_mode="cold_transfer")
    desk, caller = Desk(rig), await asking(rig)
    await rig.until(lambda: desk.person is not None)
    await rig.wait(20)
    caller.say("hello desk")
    await rig.until(lambda: "hello desk" in desk.heard)
    assert "question" not in desk.heard
    await caller.line.hang_up()
    _, value = await finished(rig)
    assert value["status"] == "transfer-success"
    refer, dial = value["attempts"]
    assert (refer["method"], refer["status"], refer["failed_reason"]) == ("refer", "failed", "refused_404")
    assert (dial["method"], dial["status"]) == ("dial", "success")


async def test_both_systems_join_them_without_us(rig: Rig, agent: Agent) -> None:
    await attach(rig, agent, release_media=True, goodbye_msg="I put you through.")
    desk, caller = Desk(rig), await asking(rig)
    caller.line.replacing = Referred(True)
    call, value = await finished(rig)
    assert desk.heard == "Anna has a question."
    assert value["status"] == "transfer-success"
    assert value["human_connected_at"]
    assert [(each["method"], each["status"]) for each in value["attempts"]] == [
        ("dial", "success"),
        ("replaces", "success"),
    ]
    assert call.status == "completed"


async def test_where_they_cannot_join_them_we_do(rig: Rig, agent: Agent) -> None:
    await attach(rig, agent, release_media=True)
    desk, caller = Desk(rig), await asking(rig)
    await rig.until(lambda: "question." in desk.heard)
    await rig.wait(20)
    caller.say("hello desk")
    await rig.until(lambda: "hello desk" in desk.heard)
    await caller.line.hang_up()
    _, value = await finished(rig)
    assert value["status"] == "transfer-success"
    dial, replaces = value["attempts"]
    assert (dial["method"], dial["status"]) == ("dial", "success")
    assert (replaces["method"], replaces["failed_reason"]) == ("replaces", "refused_501")


@pytest.mark.parametrize(
    ("answer", "taken"),
    [("yes please", True), ("no thanks", False), ("1", True), ("2", False)],
)
async def test_the_person_may_decline(rig: Rig, agent: Agent, answer: str, taken: bool) -> None:
    await attach(rig, agent, screened=True)
    desk, caller = Desk(rig), await asking(rig)
    await rig.until(lambda: "press 2." in desk.heard)
    assert desk.person is not None
    if answer.isdigit():
        await desk.person.line.send_digits(answer)
    else:
        desk.person.say(answer)
    if taken:
        await rig.wait(60)
        caller.say("hello desk")
        await rig.until(lambda: "hello desk" in desk.heard)
    else:
        await rig.until(lambda: "It ended with declined." in caller.heard)
        assert desk.person.line.closed is not None
    await caller.line.hang_up()
    _, value = await finished(rig)
    assert value["failed_reason"] == (None if taken else "declined")


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ("hello", None),
        ("please leave a message after the tone", "answered_by_machine"),
        ("for sales press one for support press two", "answered_by_machine"),
        ("", "not_answered"),
    ],
    ids=["person", "machine", "menu", "silence"],
)
async def test_a_person_is_told_from_a_machine(rig: Rig, agent: Agent, says: str, reason: str | None) -> None:
    await attach(rig, agent, human_detection=True, human_detection_timeout_seconds=30)
    rig.speed = 400
    desk, caller = Desk(rig), await asking(rig)
    await rig.until(lambda: desk.person is not None)
    await rig.wait(10)
    assert desk.person is not None
    assert desk.heard == ""
    if says:
        desk.person.say(says)
    if reason is None:
        await rig.until(lambda: "question." in desk.heard)
        await rig.wait(50)
    else:
        await rig.until(lambda: f"It ended with {reason}." in caller.heard)
    await caller.line.hang_up()
    _, value = await finished(rig)
    assert value["failed_reason"] == reason


async def test_the_extension_is_dialled_before_anybody_speaks(rig: Rig, agent: Agent) -> None:
    await attach(rig, agent, digits="w20")
    desk, caller = Desk(rig), await asking(rig)
    await rig.until(lambda: "question." in desk.heard)
    assert desk.person is not None
    keys = [event.digit for event in desk.person.line.events() if isinstance(event, Digit)]
    assert keys == ["2", "0"]
    await caller.line.hang_up()
    await finished(rig)


def _headers_sent(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Those of every call that is dialled from now on."""
    sent: dict[str, str] = {}
    dial = rig.engine.dial

    async def noting(target: str, trunk: Any, headers: dict[str, str], ring_timeout: float) -> LoopbackLine:
        sent.update(headers)
        return await dial(target, trunk, headers, ring_timeout)

    monkeypatch.setattr(rig.engine, "dial", noting)
    return sent


async def test_headers_and_the_callers_number_go_along(
    rig: Rig, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = _headers_sent(rig, monkeypatch)
    await attach(
        rig, agent, preserve_caller_id=True, sip_headers=[{"name": "X-From", "value": "{user_phone_number}"}]
    )
    caller = await asking(rig)
    await rig.until(lambda: "It ended with" in caller.heard)
    assert sent["X-From"] == "+15550199"
    assert sent["P-Asserted-Identity"].startswith("<sip:+15550199@")
    assert NUMBER in sent["Diversion"]
    await caller.line.hang_up()
    await finished(rig)


async def test_what_the_call_was_about_goes_along_in_a_header(
    rig: Rig, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = _headers_sent(rig, monkeypatch)
    about = [{"name": "X-About", "value": "Trunkline: {summary}"}]
    await attach(rig, agent, transfer_mode="warm_transfer_with_context", sip_headers=about)
    caller = await asking(rig)
    await rig.until(lambda: "It ended with" in caller.heard)
    assert sent["X-About"] == "Trunkline: She wants a refund."
    await caller.line.hang_up()
    await finished(rig)


async def test_outside_its_hours_nobody_is_called(rig: Rig, agent: Agent) -> None:
    never = {"timezone": "UTC", "schedule": [], "unavailable_message": "Closed.", "active": True}
    await attach(rig, agent, human_availability=never)
    caller = await asking(rig)
    await rig.until(lambda: "It ended with transfer_outside_availability." in caller.heard)
    assert "Closed. It ended" in caller.heard
    assert "Nobody is there." not in caller.heard, "that is said where somebody was sought"
    await caller.line.hang_up()
    _, value = await finished(rig)
    assert (value["status"], value["attempts"]) == ("transfer-failed-connection-error", [])


async def test_a_second_transfer_after_one_that_failed(rig: Rig, agent: Agent) -> None:
    await attach(rig, agent, timeout=1)
    caller = await asking(rig)
    await rig.until(lambda: "It ended with no_response." in caller.heard)
    desk = Desk(rig)
    caller.say("a person please now")
    await rig.until(lambda: "question." in desk.heard)
    await rig.wait(20)
    await caller.line.hang_up()
    await rig.until(lambda: not rig.host.live())
    async with rig.database.system() as session:
        call = (await session.execute(select(Call))).scalar_one()
    results = [json.loads(entry["return_value"])["status"] for entry in call.executed_actions.values()]
    assert results == ["transfer-failed-timeout", "transfer-success"]


async def test_without_a_line_to_spare_nothing_is_sent(rig: Rig, agent: Agent) -> None:
    await attach(rig, agent)
    Desk(rig)
    with rig.exchange.line(), rig.exchange.line():
        caller = await asking(rig)
        await rig.until(lambda: "It ended with not_sent." in caller.heard)
    await caller.line.hang_up()
    _, value = await finished(rig)
    assert "lines for transfers" in value["error"]


async def test_a_host_that_is_hurried_parts_those_who_are_joined(rig: Rig, agent: Agent) -> None:
    await attach(rig, agent)
    desk, caller = Desk(rig), await asking(rig)
    await rig.until(lambda: "question." in desk.heard)
    await rig.wait(20)
    for call in rig.host.live():
        call.cut_off("The voice host was stopped in mid-call.")
    await rig.until(lambda: caller.line.closed is not None)
    assert desk.person is not None
    await rig.until(lambda: desk.person is not None and desk.person.line.closed is not None)
