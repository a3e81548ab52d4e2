"""Messages as actions: to the other party of the talk, once for each run, with the reply where one is waited for."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from tests.resources.actions.bodies import BOOKING, SMS
from tests.resources.api import BOX, Api
from tests.resources.messages.account import OURS, SID, THEIRS, Account, account, connect, write
from trunkline.platform.outbound.client import Outbound
from trunkline.resources.actions.messages import Messages
from trunkline.resources.actions.offering import offered
from trunkline.resources.actions.work import Means, Occasion, Outcome, PlannedAction
from trunkline.resources.messages.models import Message
from trunkline.resources.messages.replies import Replies
from trunkline.resources.vendors import Addresses
from trunkline.resources.webhooks.record import record
from trunkline.voice.conversation.profile import Medium

CONTENT_SID = "HX" + "0" * 32
PARTIES = {"user_phone_number": THEIRS, "from_phone_number": THEIRS, "to_phone_number": OURS}


@pytest.fixture
async def twilio(api: Api) -> AsyncIterator[Account]:
    await connect(api)
    async with account() as made:
        yield made


def action(type_: str = "SEND_SMS", **settings: Any) -> PlannedAction:
    body = {
        "SEND_SMS": SMS,
        "INCALL_SMS": {"message_body": "Hello"},
        "INCALL_WHATSAPP": {"content_sid": CONTENT_SID},
    }
    return PlannedAction(uuid4(), type_, "Text them", "", {**body[type_], **settings})


def occasion(api: Api, **changes: Any) -> Occasion:
    values = {
        "workspace_id": api.workspace.id,
        "agent_id": uuid4(),
        "talk_id": str(uuid4()),
        "medium": Medium.CALL,
        "variables": {**PARTIES, "name": "Ann"},
        "run_id": str(uuid4()),
    }
    return Occasion(**{**values, **changes})


def means(api: Api, **changes: Any) -> Means:
    return Means(api.database, BOX, api.platform.outbound, **changes)


async def send(
    api: Api, twilio: Account, planned: PlannedAction, when: Occasion | None = None, **arguments: Any
) -> Outcome:
    work = Messages(Replies(), Addresses(twilio=twilio.address))
    return await work.run(means(api), planned, arguments, when or occasion(api))


async def test_a_text_goes_to_the_other_party_from_the_agents_number(api: Api, twilio: Account) -> None:
    when = occasion(api)
    planned = action()
    outcome = await send(api, twilio, planned, when)
    assert twilio.sent == [{"To": THEIRS, "From": OURS, "Body": "Hi Ann"}]
    assert outcome.ok
    assert outcome.value == {"status": "sent", "message_id": f"SM{1:032x}"}
    (request,) = outcome.sent
    assert (request.action_id, request.agent_id, str(request.call_id)) == (
        planned.id,
        when.agent_id,
        when.talk_id,
    )
    async with api.database.workspace(api.workspace.id) as session:
        await record(session, api.workspace.id, request)
    (log,) = (await api.send("GET", "/v2/logs"))["response"]["items"]
    shown = (await api.send("GET", f"/v2/logs/{log['webhook_log_id']}"))["response"]
    assert shown["request_headers"]["Authorization"] == "********"


async def test_outbound_calls_send_from_the_number_that_called(api: Api, twilio: Account) -> None:
    parties = {"user_phone_number": THEIRS, "from_phone_number": OURS, "to_phone_number": THEIRS}
    await send(api, twilio, action(content="Hi"), occasion(api, variables=parties))
    assert (twilio.sent[0]["To"], twilio.sent[0]["From"]) == (THEIRS, OURS)


@pytest.mark.parametrize("hole", ["{name}", "{{name}}", "{{ name }}", "<name>"])
async def test_each_spelling_of_a_hole_is_filled(api: Api, twilio: Account, hole: str) -> None:
    await send(api, twilio, action("INCALL_SMS", message_body=f"Hi {hole}, 1 < 2 & é"))
    assert twilio.sent[0]["Body"] == "Hi Ann, 1 < 2 & é"


async def test_the_model_fills_what_nobody_has_filled_and_nothing_else(api: Api, twilio: Account) -> None:
    planned = action("INCALL_SMS", message_body="Hi <name>, at {time} call {from_phone_number} <3")
    tool = Messages(Replies()).tool_of(planned)
    assert set(tool.parameters["properties"]) == {"name", "time"}
    assert tool.parameters["additionalProperties"] is False
    told = await send(api, twilio, planned, name="Eve")
    assert not told.ok
    assert "lacks time" in told.error
    assert twilio.sent == []
    await send(
        api,
        twilio,
        planned,
        name="Eve",
        time="ten {from_phone_number}",
        user_phone_number="+14155559999",
        message_body="Bad",
    )
    (sent,) = twilio.sent
    assert sent["Body"] == f"Hi Ann, at ten {{from_phone_number}} call {THEIRS} <3"
    assert sent["To"] == THEIRS


async def test_what_the_model_writes_is_bounded(api: Api, twilio: Account) -> None:
    await send(api, twilio, action("INCALL_SMS", message_body="{note}"), note="x" * 5000)
    assert twilio.sent[0]["Body"] == "x" * 300


def test_the_model_reads_when_to_send() -> None:
    tool = Messages(Replies()).tool_of(action("SEND_SMS", content="Bye"))
    assert "At the end." in tool.description
    assert tool.parameters["properties"] == {}
    assert tool.record == {"parameters_hard_coded": {"content": "Bye"}}


def test_a_phrase_before_the_message_is_said_when_it_starts() -> None:
    tool = Messages(Replies()).tool_of(action("INCALL_SMS", message_before_action="I text you now."))
    assert tool.manner.start == "I text you now."


async def test_whatsapp_sends_a_template_with_its_values(api: Api, twilio: Account) -> None:
    planned = action("INCALL_WHATSAPP", content_variables={"1": "{name}", "2": "<day>"})
    assert list(Messages(Replies()).tool_of(planned).parameters["properties"]) == ["name", "day"]
    assert (await send(api, twilio, planned, day="Monday")).ok
    assert twilio.sent == [
        {
            "To": f"whatsapp:{THEIRS}",
            "From": f"whatsapp:{OURS}",
            "ContentSid": CONTENT_SID,
            "ContentVariables": '{"1": "Ann", "2": "Monday"}',
        }
    ]


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ((401, 20003, "Authenticate"), "auth_token"),
        ((404, 20404, "not found"), "account_sid"),
        ((400, 21211, "Invalid 'To' Phone Number: +1"), "not a valid one"),
        ((400, 21610, "Attempt to send to unsubscribed recipient"), "opted out"),
        ((429, 20429, "Too Many Requests"), "try again"),
        ((400, 29999, "Something new"), "Something new (error 29999)"),
    ],
    ids=["key", "account", "number", "stop", "rate", "unknown"],
)
async def test_a_refusal_is_told_in_words(
    api: Api, twilio: Account, refusal: tuple[int, int, str], words: str
) -> None:
    twilio.refusal = refusal
    when, planned = occasion(api), action()
    outcome = await send(api, twilio, planned, when)
    assert not outcome.ok
    assert words in outcome.error
    assert outcome.value == {"status": "failed", "error": outcome.error}
    assert outcome.sent[0].answer is not None
    twilio.refusal = None
    assert (await send(api, twilio, planned, when)).error == outcome.error  # a repeat is the same run
    assert (await send(api, twilio, planned)).ok


async def test_without_an_account_it_is_said_what_to_set(api: Api) -> None:
    async with account() as twilio:
        outcome = await send(api, twilio, action())
    assert "workspace secret twilio" in outcome.error
    assert (outcome.sent, twilio.sent) == ((), [])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"user_phone_number": ""}, "not known"),
        ({"user_phone_number": "sip:ann@example.com"}, "not known"),
        ({"to_phone_number": "1001"}, "no number"),
    ],
    ids=["nobody", "sip", "extension"],
)
async def test_without_two_numbers_nothing_is_sent(
    api: Api, twilio: Account, changes: dict[str, str], words: str
) -> None:
    variables = {**PARTIES, "name": "Ann", **changes}
    if changes.get("to_phone_number"):
        variables["from_phone_number"] = THEIRS
    outcome = await send(api, twilio, action(), occasion(api, variables=variables))
    assert words in outcome.error
    assert twilio.sent == []


async def test_a_run_that_is_repeated_sends_nothing_more(api: Api, twilio: Account) -> None:
    when, planned = occasion(api), action()
    first = await send(api, twilio, planned, when)
    again = await send(api, twilio, planned, when)
    assert again.ok
    assert again.value == first.value
    assert again.sent == ()
    both = await asyncio.gather(*(send(api, twilio, planned) for _ in range(2)))
    assert all(each.ok for each in both)
    assert len(twilio.sent) == 3


async def test_a_run_whose_end_nobody_knows_is_not_sent_again(api: Api, twilio: Account) -> None:
    twilio.breaks = True
    when, planned = occasion(api), action()
    outcome = await send(api, twilio, planned, when)
    assert "not known" in outcome.error
    twilio.breaks = False
    again = await send(api, twilio, planned, when)
    assert not again.ok
    assert "not sent again" in again.error
    assert len(twilio.sent) == 1


async def test_a_run_that_was_killed_while_it_sent_is_not_sent_again(api: Api, twilio: Account) -> None:
    when, planned = occasion(api), action()
    twilio.server.answer = None
    given_up: list[Any] = []
    work = Messages(Replies(), Addresses(twilio=twilio.address))
    task = asyncio.create_task(work.run(means(api, given_up=given_up.append), planned, {}, when))
    while not twilio.server.asked:  # noqa: ASYNC110 the server tells nobody
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [each.action_id for each in given_up] == [planned.id]
    twilio.server.answer = twilio.answer
    assert "not sent again" in (await send(api, twilio, planned, when)).error
    assert twilio.sent == []
    async with api.database.workspace(api.workspace.id) as session:
        (row,) = (await session.scalars(select(Message))).all()
    assert (row.status, row.talk_id) == ("begun", when.talk_id)


async def test_an_address_that_is_not_public_is_not_reached(api: Api, twilio: Account) -> None:
    outbound = Outbound()
    work = Messages(Replies(), Addresses(twilio=twilio.address))
    outcome = await work.run(Means(api.database, BOX, outbound), action(), {}, occasion(api))
    await outbound.close()
    assert not outcome.ok
    assert twilio.server.asked == []


# ---- replies -------------------------------------------------------------------------------------------


async def waiting(
    api: Api, twilio: Account, planned: PlannedAction, when: Occasion, replies: Replies
) -> asyncio.Task[Outcome]:
    """A run that has sent its message and waits."""
    work = Messages(replies, Addresses(twilio=twilio.address))
    before = len(twilio.sent)
    task = asyncio.create_task(work.run(means(api), planned, {}, when))
    while len(twilio.sent) == before:  # noqa: ASYNC110 the server tells nobody
        await asyncio.sleep(0.001)
    return task


@pytest.mark.parametrize(
    ("type_", "prefix", "variable"),
    [("INCALL_SMS", "", "sms_reply"), ("INCALL_WHATSAPP", "whatsapp:", "whatsapp_reply")],
    ids=["sms", "whatsapp"],
)
async def test_a_reply_comes_back_and_becomes_a_variable(
    api: Api, twilio: Account, type_: str, prefix: str, variable: str
) -> None:
    assert await write(api, "An older one", id="SM1", sender=prefix + THEIRS, recipient=prefix + OURS) == 200
    replies = Replies()
    planned = action(type_, wait_for_reply=True, timeout_seconds=30, fallback_message="No answer")
    task = await waiting(api, twilio, planned, occasion(api), replies)
    other = "" if prefix else "whatsapp:"
    await write(api, "On the other channel", id="SM2", sender=other + THEIRS, recipient=other + OURS)
    await write(api, "Somebody else", id="SM3", sender=prefix + "+14155550007", recipient=prefix + OURS)
    await write(api, "Yes", id="SM4", sender=prefix + THEIRS, recipient=prefix + OURS)
    replies.heard(None)
    outcome = await task
    assert outcome.wrote == "Yes"
    assert outcome.variables == {variable: "Yes"}
    assert outcome.value["reply"] == "Yes"
    assert outcome.ok


async def test_without_a_reply_in_time_the_fallback_is_to_be_said(api: Api, twilio: Account) -> None:
    planned = action("INCALL_SMS", wait_for_reply=True, timeout_seconds=0.02, fallback_message="No answer")
    outcome = await send(api, twilio, planned)
    assert outcome.ok
    assert (outcome.value["reply"], outcome.value["say"]) == (None, "No answer")
    assert (outcome.wrote, dict(outcome.variables)) == ("", {})


async def test_a_repeat_of_a_run_that_waited_finds_the_reply(api: Api, twilio: Account) -> None:
    replies, when = Replies(), occasion(api)
    planned = action("INCALL_SMS", wait_for_reply=True, timeout_seconds=30)
    task = await waiting(api, twilio, planned, when, replies)
    while (await send(api, twilio, action("INCALL_SMS"), when)).ok is False:  # noqa: ASYNC110 the server tells nobody
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await write(api, "Yes")
    again = await send(api, twilio, planned, when)
    assert again.wrote == "Yes"
    assert len(twilio.sent) == 1


def test_the_account_of_these_tests_looks_like_one() -> None:
    assert len(SID) == 34


def test_an_agent_is_offered_its_messages_and_bookings() -> None:
    booking = PlannedAction(uuid4(), "REAL_TIME_BOOKING", "Book a visit", "", BOOKING)
    names = offered([action("INCALL_SMS"), action("INCALL_WHATSAPP"), action("SEND_SMS"), booking])
    assert list(names) == ["Text_them", "Text_them_2", "Text_them_3", "Book_a_visit"]
    assert offered([replace(booking, phase="after")]) == {}
