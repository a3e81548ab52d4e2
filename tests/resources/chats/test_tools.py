"""Actions in chats: run by the model's word between a message and its answer, kept in the history, never twice."""

import json
from typing import Any

import pytest
from sqlalchemy import update

from tests.platform.outbound.web import Web, response, web
from tests.resources.api import BOX, Api
from tests.resources.chats.test_chats import use
from tests.resources.contract import contract
from trunkline.errors import ProviderError
from trunkline.resources.actions.work import Means
from trunkline.resources.chats.models import Chat
from trunkline.resources.chats.service import Chats, Claim
from trunkline.voice.language.twins import Line, ScriptedLanguageModel

ORDER = {"name": "order", "description": "Which?"}


async def begun(api: Api, server: Web, chat_id: str = "chat-1", prompt: str = "Help.", **changes: Any) -> str:
    """A chat with an agent that looks orders up."""
    body = {
        "http_mode": "POST",
        "url": server.url("/orders"),
        "name": "look up",
        "variables_during_the_call": [ORDER],
        **changes,
    }
    agent = await api.agent(
        agent={"prompt": prompt}, actions=[{"type": "CUSTOM_ACTION", "CUSTOM_ACTION": body}]
    )
    await api.send(
        "POST", f"/v2/chat/{chat_id}", json={"model_id": agent, "custom_variables": {"tier": "gold"}}
    )
    return chat_id


async def write(api: Api, chat_id: str, text: str, status: int = 200) -> Any:
    body = {"message": text}
    return await api.send("POST", f"/v2/chat/{chat_id}/messages", status, json=body)


async def history(api: Api, chat_id: str) -> list[tuple[str, str]]:
    answer = await api.send("GET", f"/v2/chat/{chat_id}")
    assert contract.faults(answer, contract.answer_schema("GET", "/chat/{chat_id}", 200)) == []
    shown = answer["response"]["conversation_history"]
    return [("user" if each["agent_id"] == "user" else "agent", each["message"]) for each in shown]


async def test_an_action_runs_before_the_answer_and_the_model_reads_what_it_gave(api: Api) -> None:
    async with web() as server:
        server.answer = response(200, b'{"state": "shipped"}')
        chat = await begun(api, server)
        model = use(
            api, Line("One moment.", "look_up", {"order": "A7", "tier": "none"}), "It is shipped.", "Bye."
        )
        answer = await write(api, chat, "Where is A7?")
        (asked,) = server.asked
        assert json.loads(asked.body) == {"order": "A7"}
        assert answer["response"]["agent_message"] == "One moment.\nIt is shipped."
        result = model.asked[-1][-1]
        assert (result["role"], json.loads(result["content"])) == ("tool", {"state": "shipped"})
        await write(api, chat, "Thanks.")
    assert [each["role"] for each in model.asked[-1]][1:] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]
    assert (
        await history(api, chat)
        == [
            ("agent", ""),
            ("user", "Where is A7?"),
            ("agent", "One moment.\nIt is shipped."),
            ("user", "Thanks."),
            ("agent", "Bye."),
        ][1:]
    )
    (log,) = (await api.send("GET", "/v2/logs"))["response"]["items"]
    assert (log["status"], log["response_status_code"]) == ("success", 200)


async def test_what_an_action_gave_is_a_variable_of_the_chat_from_then_on(api: Api) -> None:
    async with web() as server:
        server.answer = response(200, b'{"name": "Anna", "tier": "none"}')
        chat = await begun(api, server, prompt="You talk to {results.name}, tier {tier}.")
        model = use(api, Line(tool="look_up", arguments={"order": "A7"}), "Hello.", "Bye.")
        await write(api, chat, "It is me.")
        await write(api, chat, "Thanks.")
    assert model.asked[0][0]["content"].startswith("You talk to {results.name}, tier gold.")
    assert model.asked[-1][0]["content"].startswith("You talk to Anna, tier gold.")
    async with api.database.workspace(api.workspace.id) as session:
        stored = await session.get_one(Chat, (api.workspace.id, chat))
        assert stored.variables == {"tier": "gold"}


async def test_the_same_tool_with_the_same_arguments_runs_once_a_turn(api: Api) -> None:
    async with web() as server:
        server.answer = response(200, b"{}")
        chat = await begun(api, server)
        use(api, Line(tool="look_up", arguments={"order": "A7"}))
        await api.refused("POST", f"/v2/chat/{chat}/messages", 503, json={"message": "Where is A7?"})
        assert len(server.asked) == 1


async def test_a_message_sent_again_after_a_failure_does_not_repeat_what_was_done(api: Api) -> None:
    async with web() as server:
        server.answer = response(200, b'{"state": "shipped"}')
        chat = await begun(api, server)
        use(api, Line(tool="look_up", arguments={"order": "A7"}), Line(fail="gone"))
        await api.refused("POST", f"/v2/chat/{chat}/messages", 503, json={"message": "Where is A7?"})
        model = use(api, "It is shipped.")
        await write(api, chat, "Where is A7?")
        assert len(server.asked) == 1
    assert model.asked[-1][-1]["role"] == "tool"
    assert [who for who, _ in await history(api, chat)] == ["user", "agent"]


