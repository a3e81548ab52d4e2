"""A conversation in writing with an agent."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from tests.resources.api import BOX, Api
from tests.resources.contract import contract
from trunkline.resources.actions.work import Means
from trunkline.resources.chats import service
from trunkline.resources.chats.models import Chat
from trunkline.resources.chats.service import Chats
from trunkline.resources.language import Language
from trunkline.roles.language import AbsentLanguageModel
from trunkline.voice.conversation.profile import Tool
from trunkline.voice.language.ports import ReplyPart
from trunkline.voice.language.twins import Line, ScriptedLanguageModel

GREETING = {"prompt": "You work for {shop}.", "greeting_message": "Hello {name}!"}


def use(api: Api, *lines: Line | str) -> ScriptedLanguageModel:
    """The model of this test."""
    model = ScriptedLanguageModel(*lines)
    api.app.state.language = Language(talk=model, think=model)
    return model


async def begun(api: Api, chat_id: str | None = None, **settings: Any) -> str:
    """The id of a new chat."""
    agent = await api.agent(agent={"prompt": "Help.", **settings})
    chat_id = chat_id or str(uuid4())
    await api.send("POST", f"/v2/chat/{chat_id}", json={"model_id": agent})
    return chat_id


async def write(api: Api, chat_id: str, text: str) -> dict[str, Any]:
    answer = await api.send("POST", f"/v2/chat/{chat_id}/messages", json={"message": text})
    assert contract.faults(answer, contract.answer_schema("POST", "/chat/{chat_id}/messages", 200)) == []
    return dict(answer["response"])


async def read(api: Api, chat_id: str) -> dict[str, Any]:
    answer = await api.send("GET", f"/v2/chat/{chat_id}")
    assert contract.faults(answer, contract.answer_schema("GET", "/chat/{chat_id}", 200)) == []
    return dict(answer["response"])


async def test_a_whole_chat(api: Api) -> None:
    model = use(api, "We open at nine.", "You are welcome.")
    agent, chat_id = await api.agent(agent=GREETING), str(uuid4())
    body = {
        "model_id": agent,
        "metadata": {"name": "Ann"},
        "custom_variables": [{"key": "shop", "value": "Bell"}],
    }
    answer = await api.send("POST", f"/v2/chat/{chat_id}", json=body)
    assert contract.faults(answer, contract.answer_schema("POST", "/chat/{chat_id}", 200)) == []
    assert answer["response"]["initial_message"]["agent_message"] == "Hello Ann!"
    assert answer["response"]["fsm_log"] is None
    said = await write(api, chat_id, "When do you open?")
    assert (said["agent_message"], said["turn_number"]) == ("We open at nine.", 1)
    await write(api, chat_id, "Thank you.")
    chat = await read(api, chat_id)
    assert chat["chat_status"] == "ongoing"
    assert [
        (each["agent_id"], each["message"], each["turn_number"]) for each in chat["conversation_history"]
    ] == [
        (agent, "Hello Ann!", 0),
        ("user", "When do you open?", 1),
        (agent, "We open at nine.", 1),
        ("user", "Thank you.", 2),
        (agent, "You are welcome.", 2),
    ]
    assert chat["transcript"].startswith("\nbot: Hello Ann!\nhuman: When do you open?\nbot: ")
    head, *_, last = model.asked[1]
    assert head["content"].startswith("You work for Bell.\n\nYou are in a text chat.")
    assert last == {"role": "user", "content": "Thank you."}
    assert "Hello Ann!" in [each["content"] for each in model.asked[1]]


async def test_who_speaks_first_is_the_agents_setting(api: Api) -> None:
    use(api, "Good day, what may I do?")
    dynamic = await read(api, await begun(api, greeting_message_mode="agent_dynamic"))
    assert dynamic["initial_message"]["agent_message"] == "Good day, what may I do?"
    for quiet in ({"greeting_message_mode": "human", "greeting_message": "Hi"}, {}):
        chat = await read(api, await begun(api, **quiet))
        assert (chat["initial_message"], chat["conversation_history"], chat["transcript"]) == (None, [], "")


async def test_the_agent_ends_the_chat(api: Api) -> None:
    use(api, Line("Goodbye!", tool="end_call"))
    chat_id = await begun(api)
    assert (await write(api, chat_id, "Bye."))["agent_message"] == "Goodbye!"
    assert (await read(api, chat_id))["chat_status"] == "completed"
    path = f"/v2/chat/{chat_id}/messages"
    assert "completed" in await api.refused("POST", path, json={"message": "One more thing"})


async def test_an_id_is_the_callers_choice_once_in_a_workspace(api: Api, stranger: Api) -> None:
    chat_id = await begun(api, "order 7")
    agent = await api.agent()
    said = await api.refused("POST", f"/v2/chat/{chat_id}", json={"model_id": agent})
    assert "chat_id" in said
    assert "in use" in said
    assert await begun(stranger, chat_id) == chat_id
    await api.send("DELETE", f"/v2/chat/{chat_id}")
    assert await begun(api, chat_id) == chat_id


@pytest.mark.parametrize("chat_id", ["x" * 256, "a%0Ab"])
async def test_an_id_that_cannot_be_one(api: Api, chat_id: str) -> None:
    agent = await api.agent()
    assert "chat_id" in await api.refused("POST", f"/v2/chat/{chat_id}", json={"model_id": agent})
    await api.refused("GET", f"/v2/chat/{chat_id}", 404)
    await api.refused("DELETE", f"/v2/chat/{chat_id}", 404)
    await api.refused("POST", f"/v2/chat/{chat_id}/messages", 404, json={"message": "Hi"})


async def test_a_foreign_chat_is_like_an_unknown_one(api: Api, stranger: Api) -> None:
    chat_id = await begun(api)
    for id_ in (chat_id, str(uuid4())):
        said = {
            await stranger.refused("GET", f"/v2/chat/{id_}", 404),
            await stranger.refused("DELETE", f"/v2/chat/{id_}", 404),
            await stranger.refused("POST", f"/v2/chat/{id_}/messages", 404, json={"message": "Hi"}),
        }
        assert said == {f"There is no chat {id_}."}
    assert (await read(api, chat_id))["conversation_history"] == []


async def test_a_foreign_agent_is_like_an_unknown_one(api: Api, stranger: Api) -> None:
    foreign = await stranger.agent()
    for agent in (foreign, str(uuid4()), "none"):
        said = await api.refused("POST", f"/v2/chat/{uuid4()}", json={"model_id": agent})
        assert said == f"model_id: there is no agent {agent}."


async def test_a_chat_of_a_deleted_agent_can_be_read_but_not_gone_on_with(api: Api) -> None:
    agent, chat_id = await api.agent(), str(uuid4())
    await api.send("POST", f"/v2/chat/{chat_id}", json={"model_id": agent})
    await api.send("DELETE", f"/v2/assistants/{agent}")
    assert "deleted" in await api.refused("POST", f"/v2/chat/{chat_id}/messages", json={"message": "Hi"})
    assert (await read(api, chat_id))["conversation_history"] == []


@pytest.mark.parametrize("body", [{}, {"message": ""}, {"message": "  "}, {"message": 7}, {"message": None}])
async def test_a_message_needs_words(api: Api, body: dict[str, Any]) -> None:
    chat_id = await begun(api)
    assert "message" in await api.refused("POST", f"/v2/chat/{chat_id}/messages", json=body)


async def test_a_deleted_chat_is_gone(api: Api) -> None:
    use(api, "Hello.")
    chat_id = await begun(api)
    await write(api, chat_id, "Hi")
    answer = await api.send("DELETE", f"/v2/chat/{chat_id}")
    assert contract.faults(answer, contract.answer_schema("DELETE", "/chat/{chat_id}", 200)) == []
    await api.refused("GET", f"/v2/chat/{chat_id}", 404)


async def test_a_message_that_failed_is_kept_and_answered_when_sent_again(api: Api) -> None:
    model = use(api, Line("Well", fail="The language model failed: gone"), "We open at nine.")
    chat_id = await begun(api)
    said = await api.refused("POST", f"/v2/chat/{chat_id}/messages", 503, json={"message": "When?"})
    assert said == "The language model failed: gone"
    assert [each["message"] for each in (await read(api, chat_id))["conversation_history"]] == ["When?"]
    assert (await write(api, chat_id, "When?"))["agent_message"] == "We open at nine."
    history = (await read(api, chat_id))["conversation_history"]
    assert [each["message"] for each in history] == ["When?", "We open at nine."]
    assert [each["content"] for each in model.asked[1][1:]] == ["When?"]


async def test_other_words_after_a_failure_are_answered_together_with_the_former(api: Api) -> None:
    model = use(api, Line(fail="gone"), "At nine.")
    chat_id = await begun(api)
    await api.refused("POST", f"/v2/chat/{chat_id}/messages", 503, json={"message": "When?"})
    await write(api, chat_id, "Please.")
    assert model.asked[1][-1] == {"role": "user", "content": "When?\nPlease."}
    history = (await read(api, chat_id))["conversation_history"]
    assert [(each["message"], each["turn_number"]) for each in history] == [
        ("When?", 1),
        ("Please.", 2),
        ("At nine.", 2),
    ]


async def test_a_chat_whose_greeting_failed_is_not_there(api: Api) -> None:
    use(api, Line(fail="gone"), "Hello.")
    agent = await api.agent(agent={"prompt": "Help.", "greeting_message_mode": "agent_dynamic"})
    path = f"/v2/chat/{uuid4()}"
    await api.refused("POST", path, 503, json={"model_id": agent})
    await api.send("POST", path, json={"model_id": agent})


async def test_without_a_language_model_it_is_said_what_to_set(api: Api) -> None:
    chat_id = await begun(api)
    absent = AbsentLanguageModel()
    api.app.state.language = Language(talk=absent, think=absent)
    said = await api.refused("POST", f"/v2/chat/{chat_id}/messages", 503, json={"message": "Hi"})
    assert "TRUNKLINE_LLM_BASE_URL" in said


class SlowModel(ScriptedLanguageModel):
    """Answers when it may; counts how many replies run at once."""

    def __init__(self) -> None:
        super().__init__(rule=lambda messages: f"to {messages[-1]['content']}")
        self.may = asyncio.Event()
        self.begun = asyncio.Event()
        self.running = 0
        self.most = 0

    async def reply(
        self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()
    ) -> AsyncIterator[ReplyPart]:
        self.running += 1
        self.most = max(self.most, self.running)
        self.begun.set()
        try:
            await self.may.wait()
            async for part in super().reply(model, messages, tools):
                yield part
        finally:
            self.running -= 1


@pytest.fixture
def slow(api: Api) -> SlowModel:
    model = SlowModel()
    api.app.state.language = Language(talk=model, think=model)
    return model


async def test_messages_at_once_are_answered_one_after_the_other(
    api: Api, slow: SlowModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_LOOK_AGAIN", 0.005)
    chat_id = await begun(api)
    sent = [asyncio.create_task(write(api, chat_id, f"message {n}")) for n in range(4)]
    await slow.begun.wait()
    slow.may.set()
    answers = await asyncio.gather(*sent)
    assert [each["agent_message"] for each in answers] == [f"to message {n}" for n in range(4)]
    assert slow.most == 1
    history = (await read(api, chat_id))["conversation_history"]
    assert [each["turn_number"] for each in history] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert [each["message"] for each in history[1::2]] == [f"to {each['message']}" for each in history[::2]]


async def test_no_connection_is_held_while_the_model_thinks(api: Api, slow: SlowModel) -> None:
    chats = [await begun(api) for _ in range(30)]  # more than there are connections
    sent = [asyncio.create_task(write(api, each, "Hi")) for each in chats]
    await slow.begun.wait()
    async with asyncio.timeout(10):
        await api.send("GET", "/v2/chat")
    slow.may.set()
    assert len(await asyncio.gather(*sent)) == 30


async def test_who_waits_too_long_is_told_so(
    api: Api, slow: SlowModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "TURN_WITHIN", 0.2)
    chat_id = await begun(api)
    first = asyncio.create_task(write(api, chat_id, "One"))
    await slow.begun.wait()
    said = await api.refused("POST", f"/v2/chat/{chat_id}/messages", 503, json={"message": "Two"})
    assert "earlier message" in said
    slow.may.set()
    await first
    assert len((await read(api, chat_id))["conversation_history"]) == 2


async def test_a_model_that_drags_on_is_given_up(
    api: Api, slow: SlowModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "ANSWER_WITHIN", 0.05)
    chat_id = await begun(api)
    said = await api.refused("POST", f"/v2/chat/{chat_id}/messages", 503, json={"message": "Hi"})
    assert "in time" in said
    slow.may.set()
    monkeypatch.setattr(service, "ANSWER_WITHIN", 5.0)
    assert (await write(api, chat_id, "Hi"))["agent_message"] == "to Hi"


async def test_a_chat_that_is_deleted_meanwhile_stays_deleted(api: Api, slow: SlowModel) -> None:
    chat_id = await begun(api)
    path = f"/v2/chat/{chat_id}/messages"
    sent = asyncio.create_task(api.refused("POST", path, 404, json={"message": "Hi"}))
    await slow.begun.wait()
    await api.send("DELETE", f"/v2/chat/{chat_id}")
    slow.may.set()
    assert await sent == f"There is no chat {chat_id}."


async def test_a_chat_whose_answerer_died_is_free_again_after_the_lease(api: Api) -> None:
    use(api, "Here.")
    chat_id = await begun(api)
    async with api.database.system() as session:
        past = {
            "claim": uuid4(),
            "claimed_until": datetime.fromisoformat("2020-01-01T00:00:00+00:00"),
        }
        await session.execute(update(Chat).where(Chat.id == chat_id).values(past))
    assert (await write(api, chat_id, "Hi"))["agent_message"] == "Here."


async def test_a_message_that_was_answered_unheard_gets_its_answer_again(api: Api) -> None:
    model = use(api, "At nine.", Line("Goodbye!", tool="end_call"))
    chat_id = await begun(api)
    chats = Chats(Means(api.database, BOX, api.platform.outbound), model, api.workspace.id)
    for words, request in (("When?", "k1"), ("Bye.", "k2")):
        await chats.send(chat_id, words, request)  # here its process dies, and nobody has heard the answer
    path = f"/v2/chat/{chat_id}/messages"
    for words, key, said in (("When?", "k1", "At nine."), ("Bye.", "k2", "Goodbye!")):
        answer = await api.send("POST", path, json={"message": words}, headers={"Idempotency-Key": key})
        assert answer["response"]["agent_message"] == said
    assert len(model.asked) == 2
    assert len((await read(api, chat_id))["conversation_history"]) == 4
    assert "completed" in await api.refused("POST", path, json={"message": "Bye."})


async def test_a_message_that_nobody_answered_is_written_once_whatever_names_it(api: Api) -> None:
    use(api, Line(fail="gone"), Line(fail="gone"), "At nine.")
    chat_id = await begun(api)
    path, body = f"/v2/chat/{chat_id}/messages", {"message": "When?"}
    for status, key in ((503, "k1"), (503, "k2"), (200, "k2")):
        await api.send("POST", path, status, json=body, headers={"Idempotency-Key": key})
    assert [each["message"] for each in (await read(api, chat_id))["conversation_history"]] == [
        "When?",
        "At nine.",
    ]


async def test_chats_are_listed_newest_first_page_by_page(api: Api, stranger: Api) -> None:
    await begun(stranger)
    made = [await begun(api) for _ in range(12)]
    seen: list[str] = []
    query = "/v2/chat"
    for length, more in ((10, True), (2, False)):
        answer = await api.send("GET", query)
        assert contract.faults(answer, contract.answer_schema("GET", "/chat", 200)) == []
        page = answer["response"]
        assert (len(page["chats"]), page["has_more"], bool(page["next_cursor"])) == (length, more, more)
        seen += [each["chat_id"] for each in page["chats"]]
        query = f"/v2/chat?cursor={page['next_cursor']}"
    assert seen == made[::-1]
    assert page["next_cursor"] == ""


async def test_chats_of_one_time_are_all_listed(api: Api) -> None:
    made = {await begun(api) for _ in range(5)}
    async with api.database.system() as session:
        await session.execute(update(Chat).values(created_at=datetime.fromisoformat("2026-01-01T00:00:00Z")))
    seen: list[str] = []
    cursor = ""
    while not seen or cursor:
        page = (await api.send("GET", "/v2/chat", params={"limit": 2, "cursor": cursor}))["response"]
        seen += [each["chat_id"] for each in page["chats"]]
        cursor = page["next_cursor"]
    assert seen == sorted(made)


async def test_chats_of_one_agent(api: Api, stranger: Api) -> None:
    await begun(api)
    agent, chat_id = await api.agent(), str(uuid4())
    await api.send("POST", f"/v2/chat/{chat_id}", json={"model_id": agent})
    for _ in range(2):
        page = (await api.send("GET", f"/v2/chat?agent_id={agent}"))["response"]
        assert [each["chat_id"] for each in page["chats"]] == [chat_id]
        await api.client.delete(f"/v2/assistants/{agent}")  # its chats are still there
    for unknown in (await stranger.agent(), str(uuid4()), "none"):
        said = await api.refused("GET", f"/v2/chat?agent_id={unknown}")
        assert said == f"agent_id: there is no agent {unknown}."


@pytest.mark.parametrize("limit", [0, -1, 1001])
async def test_limits_of_a_list(api: Api, limit: int) -> None:
    assert await api.refused("GET", f"/v2/chat?limit={limit}") == "Limit must be between 1 and 1000."


@pytest.mark.parametrize("cursor", ["x", "MjAyNg==", "bm90aGluZyBhdCBhbGw=", "é", "MjAyNi0wMS0wMSBh"])
async def test_a_cursor_that_is_none_of_ours(api: Api, cursor: str) -> None:
    assert "cursor" in await api.refused("GET", f"/v2/chat?cursor={cursor}")
