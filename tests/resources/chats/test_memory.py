"""Chats are remembered when they end, or when nobody writes any more; in the database, by the worker's job."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text, update

from tests.resources.api import Api
from tests.resources.chats.test_chats import use, write
from tests.resources.contacts.test_contacts import made as contact_of
from tests.resources.memory.test_memory_stores import STORES
from tests.resources.memory.test_memory_stores import made as store_of
from tests.resources.memory.test_remembering import notes
from trunkline.resources.agents.models import Agent
from trunkline.resources.chats.models import Chat, ChatMessage
from trunkline.resources.chats.talks import IDLE, talk_of_chat
from trunkline.resources.chats.tasks import ChatTasks
from trunkline.resources.memory.models import Memory
from trunkline.voice.conversation.profile import Medium
from trunkline.voice.language.twins import Line, ScriptedLanguageModel

ANN = "+14155552671"
TEA = notes(("I like tea", "The person likes tea."))
DOG = notes(("a dog", "The person has a dog."))
Job = dict[str, Any]


async def begun(api: Api, number: str | None = ANN) -> str:
    """The id of a new chat with a contact whom the agent's store holds."""
    store, agent, contact = await store_of(api), await api.agent(), await contact_of(api, ANN)
    await api.send("POST", f"{STORES}/{store}/assistants/{agent}/attach")
    await api.send("POST", f"{STORES}/{store}/contacts/{contact}/attach")
    chat_id = str(uuid4())
    variables = {} if number is None else {"user_phone_number": number}
    await api.send("POST", f"/v2/chat/{chat_id}", json={"model_id": agent, "custom_variables": variables})
    return chat_id


async def waiting(api: Api) -> list[tuple[Job, datetime | None]]:
    """The jobs that are to remember a chat, and when."""
    query = text(
        "SELECT args, scheduled_at FROM procrastinate_jobs WHERE task_name = 'remember_chat' ORDER BY id"
    )
    async with api.database.system() as session:
        return [(args, at) for args, at in await session.execute(query)]


async def run(api: Api, job: Job, *answers: dict[str, Any]) -> ScriptedLanguageModel:
    """A job is run by the worker."""
    model = ScriptedLanguageModel(*answers)
    await ChatTasks(api.database, model).remember_chat(**job)
    return model


async def passed(api: Api, time: timedelta = IDLE) -> None:
    """So much time goes by."""
    async with api.database.system() as session:
        await session.execute(update(ChatMessage).values(created_at=ChatMessage.created_at - time))
        await session.execute(update(Chat).values(created_at=Chat.created_at - time))


async def remembered(api: Api) -> str:
    async with api.database.system() as session:
        return (await session.scalars(select(Memory.memory))).one()


async def test_a_chat_that_ends_is_remembered_at_once(api: Api) -> None:
    use(api, Line("Goodbye!", tool="end_call"))
    chat_id = await begun(api)
    await write(api, chat_id, "I like tea. Bye.")
    [(job, at)] = await waiting(api)
    assert at is None
    assert job == {"workspace_id": str(api.workspace.id), "chat_id": chat_id}
    for asked in (1, 0):
        assert len((await run(api, job, TEA)).asked) == asked
    assert (await remembered(api)).endswith(": The person likes tea.")


async def test_a_chat_that_nobody_goes_on_with_is_remembered_in_time(api: Api) -> None:
    use(api, "Fine.")
    chat_id = await begun(api)
    await write(api, chat_id, "I like tea.")
    before = datetime.now(UTC)
    await write(api, chat_id, "Thank you.")
    [(job, at)] = await waiting(api)  # one for all messages
    assert at is not None
    assert abs(at - before - IDLE) < timedelta(minutes=1)
    await passed(api)
    await run(api, job, TEA)
    assert "likes tea" in await remembered(api)


async def test_a_chat_that_goes_on_is_put_off(api: Api) -> None:
    use(api, "Fine.")
    chat_id = await begun(api)
    await write(api, chat_id, "I like tea.")
    [(job, _)] = await waiting(api)
    await passed(api, timedelta(minutes=10))
    async with api.database.system() as session:  # the worker has taken the job
        await session.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))
    model = await run(api, job, TEA)
    assert model.asked == []
    [_, (again, at)] = await waiting(api)
    assert again == job
    assert at is not None
    assert timedelta(minutes=15) < at - datetime.now(UTC) < timedelta(minutes=21)


