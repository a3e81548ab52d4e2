"""How the embedded model is asked and understood, against an endpoint that says what it is told."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.voice.language.contract import ASK, FORM, FORM_RULE, SENT, LanguageModelContract
from trunkline.voice.conversation.ending import DONE, end_call
from trunkline.voice.conversation.profile import END_CALL, EndCondition, Tool
from trunkline.voice.language.chat import Budget
from trunkline.voice.language.embedded import (
    EmbeddedLanguageModel,
    Reader,
    grammar,
    nullable,
    plain,
    possible,
)
from trunkline.voice.language.ports import DonePart, ReplyPart, TextPart, ToolPart
from trunkline.voice.scripted.script import ChatScript, Fault, FaultKind, Rule, Script
from trunkline.voice.scripted.server import ScriptedServer

BOOK = Tool("book", "Book it.", {"type": "object", "properties": {"day": {"type": "string"}}})
HISTORY: list[dict[str, Any]] = [
    {"role": "system", "content": "Be kind."},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "Book it."},
    {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "book", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "1", "content": "booked"},
]


async def _reply(
    said: str, tools: tuple[Tool, ...], arguments: str = "{}"
) -> tuple[list[ReplyPart], list[object]]:
    script = Script(llm=ChatScript(rules=(Rule(pattern="Arguments of", text=arguments),), default=said))
    with ScriptedServer(script) as server:
        llm = EmbeddedLanguageModel(server.base_url)
        parts = [part async for part in llm.reply("any", ASK, tools)]
        await llm.close()
        return parts, [each.request for each in server.of("llm")]


def _words(parts: list[ReplyPart]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextPart))


class TestEmbeddedLanguageModel(LanguageModelContract):
    @pytest.fixture
    async def llm(self) -> AsyncIterator[EmbeddedLanguageModel]:
        rules = (Rule(pattern=FORM_RULE, text=json.dumps(SENT)),)
        with ScriptedServer(Script(llm=ChatScript(rules=rules, default="talk: We open."))) as server:
            llm = EmbeddedLanguageModel(server.base_url)
            yield llm
            await llm.close()

    @pytest.fixture
    def filler(self, llm: EmbeddedLanguageModel) -> EmbeddedLanguageModel:
        return llm


async def test_a_form_is_held_to_its_schema_and_shown() -> None:
    with ScriptedServer(Script(llm=ChatScript(default=json.dumps(SENT)))) as server:
        llm = EmbeddedLanguageModel(server.base_url)
        await llm.fill("any", ASK, FORM, "call_report")
        await llm.close()
        [asked] = server.of("llm")
    assert asked.request["response_format"]["json_schema"]["schema"]["required"] == [
        "summary",
        "marks",
        "wish",
    ]
    assert re.search(FORM_RULE, asked.request["messages"][-1]["content"])


async def test_the_choice_is_not_spoken() -> None:
    parts, [asked] = await _reply("talk: We open at nine.", (END_CALL,))
    assert _words(parts) == "We open at nine."
    assert not any(isinstance(part, ToolPart) for part in parts)
    assert isinstance(parts[-1], DonePart)
    assert isinstance(asked, dict)
    assert asked["grammar"] == grammar([END_CALL])


def test_after_a_tool_there_is_only_talk_until_the_caller_speaks() -> None:
    tools = [BOOK, END_CALL]
    told = {"role": "system", "content": "In your instructions, {day} now stands for: Monday"}
    assert possible(HISTORY[:3], tools) == tools
    assert possible(HISTORY, tools) == ()
    assert possible([*HISTORY, told], tools) == ()
    assert possible([*HISTORY, {"role": "user", "content": "Thanks."}], tools) == tools
    assert possible(HISTORY[:1], tools) == tools


async def test_what_a_tool_gave_is_told_before_anything_else_is_called() -> None:
    with ScriptedServer(Script(llm=ChatScript(default="talk: It is booked."))) as server:
        llm = EmbeddedLanguageModel(server.base_url)
        parts = [part async for part in llm.reply("any", HISTORY, (BOOK, END_CALL))]
        await llm.close()
        [asked] = server.of("llm")
    assert _words(parts) == "It is booked."
    assert asked.request["grammar"] == grammar(())
    assert "- end_call: " in asked.request["messages"][0]["content"]


async def test_a_tool_without_arguments_is_called_at_once() -> None:
    parts, asked = await _reply("end_call: Goodbye!", (END_CALL, BOOK))
    assert _words(parts) == "Goodbye!"
    assert [(part.name, part.arguments) for part in parts if isinstance(part, ToolPart)] == [("end_call", {})]
    assert len(asked) == 1


async def test_arguments_are_asked_for_afterwards_in_the_tools_own_shape() -> None:
    parts, [_, asked] = await _reply("book: One moment.", (END_CALL, BOOK))
    assert [part.name for part in parts if isinstance(part, ToolPart)] == ["book"]
    assert isinstance(asked, dict)
    assert asked["response_format"]["json_schema"]["schema"] == nullable(BOOK.parameters)


async def test_the_reason_of_an_end_is_held_to_the_agents_own_list() -> None:
    tool = end_call([EndCondition("The caller is rude"), EndCondition("Sold")])
    _, [first, second] = await _reply("end_call: Goodbye!", (tool,))
    assert isinstance(first, dict) and isinstance(second, dict)
    assert "The caller is rude; Sold" in first["messages"][0]["content"]
    reason = second["response_format"]["json_schema"]["schema"]["properties"]["reason"]["anyOf"][0]
    assert reason["enum"] == ["The caller is rude", "Sold", DONE]


async def test_without_tools_nothing_is_added() -> None:
    parts, [asked] = await _reply("We open at nine.", ())
    assert _words(parts) == "We open at nine."
    assert isinstance(asked, dict)
    assert asked["messages"] == ASK
    assert "grammar" not in asked


async def test_warm_sends_the_same_prompt_for_one_token_and_never_raises() -> None:
    with ScriptedServer() as server:
        llm = EmbeddedLanguageModel(server.base_url, Budget(first_token=0.3, total=1.0))
        await llm.warm("any", ASK, [END_CALL])
        assert [part async for part in llm.reply("any", ASK, [END_CALL])]
        warmed, asked = (each.request for each in server.of("llm"))
        assert warmed["messages"] == asked["messages"]
        assert warmed["max_tokens"] == 1
        server.script = Script(llm=ChatScript(faults=(Fault(kind=FaultKind.HANG, rate=1.0),)))
        await llm.warm("any", ASK)
        await llm.close()


async def test_a_reply_waits_for_its_own_prompt_to_be_read() -> None:
    with ScriptedServer(Script(llm=ChatScript(first_ms=200))) as server:
        llm = EmbeddedLanguageModel(server.base_url)
        warming = asyncio.create_task(llm.warm("any", ASK, [END_CALL]))
        await asyncio.sleep(0)
        assert [part async for part in llm.reply("any", ASK, [END_CALL])]
        assert warming.done()
        first, second = server.of("llm")
        assert first.finished is not None
        assert second.arrived >= first.finished
        await llm.close()


def test_a_prompt_stays_a_prefix_of_the_next() -> None:
    whole = plain(HISTORY, [BOOK])
    for length in range(1, len(HISTORY)):
        assert plain(HISTORY[:length], [BOOK]) == whole[:length]
    assert [each["role"] for each in whole] == ["system", "assistant", "user", "assistant", "user"]
    assert "- book: Book it." in whole[0]["content"]
    assert whole[1]["content"] == "talk: Hello."
    assert whole[3]["content"].startswith("book: ")
    assert whole[4]["content"] == "[Result: booked]"


@pytest.mark.parametrize(
    "pieces", [["talk: Hi", " there"], ["ta", "lk", ":", " ", "Hi", " there"], ["talk:Hi there"]]
)
def test_the_choice_is_found_however_it_is_cut(pieces: list[str]) -> None:
    reader = Reader()
    assert "".join(reader.push(piece) for piece in pieces) == "Hi there"
    assert reader.action == "talk"


@pytest.mark.timeout(600)
@pytest.mark.models("llm-1.5b")
async def test_the_real_model_answers_and_ends_a_call(models_folder: Path) -> None:
    """In a process of its own, as in the installation; half of what it shows is that the server starts and stops."""
    from tests.voice.language.served import model_server
    from trunkline.voice.models.store import Store

    model = Store(models_folder).path("llm-1.5b", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf")
    async with model_server(model) as base_url:
        llm = EmbeddedLanguageModel(base_url, Budget(first_token=200, total=400))
        system = {
            "role": "system",
            "content": "You are the receptionist of a dentist. You open at 9. One short sentence.",
        }
        ask = [system, {"role": "user", "content": "When do you open?"}]
        await llm.warm("local", ask[:1], [END_CALL])
        parts = [part async for part in llm.reply("local", ask, [END_CALL])]
        assert "9" in _words(parts) or "nine" in _words(parts).lower()
        assert not any(isinstance(part, ToolPart) for part in parts)
        bye = [
            *ask,
            {"role": "assistant", "content": _words(parts)},
            {"role": "user", "content": "Thank you, goodbye."},
        ]
        parts = [part async for part in llm.reply("local", bye, [END_CALL])]
        assert [part.name for part in parts if isinstance(part, ToolPart)] == ["end_call"]
        done = parts[-1]
        assert isinstance(done, DonePart)
        assert (
            done.model == "qwen2.5-coder-1.5b-instruct-q4_k_m"
        )  # its own name, not the one that was asked for
        report = [
            *bye,
            {"role": "assistant", "content": "Goodbye."},
            {"role": "user", "content": "[The call is over.]"},
        ]
        filled = await llm.fill("local", report, FORM, "call_report")
        assert filled.value["summary"]
        await llm.close()