async def test_a_tool_that_fails_is_told_to_the_model_and_the_chat_goes_on(api: Api) -> None:
    async with web() as server:
        server.answer = response(500)
        chat = await begun(api, server)
        model = use(api, Line(tool="look_up", arguments={"order": "A7"}), "It does not work.")
        answer = await write(api, chat, "Where is A7?")
    assert answer["response"]["agent_message"] == "It does not work."
    assert json.loads(model.asked[-1][-1]["content"])["status"] == 500


async def test_what_runs_before_a_chat_is_there_for_its_first_words(api: Api) -> None:
    async with web() as server:
        server.answer = response(200, b'{"name": "Anna"}')
        body = {
            "http_mode": "GET",
            "url": server.url("/who"),
            "name": "who",
            "run_action_before_call_start": True,
        }
        agent = await api.agent(
            agent={"prompt": "Help.", "greeting_message": "Hello {results.name}!"},
            actions=[{"type": "CUSTOM_ACTION", "CUSTOM_ACTION": body}],
        )
        answer = await api.send("POST", "/v2/chat/c", json={"model_id": agent})
    assert answer["response"]["initial_message"]["agent_message"] == "Hello Anna!"
    assert len(server.asked) == 1


async def test_a_chat_that_takes_up_a_deleted_ones_id_runs_its_tools_under_ids_of_their_own(api: Api) -> None:
    async with web() as server:
        server.answer = response(200, b"{}")
        for _ in range(2):
            chat = await begun(api, server)
            use(api, Line(tool="look_up", arguments={"order": "A7"}), "Here.")
            await write(api, chat, "Where is A7?")
            await api.send("DELETE", f"/v2/chat/{chat}")
        first, second = (each.headers["idempotency-key"] for each in server.asked)
    assert first != second


class Dying(Chats):
    """Its process is no more when the model fails: nothing is given back."""

    async def _give_back(self, claim: Claim) -> None:
        return


async def test_a_turn_that_is_done_again_after_a_death_runs_its_tools_under_the_same_ids(api: Api) -> None:
    async with web() as server:
        server.answer = response(200, b"{}")
        chat = await begun(api, server)
        looks_up = Line(tool="look_up", arguments={"order": "A7"})
        model = ScriptedLanguageModel(looks_up, Line(fail="gone"))
        chats = Dying(Means(api.database, BOX, api.platform.outbound), model, api.workspace.id)
        with pytest.raises(ProviderError):
            await chats.send(chat, "Where is A7?")
        async with api.database.system() as session:
            await session.execute(update(Chat).values(claim=None, claimed_until=None))
        use(api, looks_up, "Here.")
        await write(api, chat, "Where is A7?")
        first, second = (each.headers["idempotency-key"] for each in server.asked)
    assert first == second


async def test_a_chat_that_is_begun_again_runs_what_comes_before_it_under_the_same_ids(api: Api) -> None:
    async with web() as server:
        server.answer = response(200, b"{}")
        actions = [
            {
                "type": "CUSTOM_ACTION",
                "CUSTOM_ACTION": {
                    "http_mode": "POST",
                    "url": server.url(f"/{name}"),
                    "name": name,
                    "run_action_before_call_start": True,
                },
            }
            for name in ("one", "two")
        ]
        talks = {"prompt": "Help.", "greeting_message_mode": "agent_dynamic"}
        agent = await api.agent(agent=talks, actions=actions)
        use(api, Line(fail="gone"))
        await api.refused("POST", "/v2/chat/c", 503, json={"model_id": agent})
        use(api, "Hello.", "Hello.")
        await api.send("POST", "/v2/chat/c", json={"model_id": agent})
        await api.send("POST", "/v2/chat/d", json={"model_id": agent})
        keys = [each.headers["idempotency-key"] for each in server.asked]
    assert keys[:2] == keys[2:4]
    assert len({*keys}) == 4


async def test_logs_of_a_chat_hold_nothing_personal_where_its_agent_redacts(api: Api) -> None:
    async with web() as server:
        server.answer = response(200, b'{"mail": "xerxes@example.com"}')
        body = {
            "http_mode": "POST",
            "url": server.url("/orders"),
            "name": "look up",
            "variables_during_the_call": [ORDER],
        }
        agent = await api.agent(
            agent={"prompt": "Help.", "redact_pii": True},
            actions=[{"type": "CUSTOM_ACTION", "CUSTOM_ACTION": body}],
        )
        variables = {"name": "Xerxes Quux"}
        await api.send("POST", "/v2/chat/c", json={"model_id": agent, "custom_variables": variables})
        use(api, Line(tool="look_up", arguments={"order": "for Quux, ann@example.org"}), "Here.")
        await write(api, "c", "Where is it?")
        (asked,) = server.asked
    assert json.loads(asked.body) == {"order": "for Quux, ann@example.org"}
    (listed,) = (await api.send("GET", "/v2/logs"))["response"]["items"]
    shown = (await api.send("GET", f"/v2/logs/{listed['webhook_log_id']}"))["response"]
    assert shown["request_payload"] == {"order": "for [NAME], [EMAIL]"}
    assert shown["response_payload"] == {"mail": "[EMAIL]"}
