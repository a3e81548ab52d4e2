"""Streamed chat completions: what an OpenAI-compatible endpoint sends, as reply parts."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

from openai import AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletionChunk
from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall

from trunkline.errors import ProviderError
from trunkline.voice.endpoint import faults
from trunkline.voice.language.ports import DonePart, ReplyPart, TextPart, ToolPart

MAX_TOKENS = 400
"""Of a reply: nobody listens to more at once."""


@dataclass(frozen=True)
class Budget:
    """Seconds."""

    first_token: float = 8.0
    total: float = 60.0


def options(model: str, tokens: int = MAX_TOKENS) -> dict[str, Any]:
    """How a model wants to be asked for a quick answer of so many tokens at most.

    OpenAI's reasoning models, GPT-5 and all since, take `max_completion_tokens` and no temperature, and refuse an
    effort they do not know with a 400. The least is `none` from GPT-5.1 on, `minimal` in GPT-5, `low` in the o-series
    and in the codex models (OpenAI's guide to reasoning, and the texts of those refusals). Chat models have no effort
    to be set.
    """
    name = model.rpartition("/")[2].lower()
    reasoning = re.match(r"gpt-([5-9])(?P<minor>\.\d+)?|(?P<old>o\d)", name)
    if reasoning is None:
        return {"max_tokens": tokens, "temperature": 0.0}
    if "chat" in name:
        return {"max_completion_tokens": tokens}
    if reasoning["old"] or "codex" in name:
        effort = "low"
    else:
        effort = "none" if reasoning["minor"] or reasoning[1] != "5" else "minimal"
    return {"max_completion_tokens": 4 * tokens, "reasoning_effort": effort}


async def stream(
    client: AsyncOpenAI,
    model: str,
    messages: Sequence[Mapping[str, Any]],
    budget: Budget,
    more: Mapping[str, Any],
) -> AsyncGenerator[ReplyPart, None]:
    """One completion as parts, a DonePart last. `more` are further parameters of the request.

    Closing the iterator closes the connection, and with it the work at the provider.
    """
    with faults("The language model"):
        deadline = asyncio.get_running_loop().time() + budget.total
        async with asyncio.timeout(budget.first_token):
            answer = await client.chat.completions.create(
                model=model,
                messages=cast(Any, list(messages)),
                stream=True,
                stream_options={"include_usage": True},
                **more,
            )
        async with aclosing(_chunks(answer, budget.first_token, deadline)) as chunks:
            calls = _Calls()
            done = DonePart("")
            async for chunk in chunks:
                done = _told(done, chunk)
                for choice in chunk.choices:
                    if choice.delta.content:
                        yield TextPart(choice.delta.content)
                    calls.take(choice.delta.tool_calls or ())
    for call in calls.whole():
        yield call
    yield done


async def whole(
    client: AsyncOpenAI,
    model: str,
    messages: Sequence[Mapping[str, Any]],
    budget: Budget,
    more: Mapping[str, Any],
) -> tuple[str, DonePart]:
    """The words of one completion once they are all there."""
    words, done = [], DonePart("")
    async with aclosing(stream(client, model, messages, budget, more)) as parts:
        async for part in parts:
            match part:
                case TextPart(text):
                    words.append(text)
                case DonePart():
                    done = part
    return "".join(words), done


async def _chunks(
    answer: AsyncStream[ChatCompletionChunk], first: float, deadline: float
) -> AsyncGenerator[ChatCompletionChunk, None]:
    """The chunks, each within what is left: of `first` for the first, of the whole for the others."""
    loop = asyncio.get_running_loop()
    limit = loop.time() + first
    try:
        pieces = aiter(answer)
        while True:
            async with asyncio.timeout_at(min(limit, deadline)):
                chunk = await anext(pieces, None)
            if chunk is None:
                return
            yield chunk
            limit = deadline
    finally:
        await answer.close()


def _told(done: DonePart, chunk: ChatCompletionChunk) -> DonePart:
    model = chunk.model or done.model
    if chunk.usage is None:
        return DonePart(model, done.prompt_tokens, done.completion_tokens)
    return DonePart(model, chunk.usage.prompt_tokens, chunk.usage.completion_tokens)


@dataclass
class _Call:
    call: str = ""
    name: str = ""
    arguments: str = ""


@dataclass
class _Calls:
    """Tool calls, which come in pieces, several side by side."""

    by_index: dict[int, _Call] = field(default_factory=dict)

    def take(self, pieces: Sequence[ChoiceDeltaToolCall]) -> None:
        for piece in pieces:
            call = self.by_index.setdefault(piece.index, _Call())
            call.call = call.call or piece.id or ""
            if piece.function is not None:
                call.name += piece.function.name or ""
                call.arguments += piece.function.arguments or ""

    def whole(self) -> list[ToolPart]:
        return [
            ToolPart(each.call or f"call_{index}", each.name, parse_arguments(each.arguments))
            for index, each in sorted(self.by_index.items())
        ]


def parse_arguments(text: str) -> dict[str, Any]:
    """A tool call's arguments; none at all are an empty object. Raises ProviderError."""
    try:
        arguments = json.loads(text or "{}")
    except ValueError as error:
        raise ProviderError("The language model called a tool with arguments that are not JSON") from error
    if not isinstance(arguments, dict):
        raise ProviderError("The language model called a tool with arguments that are not a JSON object")
    return arguments
