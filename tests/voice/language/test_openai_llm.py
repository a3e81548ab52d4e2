"""The adapter for OpenAI-compatible endpoints against a scripted one."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.voice.language.contract import ASK, FILLED, FORM, FORM_RULE, SENT, LanguageModelContract, parts_of
from tests.voice.language.served import served
from trunkline.errors import ProviderError, ProviderTimeout
from trunkline.voice.conversation.profile import END_CALL, Tool
from trunkline.voice.language.chat import Budget, options
from trunkline.voice.language.openai_llm import OpenAILanguageModel
from trunkline.voice.language.ports import DonePart, TextPart, ToolPart
from trunkline.voice.scripted.script import ChatScript, Fault, FaultKind, Rule, Script, ToolUse
from trunkline.voice.scripted.server import ScriptedServer

PATIENT = Budget(first_token=30.0, total=60.0)
"""What no answer ever takes."""
BOOK = Tool("book", "Book it.", {"type": "object", "properties": {"day": {"type": "string"}}})
SCRIPT = Script(
    llm=ChatScript(
        rules=(
            Rule(
                pattern="book",
                text="One moment.",
                tools=(ToolUse(name="book", arguments={"day": "Tuesday"}), ToolUse(name="end_call")),
            ),
        ),
        default="We open at nine.",
    )
)


@pytest.fixture
def endpoint() -> Iterator[ScriptedServer]:
    with ScriptedServer(SCRIPT) as server:
        yield server


@pytest.fixture
async def llm(endpoint: ScriptedServer) -> AsyncIterator[OpenAILanguageModel]:
    llm = OpenAILanguageModel(endpoint.base_url, budget=PATIENT)
    yield llm
    await llm.close()


class TestOpenAILanguageModel(LanguageModelContract):
    @pytest.fixture
    async def llm(self, endpoint: ScriptedServer) -> AsyncIterator[OpenAILanguageModel]:
        llm = OpenAILanguageModel(endpoint.base_url, budget=PATIENT)
        yield llm
        await llm.close()

    @pytest.fixture
    def filler(self, llm: OpenAILanguageModel, endpoint: ScriptedServer) -> OpenAILanguageModel:
        endpoint.script = Script(llm=ChatScript(default=json.dumps(SENT)))
        return llm


async def test_a_form_is_held_to_its_schema(llm: OpenAILanguageModel, endpoint: ScriptedServer) -> None:
    endpoint.script = Script(llm=ChatScript(default=json.dumps(SENT)))
    await llm.fill("any", ASK, FORM, "call_report")
    [asked] = endpoint.of("llm")
    held = asked.request["response_format"]["json_schema"]
    assert (held["name"], held["strict"]) == ("call_report", True)
    assert held["schema"]["required"] == ["summary", "marks", "wish"]
    assert asked.request["messages"] == ASK


async def test_an_endpoint_that_refuses_a_schema_is_asked_in_words() -> None:
    asked: list[dict[str, Any]] = []

    async def answer(request: Request) -> Response:
        asked.append(body := await request.json())
        if "response_format" in body:
            return JSONResponse({"error": {"message": "response_format is not supported"}}, 400)
        said = f"Here it is:\n```json\n{json.dumps(FILLED)}\n```"
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m"}
        choice = {"index": 0, "delta": {"content": said}, "finish_reason": "stop"}
        text = f"data: {json.dumps(chunk | {'choices': [choice]})}\n\ndata: [DONE]\n\n"
        return Response(text, media_type="text/event-stream")

    async with served(Starlette(routes=[Route("/v1/chat/completions", answer, methods=["POST"])])) as url:
        llm = OpenAILanguageModel(f"{url}/v1", budget=PATIENT)
        for _ in range(2):
            assert (await llm.fill("any", ASK, FORM, "call_report")).value == FILLED
        await llm.close()
    assert ["response_format" in each for each in asked] == [True, False, False]
    assert re.search(FORM_RULE, asked[1]["messages"][-1]["content"])


async def test_a_form_that_is_not_of_its_schema_is_a_fault(
    llm: OpenAILanguageModel, endpoint: ScriptedServer
) -> None:
    endpoint.script = Script(llm=ChatScript(default=json.dumps({"summary": 7, "marks": []})))
    with pytest.raises(ProviderError, match=r"call_report is not of its schema: \$\.summary"):
        await llm.fill("any", ASK, FORM, "call_report")


async def test_a_form_whose_endpoint_fails_is_not_asked_for_twice(
    llm: OpenAILanguageModel, endpoint: ScriptedServer
) -> None:
    endpoint.script = Script(llm=ChatScript(faults=(Fault(kind=FaultKind.BROKEN, rate=1.0),)))
    with pytest.raises(ProviderError, match="500"):
        await llm.fill("any", ASK, FORM, "call_report")
    assert len(endpoint.of("llm")) == 1


async def test_tools_are_called_natively(llm: OpenAILanguageModel, endpoint: ScriptedServer) -> None:
    messages = [*ASK[:1], {"role": "user", "content": "Please book Tuesday."}]
    parts = [part async for part in llm.reply("any", messages, [BOOK, END_CALL])]
    calls = [part for part in parts if isinstance(part, ToolPart)]
    assert [(each.name, each.arguments) for each in calls] == [("book", {"day": "Tuesday"}), ("end_call", {})]
    assert len({each.call for each in calls}) == 2
    assert "".join(each.text for each in parts if isinstance(each, TextPart)) == "One moment."
    [asked] = endpoint.of("llm")
    assert asked.request["tools"][0]["function"]["name"] == "book"


async def test_the_end_counts_the_tokens(llm: OpenAILanguageModel) -> None:
    done = (await parts_of(llm))[-1]
    assert isinstance(done, DonePart)
    assert done.model == "any"
    assert done.completion_tokens


async def test_nothing_is_sent_to_warm_somebody_elses_endpoint(
    llm: OpenAILanguageModel, endpoint: ScriptedServer
) -> None:
    await llm.warm("any", ASK)
    assert endpoint.of("llm") == []


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.BROKEN, ProviderError),
        (FaultKind.TOO_MANY, ProviderError),
        (FaultKind.HANG, ProviderTimeout),
        (FaultKind.DIE, ProviderError),
    ],
)
async def test_faults_are_told_in_our_words(
    endpoint: ScriptedServer, kind: FaultKind, error: type[ProviderError]
) -> None:
    budget = Budget(first_token=0.5, total=3.0) if kind is FaultKind.HANG else PATIENT
    llm = OpenAILanguageModel(endpoint.base_url, budget=budget)
    endpoint.script = Script(llm=ChatScript(faults=(Fault(kind=kind, rate=1.0),)))
    with pytest.raises(error, match="language model"):
        await parts_of(llm)
    await llm.close()


@pytest.mark.parametrize(
    "chunk",
    [
        *('"words"', "[]", '{"choices": 1}', '{"choices": ["words"]}', '{"choices": [{"delta": "words"}]}'),
        *('{"choices": [{"delta": {"tool_calls": ["book"]}}]}', '{"usage": "many"}', "{half"),
    ],
)
async def test_a_chunk_of_another_shape_is_nonsense(chunk: str) -> None:
    async def answer(_: Request) -> Response:
        return Response(f"data: {chunk}\n\ndata: [DONE]\n\n", media_type="text/event-stream")

    async with served(Starlette(routes=[Route("/v1/chat/completions", answer, methods=["POST"])])) as url:
        llm = OpenAILanguageModel(f"{url}/v1", budget=PATIENT)
        with pytest.raises(ProviderError, match="nonsense"):
            await parts_of(llm)
        await llm.close()


async def test_leaving_early_ends_the_work_at_the_endpoint(
    llm: OpenAILanguageModel, endpoint: ScriptedServer
) -> None:
    endpoint.script = Script(llm=ChatScript(token_ms=50, default="so " * 100))
    async with aclosing(llm.reply("any", ASK)) as reply:  # type: ignore[type-var]
        await anext(reply)
    async with asyncio.timeout(30):
        while not endpoint.of("llm")[0].left:  # noqa: ASYNC110 - another thread sets it
            await asyncio.sleep(0.01)


async def test_a_reply_that_drags_on_is_ended(endpoint: ScriptedServer) -> None:
    endpoint.script = Script(llm=ChatScript(token_ms=300, default="so " * 40))
    llm = OpenAILanguageModel(endpoint.base_url, budget=Budget(first_token=1.0, total=1.0))
    with pytest.raises(ProviderTimeout):
        await parts_of(llm)
    await llm.close()


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        ("gpt-4o", {"max_tokens": 400, "temperature": 0.0}),
        ("gpt-5", {"max_completion_tokens": 1600, "reasoning_effort": "minimal"}),
        ("openai/gpt-5-mini", {"max_completion_tokens": 1600, "reasoning_effort": "minimal"}),
        ("gpt-5.2", {"max_completion_tokens": 1600, "reasoning_effort": "none"}),
        ("gpt-5.1-codex", {"max_completion_tokens": 1600, "reasoning_effort": "low"}),
        ("gpt-5.4-nano-2026-03-17", {"max_completion_tokens": 1600, "reasoning_effort": "none"}),
        ("gpt-6-luna", {"max_completion_tokens": 1600, "reasoning_effort": "none"}),
        ("gpt-4.1-2025-04-14", {"max_tokens": 400, "temperature": 0.0}),
        ("gpt-5-chat", {"max_completion_tokens": 400}),
        ("o4-mini", {"max_completion_tokens": 1600, "reasoning_effort": "low"}),
    ],
)
def test_each_family_is_asked_its_own_way(model: str, wanted: dict[str, object]) -> None:
    assert options(model) == wanted