async def test_a_chat_that_was_taken_up_again_is_remembered_again(api: Api) -> None:
    use(api, "Fine.")
    chat_id = await begun(api)
    await write(api, chat_id, "I like tea.")
    [(job, _)] = await waiting(api)
    await passed(api, timedelta(days=2))
    await run(api, job, TEA)
    await write(api, chat_id, "I have a dog.")
    await passed(api)
    model = await run(api, job, DOG)
    assert "1. The person likes tea." in model.asked[0][1]["content"]
    tea, dog = (await remembered(api)).splitlines()
    assert (tea[14:], dog[14:]) == ("The person likes tea.", "The person has a dog.")
    days = [datetime.fromisoformat(line[2:12]) for line in (tea, dog)]
    assert days[1] - days[0] >= timedelta(days=1)


@pytest.mark.parametrize("number", [None, "anonymous", ""], ids=str)
async def test_nobody_known_is_not_remembered(api: Api, number: str | None) -> None:
    use(api, Line("Goodbye!", tool="end_call"))
    await write(api, await begun(api, number), "I like tea.")
    assert await waiting(api) == []


async def test_a_chat_that_was_deleted_is_not_remembered(api: Api) -> None:
    use(api, Line("Goodbye!", tool="end_call"))
    chat_id = await begun(api)
    await write(api, chat_id, "I like tea.")
    [(job, _)] = await waiting(api)
    await api.send("DELETE", f"/v2/chat/{chat_id}")
    assert (await run(api, job, TEA)).asked == []


async def test_a_chat_as_a_talk(api: Api) -> None:
    use(api, "Fine.")
    agent_id = await api.agent(agent={"prompt": "Help {name}.", "llm": "gpt-5.2", "language": "de-DE"})
    await api.send(
        "POST",
        "/v2/chat/c",
        json={"model_id": agent_id, "metadata": {"name": "Ann", "user_phone_number": ANN}},
    )
    await write(api, "c", "I like\ntea.")
    async with api.database.workspace(api.workspace.id) as session:
        chat = (await session.scalars(select(Chat))).one()
        messages = (await session.scalars(select(ChatMessage).order_by(ChatMessage.seq))).all()
        agent = (await session.scalars(select(Agent))).one()
    talk = talk_of_chat(agent, chat, messages)
    assert (talk.workspace_id, talk.agent_id, talk.id) == (api.workspace.id, UUID(agent_id), "c")
    assert (talk.medium, talk.began, talk.other_party) == (Medium.CHAT, chat.created_at, ANN)
    assert (talk.prompt, talk.model, talk.language) == ("Help Ann.", "gpt-5.2", "de-DE")
    assert talk.transcript == "\nhuman: I like tea.\nbot: Fine."
    assert talk.upto == 2


async def test_the_next_chat_knows_it(api: Api) -> None:
    model = use(api, Line("Goodbye!", tool="end_call"))
    first = await begun(api)
    await write(api, first, "I like tea.")
    [(job, _)] = await waiting(api)
    await run(api, job, TEA)
    [chat] = (await api.send("GET", "/v2/chat"))["response"]["chats"]
    assert chat["chat_id"] == first
    async with api.database.system() as session:
        agent = str((await session.scalars(select(Chat.agent_id))).one())
    for number, knows in ((ANN, True), ("+14155550000", False)):
        second = str(uuid4())
        body = {"model_id": agent, "custom_variables": {"user_phone_number": number}}
        await api.send("POST", f"/v2/chat/{second}", json=body)
        await write(api, second, "Hello.")
        assert ("The person likes tea." in model.asked[-1][0]["content"]) is knows


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"is_transcript_disabled": True}, None), ({"redact_pii": True}, "human: My mail is [")],
    ids=["no_transcript", "redacted"],
)
def test_what_may_not_be_kept_is_not_remembered(settings: dict[str, bool], said: str | None) -> None:
    now = datetime.now(UTC)
    agent = Agent(name="A", type="inbound", settings=settings)
    chat = Chat(workspace_id=uuid4(), id="c", agent_id=uuid4(), variables={}, created_at=now)
    words = {"role": "user", "content": "My mail is ann@example.com."}
    message = ChatMessage(seq=0, turn=1, message=words, created_at=now)
    transcript = talk_of_chat(agent, chat, [message]).transcript
    assert "example.com" not in transcript
    assert (said in transcript) if said else transcript == ""
