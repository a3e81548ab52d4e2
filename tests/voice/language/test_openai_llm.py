"""The adapter for OpenAI-compatible endpoints against a scripted one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest

from tests.voice.language.contract import ASK, LanguageModelContract, parts_of
from trunkline.errors import ProviderError, ProviderTimeout
from trunkline.voice.conversation.profile import END_CALL, Tool
from trunkline.voice.language.chat import Budget, options
from trunkline.voice.language.openai_llm import OpenAILanguageModel
from trunkline.voice.language.ports import DonePart, TextPart, ToolPart
from trunkline.voice.scripted.script import ChatScript, Fault, FaultKind, Rule, Script, ToolUse
from trunkline.voice.scripted.server import ScriptedServer

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
    llm = OpenAILanguageModel(endpoint.base_url, budget=Budget(first_token=0.5, total=3.0))
    yield llm
    await llm.close()


class TestOpenAILanguageModel(LanguageModelContract):
    @pytest.fixture
    async def llm(self, endpoint: ScriptedServer) -> AsyncIterator[OpenAILanguageModel]:
        llm = OpenAILanguageModel(endpoint.base_url)
        yield llm
        await llm.close()


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
    llm: OpenAILanguageModel, endpoint: ScriptedServer, kind: FaultKind, error: type[ProviderError]
) -> None:
    endpoint.script = Script(llm=ChatScript(faults=(Fault(kind=kind, rate=1.0),)))
    with pytest.raises(error, match="language model"):
        await parts_of(llm)


async def test_leaving_early_ends_the_work_at_the_endpoint(
    llm: OpenAILanguageModel, endpoint: ScriptedServer
) -> None:
    endpoint.script = Script(llm=ChatScript(token_ms=50, default="so " * 100))
    async with aclosing(llm.reply("any", ASK)) as reply:  # type: ignore[type-var]
        await anext(reply)
    async with asyncio.timeout(5):
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
        ("gpt-5-chat", {"max_completion_tokens": 400}),
        ("o4-mini", {"max_completion_tokens": 1600, "reasoning_effort": "low"}),
    ],
)
def test_each_family_is_asked_its_own_way(model: str, wanted: dict[str, object]) -> None:
    assert options(model) == wanted
