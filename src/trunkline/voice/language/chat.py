"""Streamed chat completions: what an OpenAI-compatible endpoint sends, as reply parts."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from openai import AsyncOpenAI, AsyncStream

from trunkline.errors import ProviderError
from trunkline.voice.endpoint import faults
from trunkline.voice.language.ports import DonePart, ReplyPart, TextPart, ToolPart

MAX_TOKENS = 400
"""Of a reply: nobody listens to more at once."""

Chunk = Mapping[str, Any]
"""A `chat.completion.chunk` as it came. The SDK's typed ones are not asked for: they cost 0.4 ms of CPU a token, more
than all else of a request together (6.7 ms for ten tokens, 2.6 without)."""


_WITH_USAGE = {"stream_options": {"include_usage": True}}


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
    """One completion as parts, a DonePart last. `more` are further members of the request's body.

    Closing the iterator closes the connection, and with it the work at the provider.
    """
    with faults("The language model"):
        deadline = asyncio.get_running_loop().time() + budget.total
        asked = {"model": model, "messages": list(messages), "stream": True} | _WITH_USAGE | dict(more)
        async with asyncio.timeout(budget.first_token):
            answer = await client.post(
                "/chat/completions", body=asked, cast_to=object, stream=True, stream_cls=AsyncStream[object]
            )
        async with aclosing(_chunks(answer, budget.first_token, deadline)) as chunks:
            calls = _Calls()
            done = DonePart("")
            async for chunk in chunks:
                done = _told(done, chunk)
                for choice in _list(chunk.get("choices")):
                    delta = _object(_object(choice).get("delta") or {})
                    if content := delta.get("content"):
                        yield TextPart(str(content))
                    calls.take(_list(delta.get("tool_calls")))
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


async def _chunks(answer: AsyncStream[object], first: float, deadline: float) -> AsyncGenerator[Chunk, None]:
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
            yield _object(chunk)
            limit = deadline
    finally:
        await answer.close()


def _object(value: object) -> Chunk:
    """Raises ValueError for what is no JSON object."""
    if not isinstance(value, Mapping):
        raise ValueError(f"an object was to come, not {type(value).__name__}")
    return value


def _list(value: object) -> list[object]:
    """Of None an empty one. Raises ValueError for what is no JSON array."""
    if not isinstance(value, list | None):
        raise ValueError(f"an array was to come, not {type(value).__name__}")
    return value or []


def _told(done: DonePart, chunk: Chunk) -> DonePart:
    model = str(chunk.get("model") or done.model)
    usage = chunk.get("usage")
    if not usage:
        return DonePart(model, done.prompt_tokens, done.completion_tokens)
    counted = _object(usage)
    return DonePart(model, int(counted.get("prompt_tokens") or 0), int(counted.get("completion_tokens") or 0))


@dataclass
class _Call:
    call: str = ""
    name: str = ""
    arguments: str = ""


@dataclass
class _Calls:
    """Tool calls, which come in pieces, several side by side."""

    by_index: dict[int, _Call] = field(default_factory=dict)

    def take(self, pieces: Sequence[object]) -> None:
        for each in pieces:
            piece = _object(each)
            call = self.by_index.setdefault(int(piece.get("index") or 0), _Call())
            call.call = call.call or str(piece.get("id") or "")
            function = _object(piece.get("function") or {})
            call.name += str(function.get("name") or "")
            call.arguments += str(function.get("arguments") or "")

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
