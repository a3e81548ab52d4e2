"""Conversations in a messenger go on: what somebody writes is answered by the chat it belongs to, once."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.resources.api import BOX, Api
from tests.resources.messages.account import OURS, THEIRS, Account, account, connect, write
from trunkline.resources.actions.work import Means
from trunkline.resources.chats import answering
from trunkline.resources.chats.answering import MessengerTasks
from trunkline.resources.chats.service import Chats
from trunkline.resources.messages.receiving import ANSWER_MESSAGE
from trunkline.resources.messages.sending import send
from trunkline.resources.messages.twilio import Outgoing
from trunkline.resources.vendors import Addresses, Purpose, Vendors

BODY = {"channel": "sms", "to_number": THEIRS, "from_number": OURS, "initial_message": "It is ready."}


@pytest.fixture
async def twilio(api: Api) -> AsyncIterator[Account]:
    await connect(api)
    async with account() as made:
        api.app.state.addresses = Addresses(twilio=made.address)
        yield made


def vendors(api: Api, twilio: Account) -> Vendors:
    return Vendors(api.database, BOX, api.platform.outbound, Addresses(twilio=twilio.address))


def tasks(api: Api, twilio: Account) -> MessengerTasks:
    means = Means(api.database, BOX, api.platform.outbound)
    return MessengerTasks(vendors(api, twilio), lambda workspace: Chats(means, api.model, workspace))


async def begin(api: Api, **changes: Any) -> str:
    body = {**BODY, "agent_id": await api.agent(), **changes}
    made = await api.send("POST", "/v2/chat/outbound", json=body)
    return str(made["response"]["conversation_id"])


async def jobs(api: Api) -> list[dict[str, Any]]:
    async with api.database.system() as session:
        query = text("SELECT args FROM procrastinate_jobs WHERE task_name = :name ORDER BY id")
        return [row.args for row in await session.execute(query, {"name": ANSWER_MESSAGE})]


async def history(api: Api, chat: str) -> list[str]:
    found = await api.send("GET", f"/v2/chat/{chat}")
    return [each["message"] for each in found["response"]["conversation_history"]]


@pytest.mark.parametrize(
    ("channel", "prefix"), [("sms", ""), ("whatsapp", "whatsapp:")], ids=["sms", "whatsapp"]
)
async def test_what_somebody_writes_is_answered_in_the_chat_and_by_message(
    api: Api, twilio: Account, channel: str, prefix: str
) -> None:
    template = {"content_sid": "HX" + "0" * 32} if prefix else None
    chat = await begin(api, channel=channel, template=template)
    await write(api, "Thanks! When?", sender=prefix + THEIRS, recipient=prefix + OURS)
    (job,) = await jobs(api)
    assert job["chat_id"] == chat
    await tasks(api, twilio).answer_message(**job)
    assert (await history(api, chat))[1:] == ["Thanks! When?", "Hello there."]
    assert twilio.sent[1:] == [{"To": prefix + THEIRS, "From": prefix + OURS, "Body": "Hello there."}]
    assert len((await api.send("GET", "/v2/logs"))["response"]["items"]) == 2


async def test_a_job_that_runs_twice_answers_once(api: Api, twilio: Account) -> None:
    chat = await begin(api)
    await write(api, "Thanks!")
    await write(api, "Thanks!")  # Twilio asks again
    (job,) = await jobs(api)
    for _ in range(2):
        await tasks(api, twilio).answer_message(**job)
    assert len(twilio.sent) == 2
    assert await history(api, chat) == ["It is ready.", "Thanks!", "Hello there."]


async def test_only_the_chat_that_wrote_last_goes_on(api: Api, twilio: Account) -> None:
    first, second = await begin(api), await begin(api)
    await write(api, "To whom?")
    await write(api, "Somebody else", sender="+14155550007", id="SM2")
    await write(
        api, "On another channel", sender=f"whatsapp:{THEIRS}", recipient=f"whatsapp:{OURS}", id="SM3"
    )
    assert [job["chat_id"] for job in await jobs(api)] == [second]
    of_a_call = Outgoing("sms", OURS, THEIRS, "A code")
    await send(
        vendors(api, twilio), api.workspace.id, of_a_call, run_id="r", talk_id="call", purpose=Purpose()
    )
    await write(api, "The code is 7", id="SM4")
    assert len(await jobs(api)) == 1
    assert first not in {job["chat_id"] for job in await jobs(api)}


async def test_a_chat_that_is_gone_answers_nothing(api: Api, twilio: Account) -> None:
    chat = await begin(api)
    await write(api, "Hello?")
    await api.send("DELETE", f"/v2/chat/{chat}")
    (job,) = await jobs(api)
    await tasks(api, twilio).answer_message(**job)
    assert len(twilio.sent) == 1
    assert UUID(job["message_id"])


async def test_an_answer_that_was_made_but_not_sent_is_sent_and_not_made_again(
    api: Api, twilio: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = await begin(api)
    await write(api, "Thanks!")
    (job,) = await jobs(api)

    async def dies(*_: Any, **__: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(answering, "send", dies)
        await tasks(api, twilio).answer_message(**job)
    await tasks(api, twilio).answer_message(**job)
    assert [each["Body"] for each in twilio.sent[1:]] == ["Hello there."]
    assert await history(api, chat) == ["It is ready.", "Thanks!", "Hello there."]


async def test_a_chat_that_takes_up_the_id_of_a_deleted_one_does_not_answer_for_it(
    api: Api, twilio: Account
) -> None:
    chat = await begin(api)
    await write(api, "Hello?")
    await api.send("DELETE", f"/v2/chat/{chat}")
    await api.send("POST", f"/v2/chat/{chat}", json={"model_id": await api.agent()})
    (job,) = await jobs(api)
    await tasks(api, twilio).answer_message(**job)
    assert len(twilio.sent) == 1
    assert await history(api, chat) == []
